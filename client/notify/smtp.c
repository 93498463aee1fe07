#include "client/notify/smtp.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

/* How far the conversation is. From PHASE_DOT on the relay may hold the whole mail. */
enum phase { PHASE_HELLO, PHASE_MAIL, PHASE_RCPT, PHASE_DATA, PHASE_DOT };

struct smtp {
    const struct smtp_settings *settings;
    CURL *curl;
    const char *mail;
    size_t size, given;
    int64_t until;
    enum phase phase;
    bool answered; /* in this phase */
    struct smtp_result *result;
};

/* What a reply means, by phase; code 0 is silence. The first row that fits decides. Before RCPT the relay's quarrel is
 * with us, not with this person: the mail waits until somebody has settled it. */
static const struct {
    enum phase from, to;
    int lowest, highest;
    Mejora__MailOutcome outcome;
} outcomes[] = {
    {PHASE_HELLO, PHASE_DOT, 530, 538, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER}, /* wants other credentials */
    {PHASE_MAIL, PHASE_MAIL, 552, 552, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER}, /* larger than it ever takes */
    {PHASE_RCPT, PHASE_DOT, 500, 599, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER},
    {PHASE_DOT, PHASE_DOT, 200, 299, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT},
    {PHASE_DOT, PHASE_DOT, 400, 499, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER},
    {PHASE_DOT, PHASE_DOT, 0, 999, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_UNKNOWN},
    {PHASE_HELLO, PHASE_DOT, 0, 999, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER},
};

static const struct {
    const char *begin;
    enum phase phase;
} verbs[] = {{"MAIL FROM:", PHASE_MAIL}, {"RCPT TO:", PHASE_RCPT}, {"DATA\r\n", PHASE_DATA}};

int64_t smtp_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

bool smtp_tls_of(const char *url, enum smtp_tls *ret)
{
    char *scheme = NULL, *host = NULL;
    CURLU *u = curl_url();
    bool ok = u && !curl_url_set(u, CURLUPART_URL, url, 0) && !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
              !curl_url_get(u, CURLUPART_HOST, &host, 0) && (!strcmp(scheme, "smtp") || !strcmp(scheme, "smtps"));
    if (ok)
        *ret = !strcmp(scheme, "smtps") ? SMTP_IMPLICIT : is_loopback(host) ? SMTP_PLAIN : SMTP_STARTTLS;
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return ok;
}

/* The relay's turn: what it said before is no answer to this. */
static void asked(struct smtp *s, enum phase phase)
{
    s->phase = phase;
    s->answered = false;
    *s->result->text = '\0';
}

static int on_talk(CURL *curl, curl_infotype type, char *data, size_t size, void *smtp)
{
    struct smtp *s = smtp;
    (void)curl;
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    enum phase phase = s->phase; /* of greetings and credentials too */
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (size >= strlen(verbs[i].begin) && !memcmp(data, verbs[i].begin, strlen(verbs[i].begin)))
            phase = verbs[i].phase;
    asked(s, phase);
    return 0;
}

/* Keeps the last line of the last reply. */
static size_t on_reply(char *data, size_t one, size_t size, void *smtp)
{
    struct smtp *s = smtp;
    (void)one;
    s->answered = true;
    size_t n = size < sizeof s->result->text ? size : sizeof s->result->text - 1;
    memcpy(s->result->text, data, n);
    for (char *c = s->result->text; c < s->result->text + n; c++)
        if (*c < ' ' || *c > '~') /* a relay's bytes are a stranger's */
            *c = ' ';
    while (n && s->result->text[n - 1] == ' ')
        n--;
    s->result->text[n] = '\0';
    return size;
}

