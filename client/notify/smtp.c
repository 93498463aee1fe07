#include "client/notify/smtp.h"

#include "common/fault.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <curl/curl.h>
#include <glib.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

enum { LINE = 512, BUFFER = 4 * LINE };

struct smtp {
    const struct smtp_settings *settings;
    CURL *curl; /* NULL: no connection */
    curl_socket_t fd;
    bool pipelining, sizes;          /* what the relay offers */
    const struct smtp_letter *ahead; /* whose envelope is out already */
    char in[BUFFER];                 /* of the relay's words, what has not been looked at yet */
    size_t n_in;

    /* of the letter in hand */
    const struct smtp_letter *letter;
    int64_t deadline;
    enum smtp_phase phase;
    int code;  /* the relay's answer in this phase; 0: none yet */
    bool over; /* libcurl says goodbye: what the relay answers to that concerns nobody */
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
    s->code = 0;
    *s->result->text = '\0';
}

static bool begins(const char *data, size_t size, const char *with)
{
    return size >= strlen(with) && !strncasecmp(data, with, strlen(with));
}

/* While libcurl speaks: greeting, EHLO once or (with STARTTLS) twice, AUTH and credentials. */
static int on_talk(CURL *curl, curl_infotype type, char *data, size_t size, void *smtp)
{
    struct smtp *s = smtp;
    (void)curl;
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    s->over = s->over || begins(data, size, "QUIT");
    bool hello = begins(data, size, "EHLO ");
    if (s->over)
        return 0;
    asked(s, hello ? SMTP_HELLO : begins(data, size, "AUTH ") ? SMTP_AUTH : s->phase);
    if (hello) {
        s->pipelining = s->sizes = false;
        fault(FAULT_relay_greeted);
    }
    return 0;
}

/* Keeps the last line of the last reply. A relay's bytes are a stranger's. */
static void hear(struct smtp *s, const char *line, size_t size)
{
    size_t n = size < sizeof s->result->text ? size : sizeof s->result->text - 1;
    for (size_t i = 0; i < n; i++)
        s->result->text[i] = line[i];
    for (char *c = s->result->text; c < s->result->text + n; c++)
        if (*c < ' ' || *c > '~')
            *c = ' ';
    while (n && s->result->text[n - 1] == ' ')
        n--;
    s->result->text[n] = '\0';
}

static bool offers(const char *line, size_t size, const char *what)
{
    size_t n = 4 + strlen(what);
    return size > n && begins(line + 4, size - 4, what) && line[n] <= ' ';
}

static size_t on_reply(char *data, size_t one, size_t size, void *smtp)
{
    struct smtp *s = smtp;
    (void)one;
    if (s->over)
        return size;
    hear(s, data, size);
    s->code = atoi(s->result->text);
    if (s->phase == SMTP_HELLO) {
        s->pipelining = s->pipelining || offers(data, size, "PIPELINING");
        s->sizes = s->sizes || offers(data, size, "SIZE");
    }
    return size;
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
}

struct smtp *smtp_new(const struct smtp_settings *settings)
{
    struct smtp *s = calloc(1, sizeof *s);
    if (s)
        s->settings = settings;
    return s;
}

/* Up to where mails can be handed over. */
static CURLcode relay_open(struct smtp *s)
{
    const struct smtp_settings *set = s->settings;
    int64_t left = s->deadline - smtp_now();
    s->n_in = 0;
    s->over = false;
    asked(s, SMTP_HELLO);
    if (!(s->curl = curl_easy_init()))
        return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->curl, CURLOPT_PROXY, ""); /* a proxy for the web is none for mail */
    curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, set->connect_ms);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, left > 1 ? (long)left : 1L);
    curl_easy_setopt(s->curl, CURLOPT_CONNECT_ONLY, 1L);
    set_encryption(s->curl, set);
    set_callbacks(s);
    CURLcode rc = curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    if (!rc)
        rc = curl_easy_setopt(s->curl, CURLOPT_URL, set->url);
    if (!rc)
        rc = curl_easy_perform(s->curl);
    return rc ? rc : curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &s->fd);
}

/* Without a goodbye: after a failure a late answer would pass for one to the next mail, and a relay that is silent would
 * be waited for. libcurl has none to say for a connection that it only opened. */
static void hang_up(struct smtp *s)
{
    curl_easy_cleanup(s->curl);
    s->curl = NULL;
    s->ahead = NULL;
}

