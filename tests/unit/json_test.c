#include "common/json.h"

#include "action.pb-c.h"
#include "audit.pb-c.h"
#include "people.pb-c.h"
#include "plan.pb-c.h"
#include "reminder.pb-c.h"
#include "server.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* JSON that becomes a message and comes back the same: every kind of field, at every depth. */
static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *json;
} whole[] = {
    {&mejora__whoami_request__descriptor, "{}"},
    {&mejora__progress_report_request__descriptor, "{\"percent\":75,\"why\":\"Acta «12»\"}"},
    {&mejora__progress_report_request__descriptor, "{\"percent\":0}"},
    {&mejora__person_invite_request__descriptor,
     "{\"person\":\"ana\",\"invitation_key\":\"00ff10\",\"valid_days\":-3}"},
    {&mejora__person_add_request__descriptor,
     "{\"code\":\"ana\",\"roles\":[\"auditor\",\"responsable\"],\"units\":[\"a\",\"b\"]}"},
    {&mejora__plan_import_request__descriptor,
     "{\"rows\":[{\"line\":1,\"cells\":[\"a\",\"\"]},{\"cells\":[]}],\"file_name\":\"x\",\"dry_run\":true}"},
    {&mejora__key_revoke_request__descriptor, "{\"key\":9007199254740993}"},
    {&mejora__server_status_reply__descriptor, "{\"now\":\"2026-11-21T02:26:34.123456Z\",\"plans\":3}"},
    {&mejora__audit_entry__descriptor,
     "{\"at\":\"1969-12-31T23:59:59.999999Z\",\"request_id\":\"\",\"outcome\":\"conflict\",\"error_args\":[],"
     "\"roles\":[],\"fields\":[]}"},
    {&mejora__mail__descriptor, "{\"leased_until\":\"2026-11-21T02:26:34.000000Z\",\"items\":[],\"unreached\":[]}"},
    {&mejora__action_list_reply__descriptor,
     "{\"actions\":[{\"subcriteria\":[],\"improvement_areas\":[],\"actions\":[],\"resources\":[],"
     "\"owners\":[{\"unit\":\"RRHH\",\"lead\":true},{\"lead\":false}],\"comments\":[],\"state\":\"due_soon\","
     "\"versions\":{\"text\":2}}]}"},
};

static void comes_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        struct json_fault fault = {0};
        json_t *in = json_loads(whole[i].json, 0, NULL);
        ProtobufCMessage *m = json_to_message(in, whole[i].type, &fault);
        if (!m)
            fail_msg("%s: %s (%s)", whole[i].json, fault.field, fault.accepted);
        json_t *out = json_from_message(m);
        char *text = json_dumps(out, JSON_COMPACT);
        assert_string_equal(text, whole[i].json);
        free(text);
        json_decref(out);
        json_decref(in);
        protobuf_c_message_free_unpacked(m, NULL);
    }
}

static const struct {
    const char *what, *json, *field, *accepted;
    const ProtobufCMessageDescriptor *type;
} refused[] = {
    {"no such field", "{\"percents\":1}", "percents", "", &mejora__progress_report_request__descriptor},
    {"text for a number", "{\"percent\":\"1\"}", "percent", "-2147483648 … 2147483647",
     &mejora__progress_report_request__descriptor},
    {"beyond int32", "{\"percent\":2147483648}", "percent", "-2147483648 … 2147483647",
     &mejora__progress_report_request__descriptor},
    {"number for a text", "{\"why\":1}", "why", "\"…\"", &mejora__progress_report_request__descriptor},
    {"a NUL in a text", "{\"why\":\"a\\u0000b\"}", "why", "\"…\"", &mejora__progress_report_request__descriptor},
    {"no such label", "{\"result\":\"maybe\"}", "result", "ok, refused", &mejora__audit_list_request__descriptor},
    {"the label that says nothing", "{\"result\":\"unspecified\"}", "result", "ok, refused",
     &mejora__audit_list_request__descriptor},
    {"odd hex", "{\"public_key\":\"0\"}", "public_key", "00 … ff", &mejora__join_request__descriptor},
    {"a lone value for a list", "{\"roles\":\"auditor\"}", "roles", "[…]", &mejora__person_add_request__descriptor},
    {"a bad element in a list", "{\"units\":[\"a\",1,\"b\"]}", "units", "\"…\"",
     &mejora__person_add_request__descriptor},
    {"a bad message in a list", "{\"rows\":[{\"line\":1},{\"line\":\"x\"}]}", "line", "-2147483648 … 2147483647",
     &mejora__plan_import_request__descriptor},
    {"a list for a message", "{\"rows\":[[]]}", "Row", "{…}", &mejora__plan_import_request__descriptor},
    {"not a time", "{\"now\":\"today\"}", "now", "2026-11-21T02:26:34Z", &mejora__server_status_reply__descriptor},
};

static void says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct json_fault fault = {0};
        json_t *in = json_loads(refused[i].json, JSON_ALLOW_NUL, NULL);
        if (json_to_message(in, refused[i].type, &fault))
            fail_msg("%s was taken", refused[i].what);
        assert_string_equal(fault.field, refused[i].field);
        assert_string_equal(fault.accepted, refused[i].accepted);
        json_decref(in);
    }
}

static void labels_and_values_of_a_newer_server(void **state)
{
    (void)state;
    Mejora__Due due = MEJORA__DUE__INIT;
    due.has_state = 1;
    due.state = (Mejora__State)99;
    json_t *json = json_from_message(&due.base);
    assert_int_equal(json_integer_value(json_object_get(json, "state")), 99);
    json_decref(json);
    due.action = (char[]){"\xff"};
    assert_null(json_from_message(&due.base)); /* not UTF-8 */
}

static const struct {
    const char *field, *text, *json; /* NULL: refused */
} typed[] = {
    {"percent", "75", "75"},
    {"percent", "-1", "-1"},
    {"percent", "7.5", NULL},
    {"percent", "", NULL},
    {"percent", "75x", NULL},
    {"percent", "true", NULL},
    {"why", "75", "\"75\""},
    {"why", "\xff", NULL},
    {"percent", "99999999999999999999", NULL},
    {"why",
     "Pen\xcc\x83"
     "a",
     "\"Peña\""},
};

static void texts_by_the_type_of_their_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(
            &mejora__progress_report_request__descriptor, typed[i].field);
        struct json_fault fault;
        json_t *value = json_from_text(typed[i].text, f, &fault);
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        if (typed[i].json)
            assert_string_equal(text, typed[i].json);
        else
            assert_null(text);
        free(text);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_the_same),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(labels_and_values_of_a_newer_server),
        cmocka_unit_test(texts_by_the_type_of_their_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
