#include "server/contract.h"

#include "common/log.h"
#include "people.pb-c.h"
#include "server/prepare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every parameter, result column, and attribute of a composite, as one list: owner (a function's name or a composite's OID),
 * its volatility, name, is it a parameter, is it a result, type, the type's name, its class for codec_find, its element's
 * type (0: no array), the composite it consists of (0: none), the type of arrays of it. */
static const char catalogue_sql[] =
    "with item (owner, volatility, name, is_parameter, is_result, type) as ("
    "  select p.proname::text, p.provolatile, a.name, a.mode in ('i','b'), a.mode in ('o','b','t'), a.type"
    "    from pg_proc p, unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]),"
    "              coalesce(p.proargmodes, array_fill('i'::\"char\", array[p.pronargs::int]))) a (name, type, mode)"
    "   where p.pronamespace = 'op'::regnamespace"
    "  union all"
    "  select c.oid::text, 's', a.attname, false, true, a.atttypid"
    "    from pg_type c join (select * from pg_attribute order by attnum) a on a.attrelid = c.typrelid"
    "   where c.typnamespace = 'op'::regnamespace and c.typtype = 'c' and a.attnum > 0 and not a.attisdropped)"
    "select i.owner, i.volatility, i.name, i.is_parameter, i.is_result, i.type::int8, i.type::regtype,"
    "       case when t.typtype = 'e' then 1 when e.typtype = 'e' then 2 else t.oid::int8 end,"
    "       coalesce(e.oid::int8, 0),"
    "       case when t.typtype = 'c' then t.oid::int8 when e.typtype = 'c' then e.oid::int8 else 0 end, "
    "t.typarray::int8"
    "  from item i join pg_type t on t.oid = i.type left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'";

enum { OWNER, VOLATILITY, NAME, IS_PARAMETER, IS_RESULT, TYPE, TYPE_NAME, CLASS, ELEMENT, COMPOSITE, ARRAY };
enum side { PARAMETER = IS_PARAMETER, RESULT = IS_RESULT };
enum need { OPTIONAL, ALWAYS, IF_WRITE };

/* What a function may or must declare besides the messages' fields; a field of the same name goes first. The expression is
 * what the statement passes for a parameter; NULL: the road's own parameter of that number. about_plan is plan under another name, for a reply that has a plan too. */
static const struct {
    const char *name;
    enum side side;
    enum need need;
    const char *type, *expression;
    int parameter;
} road[] = {
    {"me", PARAMETER, IF_WRITE, "integer", "w.me", 0},
    {"my_key", PARAMETER, OPTIONAL, "bigint", NULL, ROAD_KEY},
    {"institution", PARAMETER, OPTIONAL, "text", "w.institution", 0},
    {"plan", PARAMETER, OPTIONAL, "integer", NULL, ROAD_PLAN},
    {"about_plan", PARAMETER, OPTIONAL, "integer", NULL, ROAD_PLAN},
    {"item_no", PARAMETER, OPTIONAL, "integer", NULL, ROAD_ITEM},
    {"task_no", PARAMETER, OPTIONAL, "integer", NULL, ROAD_TASK},
    {"outcome", RESULT, ALWAYS, "mejora.outcome", NULL, 0},
    {"error", RESULT, ALWAYS, "text", NULL, 0},
    {"error_args", RESULT, ALWAYS, "text[]", NULL, 0},
    {"before", RESULT, IF_WRITE, "jsonb", NULL, 0},
    {"after", RESULT, IF_WRITE, "jsonb", NULL, 0},
    {"about_plan", RESULT, OPTIONAL, "integer", NULL, 0},
    {"about_item", RESULT, OPTIONAL, "integer", NULL, 0},
};
enum { ROAD = sizeof road / sizeof *road };

struct check {
    const PGresult *catalogue;
    const struct op *op;
    int faults;
};

static void fault(struct check *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct check *k, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log_line(LOG_ERROR, "contract: %s: %s", k->op->name, text);
    k->faults++;
}

static const char *at(const struct check *k, int row, int column)
{
    return PQgetvalue(k->catalogue, row, column);
}

static Oid oid_at(const struct check *k, int row, int column)
{
    return (Oid)strtoul(at(k, row, column), NULL, 10);
}

static bool listed(const struct check *k, int row, const char *owner, enum side side)
{
    return !strcmp(at(k, row, OWNER), owner) && *at(k, row, (int)side) == 't';
}