void smtp_free(struct smtp *s)
{
    size_t n;
    if (!s)
        return;
    if (s->curl && !s->ahead)
        curl_easy_send(s->curl, "QUIT\r\n", 6, &n);
    hang_up(s);
    free(s);
}

/* Until the socket is ready or the letter's time is over. */
static CURLcode wait_for(struct smtp *s, short events)
{
    struct pollfd p = {.fd = s->fd, .events = events};
    int64_t left = s->deadline - smtp_now();
    if (left > 0)
        poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);
    return left > 0 ? CURLE_OK : CURLE_OPERATION_TIMEDOUT;
}

static CURLcode say(struct smtp *s, const GString *words)
{
    CURLcode rc = CURLE_OK;
    for (size_t done = 0, n; !rc && done < words->len;) {
        rc = curl_easy_send(s->curl, words->str + done, words->len - done, &n);
        if (rc == CURLE_AGAIN)
            rc = wait_for(s, POLLOUT);
        else if (!rc)
            done += n;
    }
    return rc;
}

static CURLcode more(struct smtp *s)
{
    size_t n;
    for (;;) {
        CURLcode rc = curl_easy_recv(s->curl, s->in + s->n_in, BUFFER - s->n_in, &n);
        if (!rc && n == 0)
            return CURLE_RECV_ERROR;
        if (!rc)
            s->n_in += n;
        if (rc != CURLE_AGAIN || (rc = wait_for(s, POLLIN)))
            return rc;
    }
}

/* A reply is whole with the line that has no - behind its code. Of a line that is too long the end is dropped. */
static CURLcode answer(struct smtp *s)
{
    for (;;) {
        char *end = memchr(s->in, '\n', s->n_in);
        CURLcode rc = end ? CURLE_OK : more(s);
        if (rc)
            return rc;
        if (!end && s->n_in == BUFFER && !memchr(s->in, '\n', BUFFER))
            s->n_in = LINE;
        if (!end)
            continue;
        size_t size = (size_t)(end + 1 - s->in);
        bool last = size <= 3 || s->in[3] != '-';
        hear(s, s->in, size);
        s->n_in -= size;
        memmove(s->in, end + 1, s->n_in);
        s->code = strspn(s->result->text, "0123456789") == 3 ? atoi(s->result->text) : 0;
        if (!s->code)
            return CURLE_WEIRD_SERVER_REPLY;
        if (last)
            return CURLE_OK;
    }
}

static void put_address(GString *out, const char *verb, const char *address)
{
    const char *at = strchr(address, '@');
    char *host = at ? g_hostname_to_ascii(at + 1) : NULL;
    g_string_append_printf(out, "%s<%.*s%s>", verb, at ? (int)(at + 1 - address) : 0, address,
                           host ? host
                           : at ? at + 1
                                : address);
    g_free(host);
}

/* The commands of these phases. */
static void put_envelope(const struct smtp *s, const struct smtp_letter *l, enum smtp_phase from, enum smtp_phase to,
                         GString *out)
{
    if (from <= SMTP_MAIL) {
        put_address(out, "MAIL FROM:", l->sender ? l->sender : s->settings->sender);
        if (s->sizes)
            g_string_append_printf(out, " SIZE=%zu", l->size);
        g_string_append(out, "\r\n");
    }
    if (from <= SMTP_RCPT && to >= SMTP_RCPT) {
        put_address(out, "RCPT TO:", l->address);
        g_string_append(out, "\r\n");
    }
    if (to >= SMTP_DATA)
        g_string_append(out, "DATA\r\n");
}

/* Up to 354. Nothing but what is read differs with PIPELINING: a refusal ends it wherever it comes, and with the connection, so that a
 * relay that answers 354 all the same gets nothing. */
static CURLcode envelope(struct smtp *s)
{
    static const enum fault_point points[] = {
        [SMTP_MAIL] = FAULT_sender_named, [SMTP_RCPT] = FAULT_reader_named, [SMTP_DATA] = FAULT_data_asked};
    CURLcode rc = CURLE_OK;
    GString *words = g_string_new(NULL);
    for (enum smtp_phase phase = SMTP_MAIL; !rc && phase <= SMTP_DATA; phase++) {
        asked(s, phase);
        g_string_truncate(words, 0);
        if (!s->ahead && (phase == SMTP_MAIL || !s->pipelining))
            put_envelope(s, s->letter, phase, s->pipelining ? SMTP_DATA : phase, words);
        rc = say(s, words);
        fault(points[phase]);
        rc = rc ? rc : answer(s);
        if (!rc && s->code / 100 != (phase == SMTP_DATA ? 3 : 2))
            rc = CURLE_SEND_ERROR;
    }
    s->ahead = NULL;
    g_string_free(words, TRUE);
    return rc;
}

