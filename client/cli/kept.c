#include "client/cli/kept.h"

#include "common/json.h"
#include "common/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* Shorter than the server's 30 days: clocks differ, and a request it has forgotten would be done again. */
static const int64_t REMEMBERED_US = 29 * INT64_C(86400000000);
enum { NAME = 16 + 1 + CALL_ID * 2, HEX = CALL_ID * 2 + 1 };

static const char *const places[] = {[KEPT_PENDING] = "pending", [KEPT_QUEUE] = "queue", [KEPT_CONFLICT] = "conflict"};

static bool path_of(const struct cli *cli, enum kept_place place, const char *name, char ret[PATH_MAX])
{
    errno = ENAMETOOLONG;
    return snprintf(ret, PATH_MAX, "%s.d/%s/%s", cli->profile_file, places[place], name) < PATH_MAX;
}

bool kept_wanted(const struct op *op)
{
    return op->kind == WRITE && op != &ops[OP_join] && op != &ops[OP_person_invite];
}

int64_t kept_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- one request ---- */

/* progress report percent=75 why="acta"; a table only by its size. */
static char *words_of(const struct op *op, const ProtobufCMessage *request)
{
    char *ret = NULL, name[64];
    size_t size;
    const char *field;
    json_t *fields = json_from_message(request), *value;
    const struct command *command = command_of(op);
    FILE *out = open_memstream(&ret, &size);
    fputs(command ? command_name(command, name) : op->name, out);
    json_object_foreach(fields, field, value)
    {
        size_t n = json_array_size(value);
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (json_is_object(json_array_get(value, 0)))
            fprintf(out, " %s×%zu", field, n);
        else if (n || !json_is_array(value))
            fprintf(out, " %s=%s", field, text ? text : "?");
        free(text);
    }
    fclose(out);
    json_decref(fields);
    return ret;
}

static json_t *hex_json(const uint8_t *bytes, size_t size)
{
    char *hex = malloc(size * 2 + 1);
    json_t *ret = hex ? json_string(sodium_bin2hex(hex, size * 2 + 1, bytes, size)) : NULL;
    free(hex);
    return ret;
}

static json_t *body_json(const ProtobufCMessage *request)
{
    size_t size = protobuf_c_message_get_packed_size(request);
    uint8_t *packed = malloc(size + 1);
    json_t *ret = packed ? hex_json(packed, protobuf_c_message_pack(request, packed)) : NULL;
    free(packed);
    return ret;
}

static Mejora__Kept *kept_read(json_t *object)
{
    struct json_fault fault;
    Mejora__Kept *k = (Mejora__Kept *)json_to_message(object, &mejora__kept__descriptor, &fault);
    if (k && k->id.len == CALL_ID && k->op && k->key && k->name && k->what)
        return k;
    if (k)
        mejora__kept__free_unpacked(k, NULL);
    return NULL;
}

Mejora__Kept *kept_with(Mejora__Kept *k, json_t *more)
{
    json_t *object = json_from_message(&k->base);
    json_object_update(object, more);
    Mejora__Kept *ret = kept_read(object);
    json_decref(object);
    mejora__kept__free_unpacked(k, NULL);
    return ret;
}

Mejora__Kept *kept_new(const struct cli *cli, const struct op *op, const char *ref, const ProtobufCMessage *request)
{
    uint8_t id[CALL_ID];
    char hex[HEX], at[JSON_TIME], name[NAME + 1];
    int64_t now = kept_now();
    randombytes_buf(id, sizeof id);
    sodium_bin2hex(hex, sizeof hex, id, sizeof id);
    snprintf(name, sizeof name, "%016llx-%s", (unsigned long long)now, hex);
    char *what = words_of(op, request);
    json_t *object = json_pack("{s:s, s:s, s:s*, s:o, s:s, s:s, s:s, s:s}", "id", hex, "op", op->name, "ref",
                               ref && *ref ? ref : NULL, "body", body_json(request), "key", cli->profile.public_key,
                               "asked_at", json_time(now, at), "what", what, "name", name);
    Mejora__Kept *k = object ? kept_read(object) : NULL;
    json_decref(object);
    free(what);
    return k;
}

bool kept_store(const struct cli *cli, enum kept_place place, const Mejora__Kept *k)
{
    char path[PATH_MAX];
    json_t *object = json_from_message(&k->base);
    bool ok = path_of(cli, place, k->name, path) && store_json(path, object, JSON_COMPACT);
    json_decref(object);
    return ok;
}

bool kept_append(const struct cli *cli, enum kept_place place, Mejora__Kept *k)
{
    Mejora__KeptList *list = kept_list(cli, place);
    const char *last = list && list->n_requests ? list->requests[list->n_requests - 1]->name : NULL;
    char stamp[17];
    if (last && strncmp(last, k->name, 16) >= 0) { /* the clock was put back */
        snprintf(stamp, sizeof stamp, "%016llx", strtoull(last, NULL, 16) + 1);
        memcpy(k->name, stamp, 16);
    }
    if (list)
        mejora__kept_list__free_unpacked(list, NULL);
    return kept_store(cli, place, k);
}

