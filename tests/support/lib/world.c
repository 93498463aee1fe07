#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char world[] =
    "insert into mejora.institution (institution, name) values ('inm', 'Instituto Nacional de Migración'), ('sns', "
    "'Salud');"
    "insert into mejora.unit (institution, unit, name) values ('inm', 'oym', 'Obras y Mantenimiento'),"
    " ('inm', 'rrhh', 'Recursos Humanos'), ('inm', 'tic', 'Tecnología'), ('sns', 'oym', 'Obras');"
    "insert into mejora.plan (institution, year, title) values ('inm', 2022, 'Plan 2022'), ('inm', 2023, 'Plan 2023'),"
    " ('sns', 2024, 'Plan 2024');"
    "insert into mejora.action (institution, plan, item_no, subcriteria, actions, start_period, end_period, "
    "start_date, end_date)"
    " select p.institution, p.year, n, '{1.1}', array['Acción ' || n], 'T1', 'T4', make_date(p.year, 1, 1), "
    "make_date(p.year, 12, 31)"
    "   from mejora.plan p, generate_series(1, case p.year when 2023 then 20 else 2 end) n;"
    "insert into mejora.task (institution, plan, item_no, task_no, text)"
    " select institution, plan, item_no, t, 'Tarea ' || t from mejora.action, generate_series(1, 2) t;"
    "insert into mejora.action_owner (institution, plan, item_no, unit, position)"
    " select institution, plan, item_no, case when institution = 'sns' then 'oym' else "
    "(array['tic','oym','rrhh'])[item_no % 3 + 1] end, 0"
    "   from mejora.action;"
    "insert into mejora.action_owner values ('inm', 2023, 1, 'rrhh', 1)";

void world_make(const struct mejorad *m)
{
    sql(m, "%s", world);
}

struct keys world_key(const struct mejorad *m, const char *institution, const char *code, const char *kind)
{
    struct keys k;
    uint8_t raw[32];
    char hex[65];
    assert_int_equal(zmq_curve_keypair(k.public, k.secret), 0);
    zmq_z85_decode(raw, k.public);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
    k.id = sql_long(m,
                    "insert into road.key (public_key, person, kind) select '\\x%s', id, '%s' from mejora.person"
                    " where (institution, code) = ('%s', '%s') returning id",
                    hex, kind, institution, code);
    assert_true(k.id > 0);
    return k;
}

struct keys world_person(const struct mejorad *m, const char *institution, const char *code, const char *roles,
                         const char *units)
{
    sql(m, "insert into mejora.person (institution, code, name, roles) values ('%s', '%s', '%s', '%s')", institution,
        code, code, roles);
    sql(m,
        "insert into mejora.member (institution, person, unit) select p.institution, p.id, u from mejora.person p,"
        " unnest('%s'::text[]) u where (p.institution, p.code) = ('%s', '%s')",
        units, institution, code);
    return world_key(m, institution, code, "person");
}
