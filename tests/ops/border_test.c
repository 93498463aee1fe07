/* What the server says to every operation of ops.def asked wrongly, or by the wrong person. All cases are made from the
 * descriptors and the catalogue, so an operation is covered the day it gets its row. */
#include "common/ref.h"
#include "people.pb-c.h"
#include "server/contract.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DATE = 1082, MAX_WIRE = 1 << 17, ROLES = MEJORA__ROLE__ROLE_INVITED + 1 };

static struct mejorad server;
static struct plan *plans;
static void *callers[ROLES], *admin; /* one of each role; the border is the same for all, so the admin knocks */
static struct reply r, again;

static const char *const refs[REF_LEVELS] = {NULL, "inm", "inm/2022", "inm/2022/1", "inm/2022/1.1"};

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    plans = contract_check(database(&server));
    assert_non_null(plans);
    for (int role = 1; role < ROLES; role++) {
        char label[64], roles[80];
        bool everywhere = role == MEJORA__ROLE__ROLE_ADMIN || role == MEJORA__ROLE__ROLE_NOTIFIER;
        bool invited = role == MEJORA__ROLE__ROLE_INVITED;
        enum_label(&mejora__role__descriptor, role, label);
        snprintf(roles, sizeof roles, "{%s}", invited ? "viewer" : label);
        struct keys k = world_person(&server, everywhere ? "*" : "inm", everywhere ? "central" : label, roles, "{}");
        if (invited)
            k = world_key(&server, "inm", label, "invitation");
        callers[role] = peer_open(&server, &k);
        if (everywhere)
            sql(&server, "update mejora.person set code = 'central-%s' where code = 'central'", label);
    }
    admin = callers[MEJORA__ROLE__ROLE_ADMIN];
    return 0;
}

static int stop(void **state)
{
    (void)state;
    peers_end();
    contract_free(plans);
    mejorad_remove(&server);
    return 0;
}

/* The deepest reference that it takes: no refusal is because something is not named. */
static const char *ref_for(const struct op *op)
{
    int level = REF_LEVELS - 1;
    while (!(op->about & 1u << level))
        level--;
    return refs[level];
}

static const char *what(const struct op *op, const char *case_name, const char *field)
{
    static char text[160];
    snprintf(text, sizeof text, "%s: %s %s", op->name, case_name, field ? field : "");
    return text;
}

static void knock(const struct op *op, const char *ref, const void *body, size_t size)
{
    ask_bytes(admin, op->name, ref, NULL, body, size);
    hear(admin, &r);
}

/* ---- bodies, byte by byte ---- */

struct wire {
    size_t size;
    uint8_t bytes[MAX_WIRE];
};

static void put_varint(struct wire *w, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        w->bytes[w->size++] = (uint8_t)(n | 0x80);
    w->bytes[w->size++] = (uint8_t)n;
}

static void put_bytes(struct wire *w, unsigned field, const void *data, size_t size)
{
    put_varint(w, (uint64_t)field << 3 | 2);
    put_varint(w, size);
    assert_true(w->size + size <= MAX_WIRE);
    memcpy(w->bytes + w->size, data, size);
    w->size += size;
}

static void put_number(struct wire *w, unsigned field, uint64_t n)
{
    put_varint(w, (uint64_t)field << 3);
    put_varint(w, n);
}

static const struct column *column_of(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    const struct plan *p = &plans[op - ops];
    for (int i = 0; p->request.type == op->request && i < p->request.n; i++)
        if (p->request.columns[i].field == f)
            return &p->request.columns[i];
    return NULL;
}

static bool is_date(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    const struct column *c = column_of(op, f);
    return c && c->type == DATE;
}

/* Any good value: two seeds make two of them. */
static void put_good(struct wire *w, const struct op *op, const ProtobufCFieldDescriptor *f, unsigned seed)
{
    char text[32];
    struct wire *inner;
    snprintf(text, sizeof text, is_date(op, f) ? "2023-01-%02u" : "valor-%u", seed + 1);
    switch ((int)f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: put_bytes(w, f->id, text, strlen(text)); break;
    case PROTOBUF_C_TYPE_MESSAGE:
        inner = calloc(1, sizeof *inner);
        assert_non_null(inner);
        put_good(inner, op, ((const ProtobufCMessageDescriptor *)f->descriptor)->fields, seed);
        put_bytes(w, f->id, inner->bytes, inner->size);
        free(inner);
        break;
    case PROTOBUF_C_TYPE_BOOL: put_number(w, f->id, seed % 2); break;
    default: put_number(w, f->id, 1 + seed % 2);
    }
}

/* ---- the cases ---- */

static void a_reference_of_the_wrong_level_is_refused(void **state)
{
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (int level = 0; level < REF_LEVELS; level++)
            if (!(op->about & 1u << level)) {
                knock(op, refs[level], NULL, 0);
                assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "ref_level", what(op, "about", refs[level]));
            }
}

