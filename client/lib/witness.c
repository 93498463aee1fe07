#include "client/lib/witness.h"

#include "audit.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool text_set(struct witness *w, const char *key, const char *note)
{
    snprintf(w->text, sizeof w->text, "%s\n%s", key, note);
    return log_key_read(key, &w->key) && checkpoint_read(note, &w->key, &w->checkpoint);
}

int witness_read(const char *file, struct witness *ret)
{
    char text[sizeof ret->text];
    FILE *f = fopen(file, "re");
    if (!f)
        return errno == ENOENT ? 0 : -1;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    if (!n) /* it was being written when the machine went down */
        return 0;
    text[n] = '\0';
    char *note = text;
    const char *key = strsep(&note, "\n");
    return note && text_set(ret, key, note) ? 1 : -1;
}

/* Not waited for until it is on disk: after a power cut an older one is as good, and this is on every command's way. */
static bool keep(const struct witness *w)
{
    char fresh[sizeof w->file + 8];
    snprintf(fresh, sizeof fresh, "%s.XXXXXX", w->file);
    int fd = mkostemp(fresh, O_CLOEXEC); /* mode 0600 */
    size_t size = strlen(w->text);
    bool ok = fd >= 0 && write(fd, w->text, size) == (ssize_t)size;
    ok = fd >= 0 && !close(fd) && ok && !rename(fresh, w->file);
    if (fd >= 0 && !ok)
        unlink(fresh);
    return ok;
}

/* One file for each contradiction, however often it is met. */
static void keep_evidence(struct witness *w, const struct witness *old, const Mejora__AuditCheckpointReply *reply)
{
    struct sha256_ctx sum;
    uint8_t name[8];
    sha256_init(&sum);
    sha256_update(&sum, strlen(w->text), (const uint8_t *)w->text);
    sha256_update(&sum, strlen(old->text), (const uint8_t *)old->text);
    sha256_digest(&sum, sizeof name, name);
    int n = snprintf(w->evidence, sizeof w->evidence, "%s.", w->file);
    for (size_t i = 0; i < sizeof name && n < (int)sizeof w->evidence - 3; i++)
        n += sprintf(w->evidence + n, "%02x", name[i]);
    int fd = open(w->evidence, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        if (errno != EEXIST)
            *w->evidence = '\0';
        return;
    }
    dprintf(fd, "%s\n%s\n", old->text, w->text);
    for (size_t i = 0; i < reply->path.len; i++)
        dprintf(fd, "%02x%s", reply->path.data[i], i % TREE_HASH == TREE_HASH - 1 ? "\n" : "");
    fsync(fd);
    close(fd);
}

static enum witness_end judge(const struct witness *old, bool known, struct witness *w,
                              const Mejora__AuditCheckpointReply *reply)
{
    if (!reply->key || !reply->note)
        return known ? WITNESS_CUT : WITNESS_NOTHING;
    if (!text_set(w, reply->key, reply->note))
        return WITNESS_UNSIGNED;
    if (!known)
        return WITNESS_FINE;
    if (memcmp(&old->key, &w->key, sizeof w->key) != 0)
        return WITNESS_OTHER;
    if (w->checkpoint.size < old->checkpoint.size)
        return WITNESS_CUT;
    bool continued = reply->path.len % TREE_HASH == 0 &&
                     tree_continues(old->checkpoint.size, old->checkpoint.root, reply->path.data,
                                    reply->path.len / TREE_HASH, w->checkpoint.size, w->checkpoint.root);
    return continued ? WITNESS_FINE : WITNESS_FORKED;
}

bool witness_contradicted(enum witness_end end)
{
    return end >= WITNESS_FILE;
}

enum witness_end witness_look(struct client *c, const char *profile, struct witness *ret, struct answer *answer)
{
    struct answer own = {.end = CALL_FAILED};
    struct witness old = {.before = 0};
    Mejora__AuditCheckpointRequest request = MEJORA__AUDIT_CHECKPOINT_REQUEST__INIT;
    enum witness_end end = WITNESS_SILENT;
    *ret = (struct witness){.before = 0};
    answer = answer ? answer : &own;
    *answer = own;
    snprintf(ret->file, sizeof ret->file, "%s.checkpoint", profile);
    int known = witness_read(ret->file, &old);
    if (known < 0)
        return WITNESS_FILE;
    ret->before = old.checkpoint.size;
    request.old_size = (int64_t)old.checkpoint.size;
    request.has_old_size = known;
    bool ok = client_call(c, &ops[OP_audit_checkpoint], NULL, &request.base, NULL, answer);
    /* a server that has shown its log knows the question for good */
    if (ok || (known && answer->head && answer->head->outcome == MEJORA__OUTCOME__OUTCOME_UNSUPPORTED)) {
        static const Mejora__AuditCheckpointReply none = MEJORA__AUDIT_CHECKPOINT_REPLY__INIT;
        const Mejora__AuditCheckpointReply *reply = ok ? (const void *)answer->reply : &none;
        end = judge(&old, known, ret, reply);
        if (end == WITNESS_FINE)
            ret->kept = (known && !strcmp(old.text, ret->text)) || keep(ret);
        else if (witness_contradicted(end))
            keep_evidence(ret, &old, reply);
    }
    if (answer == &own)
        answer_free(&own);
    return end;
}