static int find(const struct check *k, const char *owner, enum side side, const char *name)
{
    for (int row = 0; row < PQntuples(k->catalogue); row++)
        if (listed(k, row, owner, side) && !strcmp(at(k, row, NAME), name))
            return row;
    return -1;
}

static bool is_road(const char *name, enum side side)
{
    for (int i = 0; i < ROAD; i++)
        if (road[i].side == side && !strcmp(road[i].name, name))
            return true;
    return false;
}

static void column_check(struct check *k, const char *owner, enum side side, const ProtobufCFieldDescriptor *f,
                         struct column *ret);

/* Both ways: every field has its value, every value its field. */
static void shape_check(struct check *k, const char *owner, enum side side, const ProtobufCMessageDescriptor *type,
                        struct shape *ret)
{
    bool function = owner == k->op->name;
    *ret = (struct shape){.type = type, .n = (int)type->n_fields};
    if (type->n_fields > MAX_COLUMNS - ROAD_WRITE) {
        fault(k, "%s has too many fields", type->short_name);
        ret->n = 0;
    }
    for (int i = 0; i < ret->n; i++)
        column_check(k, owner, side, &type->fields[i], &ret->columns[i]);
    for (int row = 0; row < PQntuples(k->catalogue); row++)
        if (listed(k, row, owner, side) && !(function && is_road(at(k, row, NAME), side)) &&
            !protobuf_c_message_descriptor_get_field_by_name(type, at(k, row, NAME)))
            fault(k, "%s has no field for '%s'", type->short_name, at(k, row, NAME));
}

static struct shape *message_check(struct check *k, const char *composite, const ProtobufCMessageDescriptor *type)
{
    struct shape *ret = calloc(1, sizeof *ret);
    if (!ret)
        abort();
    shape_check(k, composite, RESULT, type, ret);
    return ret;
}

static void column_check(struct check *k, const char *owner, enum side side, const ProtobufCFieldDescriptor *f,
                         struct column *ret)
{
    int row = find(k, owner, side, f->name);
    bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
    *ret = (struct column){.field = f};
    if (row < 0) {
        fault(k, "field '%s' of %s has no %s of that name", f->name,
              owner == k->op->name ? "the message" : "a composite", side == PARAMETER ? "parameter" : "column");
        return;
    }
    ret->type = oid_at(k, row, TYPE);
    ret->element = oid_at(k, row, ELEMENT);
    ret->array = oid_at(k, row, ARRAY);
    if (f->type != PROTOBUF_C_TYPE_MESSAGE)
        ret->codec = codec_find(f->type, list, oid_at(k, row, CLASS));
    else if (side == RESULT && oid_at(k, row, COMPOSITE) && list == (ret->element != 0))
        ret->message = message_check(k, at(k, row, COMPOSITE), f->descriptor);
    if (!ret->message && !ret->codec)
        fault(k, "field '%s' cannot be %s", f->name, at(k, row, TYPE_NAME));
}

static void road_check(struct check *k)
{
    const char *name = k->op->name;
    int any = find(k, name, RESULT, "outcome");
    bool write = k->op->kind == WRITE;
    for (int i = 0; i < ROAD; i++) {
        int row = find(k, name, road[i].side, road[i].name);
        bool needed = road[i].need == ALWAYS || (road[i].need == IF_WRITE && write);
        if (needed && (row < 0 || strcmp(at(k, row, TYPE_NAME), road[i].type) != 0))
            fault(k, "needs '%s %s'", road[i].name, road[i].type);
    }
    if (any >= 0 && strcmp(at(k, any, VOLATILITY), write ? "v" : "s") != 0)
        fault(k, "is %s, so its function must be %s", write ? "WRITE" : "READ", write ? "volatile" : "stable");
}

static bool declares(const struct check *k, const struct plan *p, int i)
{
    return find(k, p->op->name, road[i].side, road[i].name) >= 0 &&
           !(road[i].side == PARAMETER &&
             protobuf_c_message_descriptor_get_field_by_name(p->request.type, road[i].name));
}

/* A write's parameters are columns of its requests. */
static void sql_parameter(FILE *sql, const struct plan *p, int i)
{
    fprintf(sql, p->op->kind == WRITE ? "w.p%d" : "$%d", i + 1);
}