static void what_is_no_reference_is_refused(void **state)
{
    static const char *const none[] = {"inm/",       "/",           "INM",         "inm/23",
                                       "inm/2022/0", "inm/2022/01", "inm/2022/1.", "inm/2022/1.1.1",
                                       "inm//1",     "-inm",        "inm 2022",    "inm/2022/9999999999",
                                       "../x",       "inm\n",       "ínm",         "*",
                                       "\xff"};
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
            knock(op, none[i], NULL, 0);
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "ref_malformed", what(op, "about", none[i]));
        }
}

/* What is not there is neither read nor changed. A write may find its empty body wanting first. The audit trail outlives what
 * it speaks of, and has the attempts on what never was. */
static bool not_there(const struct op *op, int level)
{
    bool invalid = r.outcome == MEJORA__OUTCOME__OUTCOME_INVALID && op->kind == WRITE;
    bool trail = r.outcome == MEJORA__OUTCOME__OUTCOME_OK && op->kind == NOTED && level > REF_INSTITUTION;
    return r.outcome == MEJORA__OUTCOME__OUTCOME_NOT_FOUND || invalid || trail;
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const absent[][REF_LEVELS] = {
        {NULL, "nadie", "nadie/2022", "nadie/2022/1", "nadie/2022/1.1"},
        {NULL, "nadie", "inm/2099", "inm/2099/1", "inm/2099/1.1"},
        {NULL, "nadie", "inm/2099", "inm/2022/99", "inm/2022/1.99"},
    };
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (int level = REF_INSTITUTION; level < REF_LEVELS; level++)
            for (int i = 0; op->about & 1u << level && i < 3; i++) {
                void *caller =
                    op->roles & 1u << MEJORA__ROLE__ROLE_ADMIN ? admin : callers[MEJORA__ROLE__ROLE_NOTIFIER];
                ask(caller, op->name, absent[i][level], NULL, NULL);
                hear(caller, &r);
                if (!not_there(op, level))
                    fail_msg("%s %s: %s %s", op->name, absent[i][level], outcome_name(r.outcome), r.error);
                assert_int_equal(
                    sql_long(&server, "select count(*) from road.audit where outcome = 'ok' and asked is null"), 0);
            }
}

/* Every role, every operation: allowed by the row of ops.def, or DENIED and nothing else. */
static void roles_are_those_of_the_table(void **state)
{
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (int role = 1; role < ROLES; role++) {
            ask(callers[role], op->name, ref_for(op), NULL, NULL);
            hear(callers[role], &r);
            char label[64];
            enum_label(&mejora__role__descriptor, role, label);
            bool denied = r.outcome == MEJORA__OUTCOME__OUTCOME_DENIED && !strcmp(r.error, "role_denied");
            if (denied != !(op->roles & 1u << role))
                fail_msg("%s as %s: %s %s", op->name, label, outcome_name(r.outcome), r.error);
        }
}

static void people_of_another_institution_are_refused(void **state)
{
    (void)state;
    world_person(&server, "sns", "ajena", "{planner,responsable,authority,auditor,viewer}", "{oym}");
    for (const struct op *op = ops; op < ops + OPS; op++) {
        struct keys k =
            world_key(&server, "sns", "ajena", "person"); /* a new one: a key has so many refusals noted per second */
        void *elsewhere = peer_open(&server, &k);
        for (int noted = 0, level = REF_INSTITUTION; level < REF_LEVELS; level++)
            if (op->about & 1u << level) {
                ask(elsewhere, op->name, refs[level], NULL, NULL);
                hear(elsewhere, &r);
                assert_reply(&r, MEJORA__OUTCOME__OUTCOME_DENIED, "not_your_institution",
                             what(op, "about", refs[level]));
                assert_int_equal(r.size, 0);
                assert_int_equal(sql_long(&server,
                                          "select count(*) from road.audit where op = '%s' and outcome = 'denied'"
                                          " and institution = 'inm' and who = 'sns/ajena'"
                                          " and error = 'not_your_institution' and request is not null",
                                          op->name),
                                 ++noted);
            }
        peer_close(elsewhere);
    }
}

static void bytes_that_are_no_message_are_malformed(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t size;
    } cases[] = {
        {"not protobuf", "\xff\xff", 2},
        {"a tag and no value", "\x08", 1},
        {"field number 0", "\x00\x01", 2},
        {"a varint of eleven bytes", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},
        {"a length beyond the end",
         "\x0a\x05"
         "abc",
         5},
        {"a length of 4 GiB", "\x0a\xff\xff\xff\xff\x0f", 6},
        {"a length of 2^63", "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
        {"a group", "\x0b\x0c", 2},
        {"wire type 6", "\x0e\x01", 2},
        {"wire type 7", "\x0f\x01", 2},
        {"a fixed64 cut short", "\x09\x01\x02", 3},
    };
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            knock(op, ref_for(op), cases[i].bytes, cases[i].size);
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", what(op, cases[i].name, NULL));
        }
}