/* Called once the relay has said 354: the last moment at which another worker may have the lease. */
static size_t on_read(char *buffer, size_t one, size_t room, void *smtp)
{
    struct smtp *s = smtp;
    (void)one;
    if (s->given == 0 && smtp_now() >= s->until)
        return CURL_READFUNC_ABORT;
    size_t n = s->size - s->given < room ? s->size - s->given : room;
    memcpy(buffer, s->mail + s->given, n);
    s->given += n;
    if (s->given == s->size)
        asked(s, PHASE_DOT);
    return n;
}

static void set_encryption(CURL *curl, const struct smtp_settings *set)
{
    curl_easy_setopt(curl, CURLOPT_USE_SSL, set->tls == SMTP_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (set->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, set->ca_file);
    if (set->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, set->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, set->password);
    }
}

static void set_callbacks(struct smtp *s)
{
    curl_easy_setopt(s->curl, CURLOPT_VERBOSE, 1L); /* to the function below, and nowhere else */
    curl_easy_setopt(s->curl, CURLOPT_DEBUGFUNCTION, on_talk);
    curl_easy_setopt(s->curl, CURLOPT_DEBUGDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, on_reply);
    curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(s->curl, CURLOPT_READDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 1L);
}

struct smtp *smtp_new(const struct smtp_settings *settings)
{
    struct smtp *s = calloc(1, sizeof *s);
    if (!s || !(s->curl = curl_easy_init())) {
        free(s);
        return NULL;
    }
    s->settings = settings;
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->curl, CURLOPT_PROXY, ""); /* a proxy for the web is none for mail */
    curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, settings->sender);
    curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, settings->connect_ms);
    curl_easy_setopt(s->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, settings->idle_s);
    curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, settings->idle_s);
    set_encryption(s->curl, settings);
    set_callbacks(s);
    if (curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") ||
        curl_easy_setopt(s->curl, CURLOPT_URL, settings->url)) {
        smtp_free(s);
        return NULL;
    }
    return s;
}

void smtp_free(struct smtp *s)
{
    if (!s)
        return;
    curl_easy_cleanup(s->curl);
    free(s);
}

static Mejora__MailOutcome outcome_of(enum phase phase, int code)
{
    size_t i = 0;
    while (phase < outcomes[i].from || phase > outcomes[i].to || code < outcomes[i].lowest ||
           code > outcomes[i].highest)
        i++; /* the last row fits everything */
    return outcomes[i].outcome;
}

/* After a failure libcurl may keep the connection: a late answer would pass for one to the next mail, and its own
 * goodbye would wait for a relay that is silent. */
static void hang_up(struct smtp *s)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (!curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd) && fd != CURL_SOCKET_BAD)
        shutdown(fd, SHUT_RDWR);
}

static CURLcode transfer(struct smtp *s, const char *address)
{
    int64_t left = s->until - smtp_now();
    if (left <= 0)
        return CURLE_OPERATION_TIMEDOUT;
    struct curl_slist *to = curl_slist_append(NULL, address);
    if (!to)
        return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(s->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->size);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, left < s->settings->total_ms ? (long)left : s->settings->total_ms);
    CURLcode rc = curl_easy_perform(s->curl);
    curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(to);
    return rc;
}

void smtp_send(struct smtp *s, const char *address, const char *mail, size_t size, int64_t until,
               struct smtp_result *ret)
{
    int64_t begun = smtp_now();
    long code = 0;
    *ret = (struct smtp_result){.code = 0};
    *s = (struct smtp){
        .settings = s->settings, .curl = s->curl, .mail = mail, .size = size, .until = until, .result = ret};
    CURLcode rc = transfer(s, address);
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &code);
    ret->code = s->answered ? (int)code : 0; /* libcurl keeps the code of a phase that is over */
    ret->outcome = outcome_of(s->phase, ret->code);
    ret->away = (s->phase == PHASE_HELLO && begun < until) || ret->code == 421;
    ret->error = rc && !ret->code ? curl_easy_strerror(rc) : NULL;
    ret->ms = smtp_now() - begun;
    if (rc)
        hang_up(s);
}