/* `op.name(me => w.me, …) a` */
static void sql_call(FILE *sql, const struct check *k, const struct plan *p, const char *schema, int first)
{
    const char *comma = "";
    fprintf(sql, "%s.%s(", schema, p->op->name);
    for (int i = 0; i < ROAD; i++)
        if (road[i].side == PARAMETER && declares(k, p, i)) {
            fprintf(sql, "%s%s => ", comma, road[i].name);
            if (p->mine && !strcmp(road[i].name, "me"))
                fprintf(sql, "case when $%td then w.me end", first + 1 + (p->mine - p->request.type->fields));
            else if (road[i].expression)
                fputs(road[i].expression, sql);
            else
                sql_parameter(sql, p, road[i].parameter);
            comma = ", ";
        }
    for (int i = 0; i < p->request.n; i++) {
        fprintf(sql, ", \"%s\" => ", p->request.columns[i].field->name);
        sql_parameter(sql, p, first + i);
    }
    fputs(") a", sql);
}

/* The answer as one record, in the order of the field numbers: they only grow, so a reply stored by an older server is a
 * prefix of today's. An array of composites is turned into its elements' records, one after the other, because array_send
 * keeps every element's buffers until the end and costs three times as much. */
static void sql_record(FILE *sql, const struct shape *s, const char *from, int depth)
{
    fputs("row(", sql);
    for (int i = 0; i < s->n; i++) {
        const struct column *c = &s->columns[i];
        char inner[160];
        fputs(i ? ", " : "", sql);
        if (c->message && c->element) {
            snprintf(inner, sizeof inner, "b%d", depth);
            fputs("(select string_agg(record_send(", sql);
            sql_record(sql, c->message, inner, depth + 1);
            fprintf(sql, "), '') from unnest(%s.\"%s\") %s)", from, c->field->name, inner);
        } else if (c->message) {
            snprintf(inner, sizeof inner, "(%.90s.\"%.63s\")", from, c->field->name);
            fprintf(sql, "case when %s is distinct from null then record_send(", inner);
            sql_record(sql, c->message, inner, depth);
            fputs(") end", sql);
        } else {
            fprintf(sql, "%s.\"%s\"", from, c->field->name);
        }
    }
    fputc(')', sql);
}

static void sql_roles(FILE *sql, const struct op *op)
{
    char label[64];
    const char *comma = "";
    fputs("'{", sql);
    for (unsigned i = 1; i < mejora__role__descriptor.n_values; i++)
        if (op->roles & 1u << mejora__role__descriptor.values[i].value) {
            fprintf(sql, "%s%s", comma,
                    enum_label(&mejora__role__descriptor, mejora__role__descriptor.values[i].value, label));
            comma = ",";
        }
    fputs("}'::mejora.role[]", sql);
}

static void sql_read(FILE *sql, const struct check *k, const struct plan *p)
{
    fputs("with who as materialized (select e.* from lib.enter($1, ", sql);
    sql_roles(sql, p->op);
    fputs(", false, $2, $3, $4) e) select a.outcome, a.error, a.error_args, record_send(", sql);
    sql_record(sql, &p->reply, "a", 0);
    fputs(") from (select * from who where allowed) w, lateral ", sql);
    sql_call(sql, k, p, "op", ROAD_READ);
    fputs(" union all select 'denied', w.error, w.args, null from who w where not allowed", sql);
}

/* The same about the past: who asks is looked up as things are now, and only then is everything as it was. */
static void sql_past(FILE *sql, const struct check *k, const struct plan *p)
{
    int as_of = ROAD_READ + p->request.n + 1;
    fputs("with who as materialized (select e.*, t.error as no_instant, t.args as instant from lib.enter($1, ", sql);
    sql_roles(sql, p->op);
    fprintf(sql,
            ", false, $2, $3, $4) e left join lateral lib.go_back(e.institution, $%d) t on e.allowed)"
            " select a.outcome, s.error, s.args, record_send(",
            as_of);
    sql_record(sql, &p->reply, "a", 0);
    fputs(") from (select * from who where allowed and no_instant is null) w, lateral ", sql);
    sql_call(sql, k, p, "op_past", ROAD_READ);
    fprintf(sql,
            ", lateral lib.missing_then(w.institution, $3, $4, $%d, a.error, a.error_args) s"
            " union all select 'denied', w.error, w.args, null from who w where not allowed"
            " union all select 'invalid', w.no_instant, w.instant, null from who w where no_instant is not null",
            as_of);
}

/* For who asks what somebody else is being answered already. */
static void sql_enter(FILE *sql, const struct check *k, const struct plan *p)
{
    (void)k;
    fputs("select case when allowed then 'ok' else 'denied' end::mejora.outcome, error, args, null::bytea"
          " from lib.enter($1, ",
          sql);
    sql_roles(sql, p->op);
    fputs(", false, $2, $3, $4)", sql);
}