typedef void check_field(const struct op *op, const ProtobufCFieldDescriptor *f);

static void each_field(check_field *check)
{
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (unsigned i = 0; i < op->request->n_fields; i++)
            check(op, &op->request->fields[i]);
}

/* Decoders disagree about which one counts. */
static void twice(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    static struct wire w;
    w.size = 0;
    put_good(&w, op, f, 0);
    put_good(&w, op, f, 1);
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    knock(op, ref_for(op), w.bytes, w.size);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", what(op, "twice", f->name));
}

static void a_field_given_twice_is_malformed(void **state)
{
    (void)state;
    each_field(twice);
}

static void padded(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    static struct wire w;
    w.size = 0;
    put_varint(&w, (uint64_t)f->id << 3 | 2);
    memcpy(w.bytes + w.size, "\x81\x80\x00x", 4); /* the length 1 in three bytes */
    w.size += 4;
    if (f->type != PROTOBUF_C_TYPE_STRING)
        return;
    knock(op, ref_for(op), w.bytes, w.size);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", what(op, "padded", f->name));
}

static void a_number_written_longer_than_it_is_is_malformed(void **state)
{
    (void)state;
    each_field(padded);
}

static char long_text[(32 << 10) + 1];

static const struct {
    const char *name, *text;
    size_t size;
    const char *error;
} texts[] = {
    {"not UTF-8", "\xff", 1, "field_invalid"},
    {"overlong UTF-8", "\xc0\x80", 2, "field_invalid"},
    {"half of a surrogate pair", "\xed\xa0\x80", 3, "field_invalid"},
    {"beyond Unicode", "\xf4\x90\x80\x80", 4, "field_invalid"},
    {"UTF-8 cut short", "a\xc3", 2, "field_invalid"},
    {"NUL inside", "a\0b", 3, "malformed"},
    {"NUL at the end", "a\0", 2, "malformed"},
    {"an escape", "a\x1b[2J", 5, "field_invalid"},
    {"a carriage return", "a\r\nBcc: x", 9, "field_invalid"},
    {"DEL", "\x7f", 1, "field_invalid"},
    {"a C1 control", "\xc2\x9b", 2, "field_invalid"},
    {"right to left override", "\xe2\x80\xae", 3, "field_invalid"},
    {"a bidi isolate", "\xe2\x81\xa6", 3, "field_invalid"},
    {"32 KiB and one", long_text, sizeof long_text, "field_invalid"},
    {"not NFC", "e\xcc\x81", 3, "text_not_nfc"},
};

static void each_text(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    static struct wire w;
    for (size_t i = 0; f->type == PROTOBUF_C_TYPE_STRING && i < sizeof texts / sizeof *texts; i++) {
        bool malformed = !strcmp(texts[i].error, "malformed");
        w.size = 0;
        put_bytes(&w, f->id, texts[i].text, texts[i].size);
        knock(op, ref_for(op), w.bytes, w.size);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, texts[i].error, what(op, texts[i].name, f->name));
        assert_string_equal(r.arg, malformed ? "body" : f->name);
    }
}

static void text_that_is_none_is_refused_by_field(void **state)
{
    (void)state;
    memset(long_text, 'a', sizeof long_text);
    each_field(each_text);
}

/* Strings of messages within the message: any form is theirs, but not any bytes. */
static void nested_text(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    static struct wire w, inner;
    const ProtobufCMessageDescriptor *type = f->descriptor;
    for (unsigned i = 0; f->type == PROTOBUF_C_TYPE_MESSAGE && i < type->n_fields; i++)
        for (size_t t = 0; type->fields[i].type == PROTOBUF_C_TYPE_STRING && t < sizeof texts / sizeof *texts; t++) {
            w.size = inner.size = 0;
            put_bytes(&inner, type->fields[i].id, texts[t].text, texts[t].size);
            put_bytes(&w, f->id, inner.bytes, inner.size);
            if (!strcmp(texts[t].error, "text_not_nfc"))
                continue;
            knock(op, ref_for(op), w.bytes, w.size);
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, texts[t].error,
                         what(op, texts[t].name, type->fields[i].name));
        }
}

static void text_inside_of_messages_is_checked_too(void **state)
{
    (void)state;
    each_field(nested_text);
}

