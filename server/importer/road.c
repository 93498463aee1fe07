#include "server/importer/road.h"

#include "internal.pb-c.h"
#include "people.pb-c.h"
#include "plan.pb-c.h"
#include "server/db.h"
#include "server/importer/importer.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static bool grid_make(const Mejora__PlanImportRequest *in, struct arena *mem, struct grid *ret)
{
    struct grid_row *rows = arena_alloc(mem, in->n_rows * sizeof *rows);
    for (size_t i = 0; rows && i < in->n_rows; i++)
        rows[i] = (struct grid_row){in->rows[i]->line, in->rows[i]->n_cells, (const char *const *)in->rows[i]->cells};
    *ret = (struct grid){in->n_rows, rows, in->encoding ? in->encoding : "UTF-8"};
    return rows;
}

static struct catalogue_unit *units_read(const PGresult *r, struct arena *mem)
{
    size_t n = (size_t)PQntuples(r);
    struct catalogue_unit *units = arena_alloc(mem, n * sizeof *units);
    for (int i = 0; units && i < (int)n; i++)
        units[i] = (struct catalogue_unit){PQgetisnull(r, i, 0) ? NULL : PQgetvalue(r, i, 0), PQgetvalue(r, i, 1),
                                           PQgetvalue(r, i, 2)};
    return units;
}

static struct catalogue_caf *caf_read(const PGresult *r, struct arena *mem)
{
    size_t n = (size_t)PQntuples(r);
    struct catalogue_caf *caf = arena_alloc(mem, n * sizeof *caf);
    for (int i = 0; caf && i < (int)n; i++)
        caf[i] =
            (struct catalogue_caf){PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), PQgetvalue(r, i, 2), PQgetvalue(r, i, 3)};
    return caf;
}

enum { UNITS, COMMON, CAF, CATALOGUES };

/* What the interpretation depends on. The results hold the texts, so they live until it is done. */
static bool catalogue_read(PGconn *pg, const struct call *c, PGresult *results[CATALOGUES])
{
    static const char *const statements[CATALOGUES] = {
        ("select u.unit, u.name, coalesce(string_agg(a.written, '|'), '')"
         "  from mejora.unit u left join mejora.unit_alias a using (institution, unit) where u.institution = $1 group "
         "by 1, 2"),
        "select null, name, coalesce(aliases, '') from mejora.units where $1 <> ''",
        "select number, title_es, coalesce(variants, ''), coalesce(title_es_2013, '') from mejora.caf2020 where $1 <> "
        "''",
    };
    const char *institution = c->about.institution;
    bool ok = true;
    PQclear(db_run(pg, "select set_config('mejora.institution', $1, false)", 1, &institution));
    for (int i = 0; i < CATALOGUES; i++)
        ok = (results[i] = ok ? db_run(pg, statements[i], 1, &institution) : NULL) && ok;
    return ok;
}

static json_t *rows_json(size_t n, Mejora__Row *const *in)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *cells = json_array();
        for (size_t k = 0; k < in[i]->n_cells; k++)
            json_array_append_new(cells, json_string(in[i]->cells[k]));
        json_array_append_new(rows, json_pack("[i, o]", in[i]->line, cells));
    }
    return rows;
}

static char *json_text(json_t *json, struct arena *mem)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL, *copy = text ? arena_alloc(mem, strlen(text) + 1) : NULL;
    if (copy)
        strcpy(copy, text);
    free(text);
    json_decref(json);
    return copy;
}

static bool digest_make(const char *rows, struct arena *mem, ProtobufCBinaryData *ret)
{
    *ret = (ProtobufCBinaryData){HASH_SIZE, arena_alloc(mem, HASH_SIZE)};
    return ret->data && !crypto_generichash(ret->data, HASH_SIZE, (const unsigned char *)rows, strlen(rows), NULL, 0);
}

static ProtobufCMessage *call_make(struct call *c, json_t *draft)
{
    Mejora__PlanImportRequest *in = (Mejora__PlanImportRequest *)c->request;
    Mejora__PlanImportCall *call = arena_alloc(&c->arena, sizeof *call);
    if (!call || !draft) {
        json_decref(draft);
        return NULL;
    }
    mejora__plan_import_call__init(call);
    call->draft = json_text(draft, &c->arena);
    call->rows = json_text(rows_json(in->n_rows, in->rows), &c->arena);
    call->file_name = in->file_name;
    call->encoding = in->encoding;
    call->has_dry_run = 1;
    call->dry_run = in->dry_run;
    call->has_digest = 1;
    return call->draft && call->rows && digest_make(call->rows, &c->arena, &call->digest) ? &call->base : NULL;
}

ProtobufCMessage *importer_prepare(PGconn *pg, struct call *c)
{
    PGresult *results[CATALOGUES] = {0};
    struct grid grid;
    struct catalogue known = {0};
    struct importer_options options = {.year = c->about.level >= REF_PLAN ? c->about.plan : 0};
    bool ok = catalogue_read(pg, c, results) && grid_make((Mejora__PlanImportRequest *)c->request, &c->arena, &grid);
    if (ok) {
        known = (struct catalogue){
            caf_read(results[CAF], &c->arena),      (size_t)PQntuples(results[CAF]),
            units_read(results[UNITS], &c->arena),  (size_t)PQntuples(results[UNITS]),
            units_read(results[COMMON], &c->arena), (size_t)PQntuples(results[COMMON]),
        };
        ok = known.caf && known.units && known.common;
    }
    ProtobufCMessage *made = ok ? call_make(c, importer_read(&grid, &known, &options)) : NULL;
    for (int i = 0; i < CATALOGUES; i++)
        PQclear(results[i]);
    return made;
}

ProtobufCMessage *directory_prepare(PGconn *pg, struct call *c)
{
    (void)pg;
    Mejora__UnitImportRequest *in = (Mejora__UnitImportRequest *)c->request;
    Mejora__UnitImportCall *call = arena_alloc(&c->arena, sizeof *call);
    if (!call)
        return NULL;
    mejora__unit_import_call__init(call);
    call->rows = json_text(rows_json(in->n_rows, in->rows), &c->arena);
    call->has_dry_run = 1;
    call->dry_run = in->dry_run;
    return call->rows ? &call->base : NULL;
}
