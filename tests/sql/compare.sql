-- From one day to another: what was added, annulled, reopened, changed, and nothing else.
begin;
select plan(17);
\ir support/ask.psql

set local session_replication_role = replica;                       -- each row of history below is what there was until then
insert into mejora.institution values ('tcmp', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('tcmp', 'ti', 'Tecnología'), ('tcmp', 'rrhh', 'Recursos Humanos');
insert into mejora.plan (institution, year, title, approved_at) values ('tcmp', 2026, 'Plan 2026', '2026-03-01');
insert into mejora.action (institution, plan, item_no, title, actions, subcriteria, start_period, end_period, start_date, end_date, annulled_at, annulled_why) values
    ('tcmp', 2026, 1, null, '{Uno}', '{1.1}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', null, null),
    ('tcmp', 2026, 2, null, '{Dos,Más}', '{}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', null, null),
    ('tcmp', 2026, 3, null, '{Tres}', '{}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', '2026-04-01', 'Duplicada'),
    ('tcmp', 2026, 4, 'Cuatro', '{Texto}', '{}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', null, null);
insert into mejora.action_owner values ('tcmp', 2026, 1, 'rrhh', 0);
insert into mejora.task (institution, plan, item_no, task_no, text, done_at) values ('tcmp', 2026, 1, 1, 'Convocar', '2026-04-10'), ('tcmp', 2026, 1, 2, 'Aprobar', null);
insert into mejora.progress (institution, plan, item_no, version, person, percent, at) values
    ('tcmp', 2026, 1, 1, 1, 25, '2026-02-01 12:00+00'), ('tcmp', 2026, 1, 2, 1, 75, '2026-04-02 12:00+00'), ('tcmp', 2026, 2, 1, 1, 0, '2026-04-02 12:00+00');
insert into history.plan (institution, year, until, gone, was) values ('tcmp', 2026, '2026-01-15 12:00+00', false, null),
    ('tcmp', 2026, '2026-03-01 12:00+00', false, to_jsonb(row('tcmp', 2026, 'Borrador', 2020, 'quarter', null, null, null, '[]')::mejora.plan));
insert into history.action (institution, plan, item_no, until, gone, was)
select 'tcmp', 2026, h.item_no, h.until, false, to_jsonb(a) || h.fields
  from (values (1, timestamptz '2026-04-01 12:00+00', '{"end_date": "2026-06-30", "end_period": "T2-2026", "subcriteria": ["1.1", "1.2"]}'::jsonb),
               (2, '2026-05-01 12:00+00', '{"annulled_at": "2026-01-20T00:00:00Z", "annulled_why": "Error"}'),
               (3, '2026-04-01 12:00+00', '{"annulled_at": null, "annulled_why": null}'),
               (4, '2026-04-05 12:00+00', null)) h (item_no, until, fields)
  join mejora.action a on (a.institution, a.plan, a.item_no) = ('tcmp', 2026, h.item_no);
insert into history.action_owner (institution, plan, item_no, unit, until, gone, was) values
    ('tcmp', 2026, 1, 'rrhh', '2026-04-01 12:00+00', false, null),
    ('tcmp', 2026, 1, 'ti', '2026-04-01 12:00+00', true, '{"institution": "tcmp", "plan": 2026, "item_no": 1, "unit": "ti", "position": 0}');
insert into history.unit (institution, unit, until, gone, was) values
    ('tcmp', 'ti', '2026-04-20 12:00+00', false, '{"institution": "tcmp", "unit": "ti", "name": "Informática", "provisional": false}');
insert into history.task (institution, plan, item_no, task_no, until, gone, was) values
    ('tcmp', 2026, 1, 1, '2026-04-10 12:00+00', false, '{"institution": "tcmp", "plan": 2026, "item_no": 1, "task_no": 1, "printed_no": null, "text": "Convocar", "done_at": null, "done_by": null}');
set local session_replication_role = origin;
select set_config('mejora.institution', 'tcmp', true) as here, set_config('mejora.now', '2026-11-20 16:00+00', true) as now \gset

create function pg_temp.compared(since text, until text) returns table (told text, outcome mejora.outcome, error text, error_args text[]) language sql as $$
    select (select string_agg(concat_ws(' ', coalesce(d.item_no::text, 'plan'), d.kind, d.field, coalesce(d.was, case when d.field <> '' then '-' end), '>', coalesce(d.now, '-')), '; ' order by d.n)
              from unnest(c.differences) with ordinality d (item_no, ref, kind, field, was, now, n)), c.outcome, c.error, c.error_args
      from op.plan_compare(1, 'tcmp', 2026, since, until) c
$$;

select pg_temp.asks(format('pg_temp.compared(%L, %L)', since, until), expect, coalesce(since, '-') || ' to ' || coalesce(until, 'now') || ': ' || says) from (values
    ('2026-02-15', '2026-02-28', '{"outcome": "ok", "told": null}'::jsonb, 'nothing happened'),
    ('2026-02-28', '2026-03-01', '{"told": "plan changed state draft > approved; plan changed title Borrador > Plan 2026"}', 'the plan itself'),
    ('2026-01-31', '2026-02-01', '{"told": "1 changed percent - > 25"}', 'a first report'),
    ('2026-03-31', '2026-04-01', '{"told": "1 changed end_date 2026-06-30 > 2026-12-31; 1 changed end_period T2-2026 > T4-2026; 1 changed owners Informática > Recursos Humanos; 1 changed subcriteria 1.1 // 1.2 > 1.1; 3 annulled > Duplicada"}',
     'fields in people''s words, a unit as it was called then; annulled with why'),
    ('2026-04-01', '2026-04-02', '{"told": "1 changed percent 25 > 75; 2 changed percent - > 0"}', 'percentages; 0 is a report'),
    ('2026-04-04', '2026-04-05', '{"told": "4 added > Cuatro"}', 'added: its name, and no word of its fields'),
    ('2026-04-09', '2026-04-10', '{"told": "1 changed tasks_done - > 1"}', 'a task'),
    ('2026-04-19', '2026-04-20', '{"told": null}', 'a unit is called otherwise: the plan is the same'),
    ('2026-04-30', '2026-05-01', '{"told": "2 restored > -"}', 'reopened'),
    ('2026-05-01', null, '{"told": null}', 'nothing since'),
    ('2026-04-09', null, '{"told": "1 changed tasks_done - > 1; 2 restored > -"}', 'until now'),
    ('2026-04-09', '2026-04-09', '{"outcome": "ok", "told": null}', 'the same day'),
    ('2026-04-10', '2026-04-09', '{"outcome": "invalid", "error": "dates_reversed", "error_args": ["2026-04-10", "2026-04-09"]}', 'backwards'),
    ('2026-01-14', '2026-04-09', '{"outcome": "not_found", "error": "no_plan_then", "error_args": ["tcmp/2026", "2026-01-14"]}', 'before there was a plan'),
    ('2026-04-09', '2199-01-01', '{"outcome": "invalid", "error": "as_of_future", "error_args": ["2199-01-01"]}', 'what has not been'),
    ('abril', null, '{"outcome": "invalid", "error": "as_of_malformed", "error_args": ["abril"]}', 'no day'),
    (null, null, '{"outcome": "invalid", "error": "field_missing", "error_args": ["since"]}', 'since when?')) c (since, until, expect, says);
select * from finish();
rollback;