static const char *optional_result(const struct check *k, const struct plan *p, const char *name)
{
    int row = find(k, p->op->name, RESULT, name);
    return row < 0 || protobuf_c_message_descriptor_get_field_by_name(p->reply.type, name) ? "null::int"
                                                                                           : at(k, row, NAME);
}

/* The requests as rows r: one, or as many as the parameters' arrays have. */
static void sql_requests(FILE *sql, const struct plan *p, bool many)
{
    fputs(many ? "with r as materialized (select * from unnest(" : "with r as materialized (select ", sql);
    for (int i = 1; i <= p->n_types; i++)
        fprintf(sql, many ? "%s$%d" : "%s$%d as p%d", i > 1 ? ", " : "", i, i);
    fputs(many ? ") with ordinality r (" : ", 1 as n), ", sql);
    for (int i = 1; many && i <= p->n_types; i++)
        fprintf(sql, "p%d, ", i);
    fputs(many ? "n)), " : "", sql);
}

/* One statement is the whole write: has it been answered before, who asks, act, keep the answer, note it in the audit.
 * Neither before nor after: nothing has changed (a worker found nothing to send), and there is nothing to note.
 * Requests are worked on in their order, each seeing what those before it did: op's functions are volatile. The
 * institution is set before each; their audit entries may be of several, so they are written by who sees all.
 * offset 0: each is looked up by itself, or a plan made while the table was small reads all that a key ever asked. */
static void sql_write_all(FILE *sql, const struct check *k, const struct plan *p, bool many)
{
    int why = 0;
    for (int i = 0; i < p->request.n; i++)
        if (!strcmp(p->request.columns[i].field->name, "why"))
            why = ROAD_WRITE + i + 1;
    sql_requests(sql, p, many);
    fputs("old as materialized (select r.n, q.hash = r.p7 as alike, q.outcome, q.error, q.args, q.reply,"
          " exists (select from road.key k where k.id = r.p1"
          " and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())) as welcome"
          " from r, lateral (select * from road.request q where (q.key, q.id) = (r.p1, r.p6) offset 0) q), "
          "who as materialized (select r.*, e.* from (select * from r"
          " where not exists (select from old o where o.n = r.n) order by n) r, lateral lib.enter(r.p1, ",
          sql);
    sql_roles(sql, p->op);
    fputs(", true, r.p2, r.p3, r.p4) e), new as materialized (select w.*, a.outcome, a.error as said, a.error_args,"
          " a.before, a.after, ",
          sql);
    fprintf(sql, "%s as about_plan, %s as about_item, record_send(", optional_result(k, p, "about_plan"),
            optional_result(k, p, "about_item"));
    sql_record(sql, &p->reply, "a", 0);
    fprintf(sql, ") as reply from (select *%s from who where allowed) w, lateral ",
            many ? ", set_config('mejora.institution', institution, true)" : ", null");
    sql_call(sql, k, p, "op", ROAD_WRITE);
    fputs(" union all select w.*, null, 'denied', w.error, w.args, null, null, null, null, null from who w"
          " where not allowed), "
          "kept as (insert into road.request (key, id, hash, outcome, error, args, reply)"
          " select p1, p6, p7, outcome, said, error_args, reply from new), "
          "noted as (insert into road.audit"
          " (institution, plan, item_no, task_no, person, who, name, roles, unit, key, request, op,"
          " outcome, error, args, why, before, after)"
          " select coalesce(institution, p2, '*'), coalesce(about_plan, p3), coalesce(about_item, p4), p5,"
          " me, who, name, roles, unit, p1, p6, ",
          sql);
    fprintf(sql, why ? "'%s', outcome, said, error_args, p%d" : "'%s', outcome, said, error_args, null", p->op->name,
            why);
    fputs(", before, after from (select *", sql);
    fputs(many ? ", set_config('mejora.institution', '*', true)" : "", sql);
    fputs(
        " from new where outcome <> 'ok' or before is not null or after is not null) new) "
        "select outcome, said, error_args, reply from (select n, outcome, said, error_args, reply from new"
        " union all select n, case when welcome and alike then outcome when welcome then 'id_reused' else 'denied' end,"
        " case when welcome and alike then error when welcome then 'id_reused' else 'key_revoked' end,"
        " case when welcome and alike then args end, case when welcome and alike then reply end from old) answer"
        " order by n",
        sql);
}

static void sql_write(FILE *sql, const struct check *k, const struct plan *p)
{
    sql_write_all(sql, k, p, false);
}

