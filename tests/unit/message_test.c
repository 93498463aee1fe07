#include "common/message.h"

#include "plan.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CATALOGUES TEST_BIN "/../share/locale"

static const struct {
    const char *language, *code, *text;
    size_t n;
    const char *args[3];
} known[] = {
    {"en", "already_exists", "inm exists already.", 1, {"inm"}},
    {"es", "already_exists", "inm ya existe.", 1, {"inm"}},
    {"es", "version_stale", "Luis cambió inm/2023/12 entretanto.", 2, {"inm/2023/12", "Luis"}},
    {"en", "version_stale", "{2} was changed by Ana in the meantime.", 2, {"{2}", "Ana"}}, /* arguments are not words */
    {"en", "version_stale", "a was changed by … in the meantime.", 1, {"a"}},
    {"en", "busy", "The server is busy. Ask again with the same request id.", 0, {0}},
    {"es", "of_tomorrow", "of_tomorrow: a, b", 2, {"a", "b"}},
    {"es", "of_tomorrow", "of_tomorrow", 0, {0}},
};

static void codes_have_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        message_language(known[i].language, CATALOGUES);
        char *text = message_text(known[i].code, (char **)(uintptr_t)known[i].args, known[i].n);
        assert_string_equal(text, known[i].text);
        free(text);
    }
}

static void the_environment_names_the_language(void **state)
{
    (void)state;
    static const struct {
        const char *all, *messages, *lang, *chosen;
    } cases[] = {
        {"", "", "", "es"},        {"", "", "C", "es"},
        {"", "", "C.UTF-8", "es"}, {"", "", "en_US.UTF-8", "en"},
        {"", "es", "en_US", "es"}, {"en", "es_DO", "es_DO", "en"},
        {"POSIX", "", "en", "es"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("LC_ALL", cases[i].all, 1);
        setenv("LC_MESSAGES", cases[i].messages, 1);
        setenv("LANG", cases[i].lang, 1);
        assert_string_equal(message_language(NULL, CATALOGUES), cases[i].chosen);
    }
}

static void reasons_are_filled_in_where_the_server_left_codes(void **state)
{
    (void)state;
    Mejora__Note note = MEJORA__NOTE__INIT, *list[] = {&note};
    Mejora__PlanImportReply reply = MEJORA__PLAN_IMPORT_REPLY__INIT;
    char inm[] = "inm", code[] = "already_exists", *args[] = {inm};
    note.code = code;
    note.args = args;
    note.n_args = 1;
    reply.notes = list;
    reply.n_notes = 1;
    message_language("en", CATALOGUES);
    message_fill(&reply.base);
    assert_string_equal(note.reason, "inm exists already.");
    char *first = note.reason;
    message_fill(&reply.base);
    assert_ptr_equal(note.reason, first); /* what is there stays */
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_words),
        cmocka_unit_test(the_environment_names_the_language),
        cmocka_unit_test(reasons_are_filled_in_where_the_server_left_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
