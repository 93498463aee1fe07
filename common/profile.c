#include "common/profile.h"

#include "common/message.h"
#include "common/store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static bool fail(struct profile_error *error, enum profile_fault fault, const char *detail)
{
    error->fault = fault;
    snprintf(error->detail, sizeof error->detail, "%s", detail);
    return false;
}

static bool fail_errno(struct profile_error *error)
{
    return fail(error, errno == ENOENT ? PROFILE_MISSING : PROFILE_SYSTEM, strerror(errno));
}

/* ---- reading ---- */

static bool get_key(json_t *object, const char *name, char ret[PROFILE_KEY], struct profile_error *error)
{
    const char *text = json_string_value(json_object_get(object, name));
    uint8_t key[32];
    if (!text || strlen(text) != PROFILE_KEY - 1 || !zmq_z85_decode(key, text))
        return fail(error, PROFILE_FIELD, name);
    memcpy(ret, text, PROFILE_KEY);
    return true;
}

static bool get_text(json_t *object, const char *name, char **ret, struct profile_error *error)
{
    json_t *value = json_object_get(object, name);
    if (!value)
        return true;
    *ret = json_is_string(value) ? strdup(json_string_value(value)) : NULL;
    return *ret || fail(error, PROFILE_FIELD, name);
}

static bool get_endpoints(json_t *object, struct profile *p, struct profile_error *error)
{
    json_t *list = json_object_get(object, "endpoints"), *value;
    size_t i;
    json_array_foreach(list, i, value)
    {
        if (!json_is_string(value) || !profile_endpoint_add(p, json_string_value(value)))
            return fail(error, PROFILE_FIELD, "endpoints");
    }
    return p->n_endpoints || fail(error, PROFILE_FIELD, "endpoints");
}

static bool from_json(json_t *object, struct profile *p, struct profile_error *error)
{
    json_t *plan = json_object_get(object, "plan");
    const char *kind = json_string_value(json_object_get(object, "kind"));
    p->plan = (int32_t)json_integer_value(plan);
    p->plan_follows = json_is_true(json_object_get(object, "plan_follows"));
    p->pending = json_is_true(json_object_get(object, "pending"));
    p->invitation = kind && !strcmp(kind, "invitation");
    if (plan && (p->plan < 1970 || p->plan > 2199)) /* what is no number counts as 0 */
        return fail(error, PROFILE_FIELD, "plan");
    return get_endpoints(object, p, error) && get_key(object, "server_key", p->server_key, error) &&
           get_key(object, "public_key", p->public_key, error) && get_key(object, "secret_key", p->secret_key, error) &&
           get_text(object, "institution", &p->institution, error) && get_text(object, "person", &p->person, error) &&
           get_text(object, "expires_at", &p->expires_at, error);
}

static bool is_ours_alone(int fd, struct profile_error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail_errno(error);
    return !(st.st_mode & (S_IRWXG | S_IRWXO)) || fail(error, PROFILE_EXPOSED, "");
}

bool profile_read(const char *path, struct profile *ret, struct profile_error *error)
{
    struct profile p = {0};
    json_error_t why;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret = p;
    if (fd < 0)
        return fail_errno(error);
    if (!is_ours_alone(fd, error)) {
        close(fd);
        return false;
    }
    json_t *object = json_loadfd(fd, JSON_REJECT_DUPLICATES, &why);
    close(fd);
    char line[16];
    snprintf(line, sizeof line, "%d", why.line);
    bool ok = json_is_object(object) ? from_json(object, &p, error) : fail(error, PROFILE_MALFORMED, line);
    json_decref(object);
    if (ok)
        *ret = p;
    else
        profile_free(&p);
    return ok;
}

/* ---- writing ---- */

static json_t *to_json(const struct profile *p)
{
    json_t *endpoints = json_array();
    for (size_t i = 0; i < p->n_endpoints; i++)
        json_array_append_new(endpoints, json_string(p->endpoints[i]));
    json_t *object = json_pack("{s:o, s:s, s:s, s:s, s:s*, s:s*, s:s*}", "endpoints", endpoints, "server_key",
                               p->server_key, "public_key", p->public_key, "secret_key", p->secret_key, "institution",
                               p->institution, "person", p->person, "expires_at", p->expires_at);
    if (p->plan)
        json_object_set_new(object, "plan", json_integer(p->plan));
    if (p->plan_follows)
        json_object_set_new(object, "plan_follows", json_true());
    if (p->pending)
        json_object_set_new(object, "pending", json_true());
    if (p->invitation)
        json_object_set_new(object, "kind", json_string("invitation"));
    return object;
}

bool profile_write(const char *path, const struct profile *p, struct profile_error *error)
{
    json_t *object = to_json(p);
    bool ok = store_json(path, object, JSON_INDENT(2)) || fail(error, PROFILE_SYSTEM, strerror(errno));
    json_decref(object);
    return ok;
}

/* ---- the rest ---- */

void profile_free(struct profile *p)
{
    for (size_t i = 0; i < p->n_endpoints; i++)
        free(p->endpoints[i]);
    free(p->institution);
    free(p->person);
    free(p->expires_at);
    explicit_bzero(p, sizeof *p);
}

bool profile_endpoint_add(struct profile *p, const char *endpoint)
{
    if (p->n_endpoints == PROFILE_ENDPOINTS || !(p->endpoints[p->n_endpoints] = strdup(endpoint)))
        return false;
    p->n_endpoints++;
    return true;
}

bool profile_keys_make(struct profile *p)
{
    return !zmq_curve_keypair(p->public_key, p->secret_key);
}

char *profile_path(const char *option)
{
    const char *given = option ? option : getenv("MEJORA_PROFILE"), *config = getenv("XDG_CONFIG_HOME"),
               *home = getenv("HOME");
    char *path = NULL;
    int size;
    if (given && *given)
        return strdup(given);
    if (config && *config)
        size = asprintf(&path, "%s/mejora/profile", config);
    else
        size = asprintf(&path, "%s/.config/mejora/profile", home ? home : "");
    return size < 0 ? NULL : path;
}

char *profile_explain(const struct profile_error *error, const char *path)
{
    static const char *const texts[] = {
        [PROFILE_OK] = "%1$s",
        [PROFILE_MISSING] =
            N_("There is no profile %1$s. Name one with --profile, or accept an invitation: mejora join FILE"),
        [PROFILE_EXPOSED] = N_("%1$s holds a secret key and others may read it. Type: chmod 600 %1$s"),
        [PROFILE_MALFORMED] = N_("%1$s is not a profile: line %2$s is not JSON."),
        [PROFILE_FIELD] = N_("%1$s is not a profile: \"%2$s\" is missing or not what it should be."),
        [PROFILE_SYSTEM] = "%1$s: %2$s",
    };
    char *text = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    int size = asprintf(&text, gettext(texts[error->fault]), path, error->detail);
#pragma GCC diagnostic pop
    return size < 0 ? NULL : text;
}