int kept_lock(const struct cli *cli, enum kept_place place)
{
    char path[PATH_MAX];
    int fd = path_of(cli, place, "", path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
        return fd;
    close(fd);
    return -1;
}

/* Not made sure of on disk: one that comes back after a power cut is asked again, and done once all the same. */
void kept_drop(const struct cli *cli, enum kept_place place, const char *name)
{
    char path[PATH_MAX];
    if (path_of(cli, place, name, path))
        unlink(path);
}

bool kept_may_send(const struct cli *cli, const Mejora__Kept *k)
{
    if (!op_find(k->op))
        say(_("mejora: this version of mejora does not know the operation %s."), k->op);
    else if (strcmp(k->key, cli->profile.public_key) != 0)
        say(_(
            "mejora: this was asked with another key than the profile's; it cannot be asked again as somebody else."));
    else if (k->has_sent_at && kept_now() - k->sent_at > REMEMBERED_US)
        say(_("mejora: this was sent on its way too long ago: the server may have forgotten it and do it twice. Look "
              "whether it was done."));
    else
        return true;
    return false;
}

json_t *kept_send(struct cli *cli, const Mejora__Kept *k, struct answer *ret)
{
    const struct op *op = op_find(k->op);
    ProtobufCMessage *request = protobuf_c_message_unpack(op->request, NULL, k->body.len, k->body.data);
    *ret = (struct answer){.end = CALL_FAILED};
    if (!request)
        return NULL;
    client_call(cli->client, op, k->ref, request, k->id.data, ret);
    protobuf_c_message_free_unpacked(request, NULL);
    return cli_reply(ret);
}

/* ---- many ---- */

static int is_name(const struct dirent *entry)
{
    return strlen(entry->d_name) == NAME && entry->d_name[16] == '-'; /* not one that was being written */
}

static Mejora__Kept *load(const struct cli *cli, enum kept_place place, const char *name)
{
    char path[PATH_MAX];
    json_t *object = path_of(cli, place, name, path) ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
    Mejora__Kept *k = object ? kept_read(object) : NULL;
    json_decref(object);
    if (k && !strcmp(k->name, name))
        return k;
    if (k)
        mejora__kept__free_unpacked(k, NULL);
    if (!access(path, F_OK)) /* or it was answered just now */
        say(_("mejora: %s is damaged; it is left out."), path);
    return NULL;
}

static Mejora__KeptList *list_new(size_t n)
{
    Mejora__KeptList *list = mejora__kept_list__unpack(NULL, 0, NULL);
    if (list && (list->requests = calloc(n + 1, sizeof(Mejora__Kept *)))) {
        list->n_requests = 0;
        return list;
    }
    if (list)
        mejora__kept_list__free_unpacked(list, NULL);
    return NULL;
}

Mejora__KeptList *kept_list(const struct cli *cli, enum kept_place place)
{
    char path[PATH_MAX];
    struct dirent **names = NULL;
    int n = path_of(cli, place, "", path) ? scandir(path, &names, is_name, alphasort) : 0;
    Mejora__KeptList *list = list_new(n > 0 ? (size_t)n : 0);
    for (int i = 0; i < n; i++) {
        Mejora__Kept *k = list ? load(cli, place, names[i]->d_name) : NULL;
        if (k)
            list->requests[list->n_requests++] = k;
        free(names[i]);
    }
    free(names);
    return list;
}

Mejora__Kept *kept_find(const Mejora__KeptList *list, const char *id)
{
    char hex[HEX];
    Mejora__Kept *found = NULL;
    for (size_t i = 0; i < list->n_requests; i++) {
        Mejora__Kept *k = list->requests[i];
        if (strncasecmp(sodium_bin2hex(hex, sizeof hex, k->id.data, k->id.len), id, strlen(id)) != 0)
            continue;
        if (found) {
            say(_("mejora: more than one begins with %s; say more of it."), id);
            return NULL;
        }
        found = k;
    }
    if (!found)
        say(_("mejora: there is none with the id %s. What there is: mejora retry, mejora queue list, mejora conflict "
              "list"),
            id);
    return found;
}

/* What is for machines is left out. */
static json_t *shown(Mejora__Kept *k)
{
    message_fill(&k->base);
    json_t *object = json_from_message(&k->base);
    json_object_del(object, "body");
    json_object_del(object, "key");
    json_object_del(object, "name");
    return object;
}

void kept_show(enum format format, Mejora__Kept *k, const char *columns)
{
    json_t *object = shown(k);
    view_reply(format, &mejora__kept__descriptor, object, columns);
    json_decref(object);
}

int kept_show_all(struct cli *cli, enum kept_place place, const char *columns, const char *none)
{
    int code;
    Mejora__KeptList *list = cli_open(cli, &code) ? kept_list(cli, place) : NULL;
    if (!list)
        return code;
    json_t *requests = json_array(), *object = json_pack("{s:o}", "requests", requests);
    for (size_t i = 0; i < list->n_requests; i++)
        json_array_append_new(requests, shown(list->requests[i]));
    if (list->n_requests || cli->format != FORMAT_TABLE)
        view_reply(cli->format, &mejora__kept_list__descriptor, object, columns);
    else
        say("%s", none);
    json_decref(object);
    mejora__kept_list__free_unpacked(list, NULL);
    return EXIT_DONE;
}

int kept_named(struct cli *cli, enum kept_place place, void (*act)(struct cli *cli, Mejora__Kept *k))
{
    int code;
    Mejora__KeptList *list = cli_open(cli, &code) ? kept_list(cli, place) : NULL;
    if (!list)
        return code;
    Mejora__Kept *k = kept_find(list, local_text(cli, "ID"));
    if (k && act)
        act(cli, k);
    else if (k)
        kept_drop(cli, place, k->name);
    mejora__kept_list__free_unpacked(list, NULL);
    return k ? EXIT_DONE : EXIT_NOT_FOUND;
}
