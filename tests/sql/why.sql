-- Why is data: asked for wherever progress goes down, an approved plan changes, or something is annulled or opened again. Every case is
-- tried without a reason, with an empty one and with one.
begin;
select plan(74);
\ir support/ask.psql

insert into mejora.institution values ('twhy', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name, provisional) values ('twhy', 'ti', 'Tecnología', false), ('twhy', 'rrhh', 'Recursos Humanos', false),
    ('twhy', 'dtic', 'Dirección TIC', true), ('twhy', 'libre', 'Sin acciones', true);
insert into mejora.person (institution, code, name, roles) values ('twhy', 'pla', 'Paula Plan', '{planner}'), ('twhy', 'jefa', 'Jefa Aprueba', '{authority}'),
    ('twhy', 'rev', 'Rita Revisa', '{authority}'), ('twhy', 'imp', 'Inés Importa', '{authority}');
insert into mejora.plan (institution, year, title, approved_at, signatures) values ('twhy', 2025, 'Aprobado', now(), '[]'),
    ('twhy', 2026, 'Borrador', null, '[{"role": "plan", "name": "Paula Plan"}, {"role": "reviews", "name": "RITA REVISA"}, {"role": "approves", "name": null}]');
insert into mejora.action (institution, plan, item_no, subcriteria, actions, start_period, end_period, start_date, end_date, annulled_at)
select 'twhy', year, item_no, '{1.4}', '{Uno}', 'T1', 'T4', make_date(year, 1, 1), make_date(year, 12, 31), case when item_no = 4 then now() end
  from generate_series(2025, 2026) year, generate_series(1, 4) item_no;
insert into mejora.action_owner select 'twhy', year, item_no, 'dtic', 0 from generate_series(2025, 2026) year, generate_series(1, 4) item_no where year = 2025 or item_no < 3;
insert into mejora.task (institution, plan, item_no, task_no, text, done_at) select 'twhy', 2025, item_no, 1, 'Tarea', now() from generate_series(1, 3) item_no;
insert into mejora.import (institution, plan, import, person, digest, draft) select 'twhy', 2026, 1, id, '', '{}' from mejora.person where (institution, code) = ('twhy', 'imp');
select set_config('mejora.institution', 'twhy', true) as here \gset
insert into mejora.progress (institution, plan, item_no, version, person, percent) select 'twhy', year, item_no, 1, pg_temp.me('pla'), 75 from generate_series(2025, 2026) year, generate_series(1, 3) item_no;
insert into mejora.decision (institution, decision, plan, item_no, code, was, now, patch) values
    ('twhy', 1, 2025, 1, 'subcriterion_other', '8.1', '9.1', '{"subcriteria": ["9.1"]}'),
    ('twhy', 2, 2025, 1, 'owner_differs', 'RH', 'TI', '{"owners": ["ti"]}'),
    ('twhy', 3, 2026, null, 'unit_alias', 'Dirección TIC', 'Tecnología', '{"unit": {"code": "dtic", "alias_of": "ti"}}'),
    ('twhy', 4, 2026, 1, 'progress_value', '40', '50', '{"percent": 50}'),
    ('twhy', 5, 2026, 1, 'subcriterion_other', '8.1', '9.1', '{"subcriteria": ["9.1"]}'),
    ('twhy', 6, 2026, null, 'unit_alias', 'Sin acciones', 'Tecnología', '{"unit": {"code": "libre", "alias_of": "ti"}}'),
    ('twhy', 7, 2025, 2, 'progress_value', '100', '100', '{"percent": 100}');

create function pg_temp.edit(year int, fields jsonb, why text) returns setof record language sql as $$
    select e.outcome, e.error, e.error_args from jsonb_to_record(fields) f (objective text, start_date date, end_date date, owners text[], comments text[]),
           op.action_edit(pg_temp.me('pla'), 'twhy', year, 3, null, null, null, f.objective, null, null, f.comments, f.start_date, f.end_date, null, null, f.owners,
                          null, null, null, why) e
$$;