/* The relay has said 354: the last moment at which another worker may have the lease, or the mail have become untrue. */
static bool may_go(struct smtp *s)
{
    const struct smtp_letter *l = s->letter;
    s->result->stale = smtp_now() < s->deadline && l->holds && !l->holds(l->about);
    return !s->result->stale && smtp_now() < s->deadline;
}

/* Lines that begin with a dot get another; the last line has an end. */
static GString *text_of(const struct smtp_letter *l)
{
    GString *out = g_string_sized_new(l->size + LINE);
    const char *from = l->text, *end = l->text + l->size, *dot;
    if (*from == '.')
        g_string_append_c(out, '.');
    for (; (dot = memmem(from, (size_t)(end - from), "\n.", 2)); from = dot + 2) {
        g_string_append_len(out, from, dot + 2 - from);
        g_string_append_c(out, '.');
    }
    g_string_append_len(out, from, end - from);
    if (!g_str_has_suffix(out->str, "\r\n"))
        g_string_append(out, "\r\n");
    return out;
}

/* All in as few packets as it takes. */
static void cork(struct smtp *s, int on)
{
    setsockopt(s->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static CURLcode text(struct smtp *s, const struct smtp_letter *next)
{
    asked(s, SMTP_DATA); /* 354 says nothing of what becomes of it */
    if (!may_go(s))
        return CURLE_ABORTED_BY_CALLBACK;
    GString *words = text_of(s->letter);
    cork(s, 1);
    CURLcode rc = say(s, words);
    g_string_assign(words, ".\r\n");
    if (!rc) {
        fault(FAULT_text_given);
        asked(s, SMTP_DOT);
        if (next && s->pipelining) {
            put_envelope(s, next, SMTP_MAIL, SMTP_DATA, words);
            s->ahead = next;
        }
        rc = say(s, words);
    }
    cork(s, 0);
    g_string_free(words, TRUE);
    return rc ? rc : answer(s);
}

static Mejora__MailOutcome outcome_of(enum smtp_phase phase, int code)
{
    size_t i = 0;
    while (phase < outcomes[i].from || phase > outcomes[i].to || code < outcomes[i].lowest ||
           code > outcomes[i].highest)
        i++; /* the last row fits everything */
    return outcomes[i].outcome;
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

static CURLcode attempt(struct smtp *s, const struct smtp_letter *next)
{
    s->result->stale = false;
    CURLcode rc = smtp_now() >= s->deadline ? CURLE_OPERATION_TIMEDOUT : s->curl ? CURLE_OK : relay_open(s);
    rc = rc ? rc : envelope(s);
    return rc ? rc : text(s, next);
}

/* A relay ends a connection after a while, or after so many mails: as long as the final dot has not left, a new one is another
 * try. */
static bool again(const struct smtp *s, CURLcode rc)
{
    return rc && s->phase < SMTP_DOT && !s->result->stale && smtp_now() < s->deadline &&
           (!s->code || s->code == 421 || (s->phase == SMTP_MAIL && s->code / 100 == 4));
}

void smtp_send(struct smtp *s, const struct smtp_letter *letter, const struct smtp_letter *next,
               struct smtp_result *ret)
{
    int64_t begun = smtp_now();
    *ret = (struct smtp_result){.code = 0};
    s->letter = letter;
    s->result = ret;
    s->deadline = begun + s->settings->total_ms < letter->until ? begun + s->settings->total_ms : letter->until;
    s->phase = SMTP_HELLO;
    s->code = 0;
    if (s->ahead != letter && s->ahead)
        hang_up(s);
    bool kept = s->curl;
    CURLcode rc = attempt(s, next);
    if (kept && again(s, rc)) {
        hang_up(s);
        rc = attempt(s, next);
    }
    ret->code = s->code;
    ret->outcome = outcome_of(s->phase, ret->code);
    ret->phase = phase_of(s, rc);
    ret->away = (s->phase < SMTP_MAIL && begun < letter->until) || ret->code == 421;
    ret->error = rc && !ret->code ? curl_easy_strerror(rc) : NULL;
    ret->ms = smtp_now() - begun;
    if (ret->outcome != MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT)
        hang_up(s);
}
