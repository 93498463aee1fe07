#include "common/message.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct message messages[] = {
#define MSG(code, text) {#code, text},
#include "common/messages.def"
#undef MSG
    {NULL, NULL},
};

/* The language of messages as POSIX finds it, before any locale need be installed. */
static const char *environment_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return "";
}

/* Where the catalogues are: as given, or beside the program. */
static const char *catalogues(const char *directory, char path[PATH_MAX])
{
    if (directory)
        return directory;
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - sizeof "/../share/locale");
    path[size < 0 ? 0 : size] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        strcpy(slash, "/../share/locale");
    return path;
}

/* C.UTF-8 is always there, and LANGUAGE picks the catalogue; but newer libraries translate nothing under that name. So it
 * has another one in a directory of ours, which setlocale alone is to look into. */
static void enter_locale(const char *directory)
{
    char names[PATH_MAX];
    const char *path = getenv("LOCPATH");
    char *before = path ? strdup(path) : NULL;
    if (snprintf(names, sizeof names, "%s/names", directory) < (int)sizeof names)
        setenv("LOCPATH", names, 1);
    const char *entered = setlocale(LC_ALL, "es.UTF-8");
    if (before)
        setenv("LOCPATH", before, 1);
    else
        unsetenv("LOCPATH");
    free(before);
    if (!entered)
        setlocale(LC_ALL, "C.UTF-8");
}

const char *message_language(const char *language, const char *directory)
{
    char path[PATH_MAX];
    if (!language)
        language = environment_language();
    language = strncmp(language, "en", 2) ? "es" : "en";
    directory = catalogues(directory, path);
    enter_locale(directory);
    setenv("LANGUAGE", language, 1);
    bindtextdomain("mejora", directory);
    bind_textdomain_codeset("mejora", "UTF-8");
    textdomain("mejora");
    return language;
}

static const char *words_find(const char *code)
{
    for (const struct message *m = messages; m->code; m++)
        if (!strcmp(m->code, code))
            return gettext(m->text);
    return NULL;
}

static void put_unknown(FILE *out, const char *code, char *const args[], size_t n)
{
    fputs(code, out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? ", " : ": ", args[i]);
}

static void put_words(FILE *out, const char *text, char *const args[], size_t n)
{
    for (; *text; text++) {
        if (text[0] == '{' && text[1] >= '1' && text[1] <= '9' && text[2] == '}') {
            size_t i = (size_t)(text[1] - '1');
            fputs(i < n ? args[i] : "…", out);
            text += 2;
        } else {
            fputc(*text, out);
        }
    }
}

char *message_text(const char *code, char *const args[], size_t n)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);
    if (!out)
        return NULL;
    const char *text = words_find(code);
    if (text)
        put_words(out, text, args, n);
    else
        put_unknown(out, code, args, n);
    fclose(out);
    return ret;
}

static void *member(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (char *)m + f->offset;
}

static size_t count(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return *(size_t *)(void *)((char *)m + f->quantifier_offset);
}

static void fill_reason(ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *code = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "code"),
                                   *args = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "args"),
                                   *reason = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "reason");
    if (!code || !args || !reason)
        return;
    const char *what = *(char **)member(m, code);
    char **text = member(m, reason);
    if (what && !*text)
        *text = message_text(what, *(char ***)member(m, args), count(m, args));
}

void message_fill(ProtobufCMessage *reply)
{
    fill_reason(reply);
    for (unsigned i = 0; i < reply->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &reply->descriptor->fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        ProtobufCMessage **list = member(reply, f);
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            list = *(ProtobufCMessage ***)(void *)list;
        size_t n = f->label == PROTOBUF_C_LABEL_REPEATED ? count(reply, f) : *list != NULL;
        for (size_t j = 0; j < n; j++)
            message_fill(list[j]);
    }
}