-- Each with {} for the reason. error null: none is asked for.
create temp table cases (n int generated always as identity, what text, error text, call text);
insert into cases (what, error, call) values
    ('progress goes down',                          'why_missing',           $$ op.progress_report(pg_temp.me('pla'), 'twhy', 2026, 3, 25, {}, null, null) $$),
    ('progress goes up again',                      null,                    $$ op.progress_report(pg_temp.me('pla'), 'twhy', 2026, 3, 50, {}, null, null) $$),
    ('the end of an approved plan''s action',       'amendment_why_missing', $$ pg_temp.edit(2025, '{"end_date": "2025-11-30"}', {}) x (outcome mejora.outcome, error text, error_args text[]) $$),
    ('its start',                                   'amendment_why_missing', $$ pg_temp.edit(2025, '{"start_date": "2025-02-01"}', {}) x (outcome mejora.outcome, error text, error_args text[]) $$),
    ('its owners',                                  'amendment_why_missing', $$ pg_temp.edit(2025, '{"owners": ["rrhh"]}', {}) x (outcome mejora.outcome, error text, error_args text[]) $$),
    ('its texts',                                   'amendment_why_missing', $$ pg_temp.edit(2025, '{"objective": "Otro"}', {}) x (outcome mejora.outcome, error text, error_args text[]) $$),
    ('a comment on it',                             null,                    $$ pg_temp.edit(2025, '{"comments": ["Apoyo"]}', {}) x (outcome mejora.outcome, error text, error_args text[]) $$),
    ('dates and owners of a draft',                 null,                    $$ pg_temp.edit(2026, '{"end_date": "2026-11-30", "owners": ["rrhh"]}', {}) x (outcome mejora.outcome, error text, error_args text[]) $$),
    ('a decision that changes an approved plan',    'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 1, true, null, {}) $$),
    ('taking it back',                              'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 1, false, null, {}) $$),
    ('one about its owners',                        'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 2, true, null, {}) $$),
    ('other owners',                                'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 2, true, 'rrhh', {}) $$),
    ('their being what they were',                  'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 2, false, null, {}) $$),
    ('a unit with approved actions becomes another', 'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 3, true, null, {}) $$),
    ('and itself again',                            'amendment_why_missing', $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 3, false, null, {}) $$),
    ('a unit without any becomes another',          null,                    $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 6, true, null, {}) $$),
    ('a decision that lowers progress',             'why_missing',           $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 4, true, null, {}) $$),
    ('a decision about a draft',                    null,                    $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 5, true, null, {}) $$),
    ('a report that a decision adds',               null,                    $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 7, true, null, {}) $$),
    ('taking that back lowers it',                  'why_missing',           $$ op.decision_resolve(pg_temp.me('pla'), 'twhy', 7, false, null, {}) $$),
    ('annulling',                                   'field_missing',         $$ op.action_annul(pg_temp.me('pla'), 'twhy', 2026, 1, {}) $$),
    ('taking it back into the plan',                'field_missing',         $$ op.action_restore(pg_temp.me('pla'), 'twhy', 2026, 1, {}) $$),
    ('a task is open again',                        'reopen_why_missing',    $$ op.task_done(pg_temp.me('pla'), 'twhy', 2025, 1, 1, true, {}) $$),
    ('a task is done',                              null,                    $$ op.task_done(pg_temp.me('pla'), 'twhy', 2025, 1, 1, false, {}) $$);
grant select on cases to mejora_server;

create function pg_temp.tried(call text, why text) returns text language plpgsql as $$
declare
    said text;
begin
    set local role mejora_server;
    execute format('select coalesce(x.error, x.outcome::text) from %s', replace(call, '{}', quote_nullable(why)) || case when call like '% x (%' then '' else ' x' end) into said;
    reset role;
    return said;
end $$;

select is(case c.why when 1 then pg_temp.tried(call, null) when 2 then pg_temp.tried(call, '') else pg_temp.tried(call, 'Acordado') end,
          case when c.why < 3 then coalesce(error, 'ok') else 'ok' end,
          what || case c.why when 1 then ', no reason' when 2 then ', an empty one' else ', with a reason' end)
  from (select cases.*, why from cases, generate_series(1, 3) why where error is not null or why = 3
         union all select cases.*, 1 from cases where error is null order by n, why) c;

-- The reason that a decision was given is the report's too
select is((select p.why from mejora.progress p where (p.institution, p.plan, p.item_no, p.percent) = ('twhy', 2026, 1, 50)), 'decision 4: Acordado', 'a report by decision says why');

-- Restored as it was
select pg_temp.asks(call, expect, says) from (values
    ($$ op.action_restore(pg_temp.me('pla'), 'twhy', 2026, 4, 'Se anuló por error') $$,
     '{"outcome": "ok", "ref": "twhy/2026/4", "before": {"annulled": true}, "after": {"annulled": false}}'::jsonb, 'restored'),
    ($$ op.action_restore(pg_temp.me('pla'), 'twhy', 2026, 4, 'Otra vez') $$, '{"outcome": "conflict", "error": "not_annulled", "error_args": ["twhy/2026/4"]}', 'once'),
    ($$ op.action_restore(pg_temp.me('pla'), 'twhy', 2026, 9, 'Otra vez') $$, '{"outcome": "not_found"}', 'what is not there'),
    ($$ (select s.annulled_why, (s.action).item_no from op.action_show(pg_temp.me('pla'), 'twhy', 2026, 4) s) $$, '{"annulled_why": null, "item_no": 4}', 'it counts'),

    -- Prepared, reviewed and approved by different people
    ($$ op.plan_approve(pg_temp.me('imp'), 'twhy', 2026, null) $$, '{"outcome": "denied", "error": "approver_prepared", "error_args": ["twhy/2026"]}', 'who read the file does not approve'),
    ($$ op.plan_approve(pg_temp.me('pla'), 'twhy', 2026, null) $$, '{"outcome": "denied", "error": "approver_prepared"}', 'nor who signed as its author'),
    ($$ op.plan_approve(pg_temp.me('rev'), 'twhy', 2026, null) $$, '{"outcome": "denied", "error": "approver_prepared"}', 'nor who reviewed it'),
    ($$ (select a.outcome from op.plan_approve(pg_temp.me('jefa'), 'twhy', 2026, null) a) $$, '{"outcome": "ok"}', 'but somebody else')) c (call, expect, says);
select * from finish();
rollback;