static void sql_write_many(FILE *sql, const struct check *k, const struct plan *p)
{
    sql_write_all(sql, k, p, true);
}

static char *sql_make(const struct check *k, const struct plan *p,
                      void (*write)(FILE *, const struct check *, const struct plan *))
{
    char *text = NULL;
    size_t size;
    FILE *sql = open_memstream(&text, &size);
    if (!sql)
        abort();
    write(sql, k, p);
    fclose(sql);
    return text;
}

static void plan_check(struct check *k, struct plan *ret)
{
    enum { INT8 = 20, TEXT = 25, INT4 = 23, UUID = 2950, BYTEA = 17 };
    static const Oid own[ROAD_WRITE] = {INT8, TEXT, INT4, INT4, INT4, UUID, BYTEA};
    static const Oid arrays[ROAD_WRITE] = {1016, 1009, 1007, 1007, 1007, 2951, 1001}; /* of the same types */
    int first = k->op->kind == WRITE ? ROAD_WRITE : ROAD_READ;
    ret->op = k->op;
    road_check(k);
    shape_check(k, k->op->name, PARAMETER, prepared_request(k->op), &ret->request);
    shape_check(k, k->op->name, RESULT, k->op->reply, &ret->reply);
    ret->n_types = first + ret->request.n;
    memcpy(ret->types, own, sizeof own);
    memcpy(ret->arrays, arrays, sizeof arrays);
    bool flat = true;
    for (int i = 0; i < ret->request.n; i++) {
        ret->types[first + i] = ret->request.columns[i].type;
        ret->arrays[first + i] = ret->request.columns[i].array;
        flat = flat && !ret->request.columns[i].element;
    }
    ret->types[ret->n_types] = TEXT; /* the instant, where one is asked about */
    bool write = k->op->kind == WRITE;
    bool told = find(k, k->op->name, PARAMETER, "me") >= 0 || find(k, k->op->name, PARAMETER, "my_key") >= 0;
    ret->mine = write ? NULL : protobuf_c_message_descriptor_get_field_by_name(ret->request.type, "mine");
    ret->sql = sql_make(k, ret, write ? sql_write : sql_read);
    ret->many_sql = write && flat ? sql_make(k, ret, sql_write_many) : NULL;
    ret->enter_sql = k->op->kind <= NOW && (!told || ret->mine) ? sql_make(k, ret, sql_enter) : NULL;
    ret->past = k->op->kind == READ ? sql_make(k, ret, sql_past) : NULL;
}

bool plan_is_alike(const struct plan *p, const struct call *c)
{
    const void *mine = p->mine ? (const char *)c->request + p->mine->offset : NULL;
    return p->enter_sql && !c->as_of && c->about.level >= REF_INSTITUTION &&
           !(mine && *(const protobuf_c_boolean *)mine);
}

static int strangers(const PGresult *catalogue)
{
    int n = 0;
    for (int row = 0; row < PQntuples(catalogue); row++) {
        const char *owner = PQgetvalue(catalogue, row, OWNER);
        bool again = row && !strcmp(owner, PQgetvalue(catalogue, row - 1, OWNER));
        if (*owner > '9' && !again && !op_find(owner)) {
            log_line(LOG_ERROR, "contract: %s: function without a row in ops.def", owner);
            n++;
        }
    }
    return n;
}

struct plan *contract_check(PGconn *pg)
{
    struct plan *plans = calloc(OPS, sizeof *plans);
    PGresult *catalogue = PQexec(pg, catalogue_sql);
    if (!plans || PQresultStatus(catalogue) != PGRES_TUPLES_OK) {
        log_line(LOG_ERROR, "contract: cannot read the catalogue: %s", PQerrorMessage(pg));
        PQclear(catalogue);
        free(plans);
        return NULL;
    }
    int faults = strangers(catalogue);
    for (int i = 0; i < OPS; i++) {
        struct check k = {catalogue, &ops[i], 0};
        plan_check(&k, &plans[i]);
        faults += k.faults;
    }
    PQclear(catalogue);
    if (!faults)
        return plans;
    contract_free(plans);
    return NULL;
}

static void shape_free(struct shape *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->columns[i].message) {
            shape_free(s->columns[i].message);
            free(s->columns[i].message);
        }
}

void contract_free(struct plan plans[])
{
    for (int i = 0; plans && i < OPS; i++) {
        shape_free(&plans[i].reply);
        shape_free(&plans[i].request);
        free(plans[i].sql);
        free(plans[i].past);
        free(plans[i].enter_sql);
        free(plans[i].many_sql);
    }
    free(plans);
}
