#include "client/notify/smtp.h"

#include "common/fault.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

struct smtp {
    const struct smtp_settings *settings;
    CURL *curl;
    const struct smtp_letter *letter;
    size_t given;
    enum smtp_phase phase;
    bool answered; /* in this phase */
    bool over;     /* libcurl says goodbye: what the relay answers to that concerns nobody */
    struct smtp_result *result;
};

/* What a reply means, by phase; code 0 is silence. The first row that fits decides. Before RCPT the relay's quarrel is
 * with us, not with this person: the mail waits until somebody has settled it. */
static const struct {
    enum smtp_phase from, to;
    int lowest, highest;
    Mejora__MailOutcome outcome;
} outcomes[] = {
    {SMTP_HELLO, SMTP_DOT, 530, 538, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER}, /* wants other credentials */
    {SMTP_MAIL, SMTP_MAIL, 552, 552, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER}, /* larger than it ever takes */
    {SMTP_RCPT, SMTP_DOT, 500, 599, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER},
    {SMTP_DOT, SMTP_DOT, 200, 299, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT},
    {SMTP_DOT, SMTP_DOT, 400, 499, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER},
    {SMTP_DOT, SMTP_DOT, 0, 999, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_UNKNOWN},
    {SMTP_HELLO, SMTP_DOT, 0, 999, MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER},
};

static const struct {
    const char *begin;
    enum smtp_phase phase;
    enum fault_point point;
} verbs[] = {
    {"EHLO ", SMTP_HELLO, FAULT_relay_greeted},    {"AUTH ", SMTP_AUTH, FAULT_POINTS},
    {"MAIL FROM:", SMTP_MAIL, FAULT_sender_named}, {"RCPT TO:", SMTP_RCPT, FAULT_reader_named},
    {"DATA\r\n", SMTP_DATA, FAULT_data_asked},
};

/* How far it came when it did not come to speak. */
static const struct {
    CURLcode rc;
    enum smtp_phase phase;
} obstacles[] = {
    {CURLE_COULDNT_RESOLVE_HOST, SMTP_NAME}, {CURLE_COULDNT_CONNECT, SMTP_TCP},
    {CURLE_SSL_CONNECT_ERROR, SMTP_TLS},     {CURLE_PEER_FAILED_VERIFICATION, SMTP_TLS},
    {CURLE_SSL_CACERT_BADFILE, SMTP_TLS},    {CURLE_USE_SSL_FAILED, SMTP_TLS},
    {CURLE_LOGIN_DENIED, SMTP_AUTH},
};

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
static void asked(struct smtp *s, enum smtp_phase phase)
{
    s->phase = phase;
    s->answered = false;
    *s->result->text = '\0';
}

static int on_talk(CURL *curl, curl_infotype type, char *data, size_t size, void *smtp)
{
    struct smtp *s = smtp;
    (void)curl;
    if (type != CURLINFO_HEADER_OUT || s->over)
        return 0;
    if (size >= 4 && !memcmp(data, "QUIT", 4)) {
        s->over = true;
        return 0;
    }
    enum smtp_phase phase = s->phase; /* of greetings and credentials too */
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (size >= strlen(verbs[i].begin) && !memcmp(data, verbs[i].begin, strlen(verbs[i].begin))) {
            phase = verbs[i].phase;
            fault(verbs[i].point);
        }
    asked(s, phase);
    return 0;
}

/* Keeps the last line of the last reply. */
static size_t on_reply(char *data, size_t one, size_t size, void *smtp)
{
    struct smtp *s = smtp;
    (void)one;
    if (s->over)
        return size;
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

/* The relay has said 354: the last moment at which another worker may have the lease, or the mail have become untrue. */
static bool may_go(struct smtp *s)
{
    const struct smtp_letter *l = s->letter;
    s->result->stale = smtp_now() < l->until && l->holds && !l->holds(l->about);
    return !s->result->stale && smtp_now() < l->until;
}

static size_t on_read(char *buffer, size_t one, size_t room, void *smtp)
{
    struct smtp *s = smtp;
    (void)one;
    if (s->given == 0 && !may_go(s))
        return CURL_READFUNC_ABORT;
    size_t left = s->letter->size - s->given, n = left < room ? left : room;
    memcpy(buffer, s->letter->text + s->given, n);
    s->given += n;
    if (n == left) {
        asked(s, SMTP_DOT);
        fault(FAULT_text_given);
    }
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

static Mejora__MailOutcome outcome_of(enum smtp_phase phase, int code)
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

static CURLcode transfer(struct smtp *s)
{
    const struct smtp_letter *l = s->letter;
    int64_t left = l->until - smtp_now();
    if (left <= 0)
        return CURLE_OPERATION_TIMEDOUT;
    struct curl_slist *to = curl_slist_append(NULL, l->address);
    if (!to)
        return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, l->sender ? l->sender : s->settings->sender);
    curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(s->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)l->size);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, left < s->settings->total_ms ? (long)left : s->settings->total_ms);
    CURLcode rc = curl_easy_perform(s->curl);
    curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(to);
    return rc;
}

/* Before the first word of ours libcurl's own result says how far it came; a connection that never came about and ran
 * out of time has no time of connecting either. */
static enum smtp_phase phase_of(const struct smtp *s, CURLcode rc)
{
    curl_off_t named = 0, connected = 0;
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++)
        if (obstacles[i].rc == rc)
            return obstacles[i].phase;
    curl_easy_getinfo(s->curl, CURLINFO_NAMELOOKUP_TIME_T, &named);
    curl_easy_getinfo(s->curl, CURLINFO_CONNECT_TIME_T, &connected);
    if (rc == CURLE_OPERATION_TIMEDOUT && s->phase == SMTP_HELLO && !connected)
        return named ? SMTP_TCP : SMTP_NAME;
    return s->phase;
}

void smtp_send(struct smtp *s, const struct smtp_letter *letter, struct smtp_result *ret)
{
    int64_t begun = smtp_now();
    long code = 0;
    *ret = (struct smtp_result){.code = 0};
    *s = (struct smtp){.settings = s->settings, .curl = s->curl, .letter = letter, .phase = SMTP_HELLO, .result = ret};
    CURLcode rc = transfer(s);
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &code);
    ret->code = s->answered && !ret->stale ? (int)code : 0; /* libcurl keeps the code of a phase that is over */
    ret->outcome = outcome_of(s->phase, ret->code);
    ret->phase = phase_of(s, rc);
    ret->away = (s->phase < SMTP_MAIL && begun < letter->until) || ret->code == 421;
    ret->error = rc && !ret->code ? curl_easy_strerror(rc) : NULL;
    ret->ms = smtp_now() - begun;
    if (rc)
        hang_up(s);
}