static void enum_out_of_range(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    static struct wire w;
    static const uint64_t values[] = {99, 0x7fffffff, UINT64_MAX};
    for (size_t i = 0; f->type == PROTOBUF_C_TYPE_ENUM && i < sizeof values / sizeof *values; i++) {
        w.size = 0;
        put_number(&w, f->id, values[i]);
        knock(op, ref_for(op), w.bytes, w.size);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "field_invalid", what(op, "out of range", f->name));
        assert_string_equal(r.arg, f->name);
    }
}

static void values_that_an_enum_has_not_are_refused(void **state)
{
    (void)state;
    each_field(enum_out_of_range);
}

static int dates;

static void impossible_date(const struct op *op, const ProtobufCFieldDescriptor *f)
{
    static struct wire w;
    static const char *const none[] = {
        "2023-02-29", "2023-13-01", "2023-00-10", "2023-04-31", "2023-2-9", "31/12/2023", "0000-01-01", "2023-01-01 ",
        " 2023-01-1", "2023-01-+1", "infinity",   "today",      ""};
    dates += is_date(op, f);
    for (size_t i = 0; is_date(op, f) && i < sizeof none / sizeof *none; i++) {
        w.size = 0;
        put_bytes(&w, f->id, none[i], strlen(none[i]));
        knock(op, ref_for(op), w.bytes, w.size);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "field_invalid", what(op, none[i], f->name));
        assert_string_equal(r.arg, f->name);
    }
}

static void days_that_the_calendar_has_not_are_refused(void **state)
{
    (void)state;
    each_field(impossible_date);
    assert_true(dates > 4);
}

static void a_field_from_the_future_is_refused(void **state)
{
    static struct wire w;
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++) {
        w.size = 0;
        put_varint(&w, 1000 << 3 | 0);
        put_varint(&w, 1);
        knock(op, ref_for(op), w.bytes, w.size);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "field_unknown", what(op, "field 1000", NULL));
    }
}

/* ---- asking twice ---- */

static long audited(void)
{
    return sql_long(&server, "select count(*) from road.audit");
}

static void *caller_for(const struct op *op)
{
    int role = 1;
    while (!(op->roles & 1u << role))
        role++;
    return callers[role];
}

/* The first field of the request, with one or the other value. */
static void put_first(struct wire *w, const struct op *op, unsigned seed)
{
    w->size = 0;
    put_good(w, op, &op->request->fields[0], seed);
}

/* What its operation answered, that a write answers again. What C refused before it got there is worked out again. */
static void asking_twice_acts_once(void **state)
{
    static struct wire w;
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++) {
        uint8_t id[PEER_ID];
        void *caller = caller_for(op);
        long before = audited();
        id_make(id);
        if (op->kind != WRITE)
            continue;
        put_first(&w, op, 0);
        for (int i = 0; i < 3; i++) {
            ask_bytes(caller, op->name, ref_for(op), id, w.bytes, w.size);
            hear(caller, i ? &again : &r);
            if (i && !same_reply(&r, &again))
                fail_msg("%s: first %s %s, then %s %s", op->name, outcome_name(r.outcome), r.error,
                         outcome_name(again.outcome), again.error);
        }
        bool kept = sql_long(&server, "select count(*) from road.request where id = '%s'", id_text(id));
        if (!kept && r.outcome != MEJORA__OUTCOME__OUTCOME_INVALID)
            fail_msg("%s: %s %s was not kept", op->name, outcome_name(r.outcome), r.error);
        /* what changes nothing is not noted: nothing is due here, and the task is done already */
        bool changed = op != &ops[OP_reminder_lease] && op != &ops[OP_task_done];
        if (audited() - before != (kept ? changed : 3))
            fail_msg("%s: %s %s has %ld audit entries", op->name, outcome_name(r.outcome), r.error, audited() - before);
        put_first(&w, op, 1);
        ask_bytes(caller, op->name, ref_for(op), id, w.bytes, w.size);
        hear(caller, &again);
        if (kept)
            assert_reply(&again, MEJORA__OUTCOME__OUTCOME_ID_REUSED, "id_reused",
                         what(op, "the same id, another body", NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_of_the_wrong_level_is_refused),
        cmocka_unit_test(what_is_no_reference_is_refused),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(roles_are_those_of_the_table),
        cmocka_unit_test(people_of_another_institution_are_refused),
        cmocka_unit_test(bytes_that_are_no_message_are_malformed),
        cmocka_unit_test(a_field_given_twice_is_malformed),
        cmocka_unit_test(a_number_written_longer_than_it_is_is_malformed),
        cmocka_unit_test(text_that_is_none_is_refused_by_field),
        cmocka_unit_test(text_inside_of_messages_is_checked_too),
        cmocka_unit_test(values_that_an_enum_has_not_are_refused),
        cmocka_unit_test(days_that_the_calendar_has_not_are_refused),
        cmocka_unit_test(a_field_from_the_future_is_refused),
        cmocka_unit_test(asking_twice_acts_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
