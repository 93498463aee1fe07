-- The board and what is due.
begin;
select plan(23);

insert into mejora.institution values ('tbrd', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tbr2', 'Otro', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('tbrd', 'ti', 'Tecnología'), ('tbrd', 'rrhh', 'Recursos Humanos'), ('tbrd', 'idle', 'Archivo');
insert into mejora.person (institution, code, name, roles) values ('tbrd', 'ana', 'Ana Peña', '{planner}');
insert into mejora.plan (institution, year, title, carried_to) values ('tbrd', 2024, 'Viejo', 2026), ('tbrd', 2026, 'Plan 2026', null);
select set_config('mejora.institution', 'tbrd', true) as here, set_config('mejora.now', '2026-06-15 12:00+00', true) as now \gset

-- item, subcriteria, end, percent, annulled, units
create temp table given (plan int, item_no int, subcriteria text[], title text, end_date date, percent int, annulled bool, units text[]);
insert into given values
    (2026, 1, '{1.4,2.1}', 'Uno',   '2026-06-01', 75,   false, '{ti,rrhh}'),   -- overdue
    (2026, 2, '{1.1}',     null,    '2026-06-30', null, false, '{ti}'),        -- due soon, never reported
    (2026, 3, '{6.2}',     'Tres',  '2026-12-31', 50,   false, '{rrhh}'),
    (2026, 4, '{6.2}',     'Cuatro', '2026-05-31', 100, false, '{rrhh}'),
    (2026, 5, '{6.1}',     'Cinco', '2026-05-31', null, true,  '{ti}'),
    (2026, 6, '{}',        'Seis',  '2026-12-31', 0,    false, '{}'),
    (2024, 1, '{1.4}',     'Uno',   '2024-06-30', 25,   false, '{ti}');
insert into mejora.action (institution, plan, item_no, subcriteria, title, actions, start_period, end_period, start_date, end_date, annulled_at)
select 'tbrd', plan, item_no, subcriteria, title, array['Acción ' || item_no, 'otra'], 'T1', 'T2', '2024-01-01', end_date, case when annulled then now() end
  from given;
insert into mejora.action_owner
select 'tbrd', plan, item_no, u.unit, u.n - 1 from given, unnest(units) with ordinality u (unit, n);
insert into mejora.progress (institution, plan, item_no, version, at, person, percent)
select 'tbrd', plan, item_no, 1, '2026-05-01', 1, percent from given where percent is not null;

select results_eq($$ select plan, title, today from op.status(1, 'tbrd', null) $$, $$ values ('tbrd/2026', 'Plan 2026', date '2026-06-15') $$,
                  'no plan named: the newest one that was not carried on');
select results_eq($$ select (total).* from op.status(1, 'tbrd', 2026) $$,
                  $$ values (null::text, null::text, 5, 1, 3, 1, 1, 1, 45) $$,
                  'the total: each action once, the annulled not at all, silence counts as nothing done');
select results_eq($$ select c.code, c.name, c.actions, c.not_reported, c.in_progress, c.done, c.due_soon, c.overdue, c.percent
                       from op.status(1, 'tbrd', 2026), unnest(criteria) c $$,
                  $$ values ('1', (select title_es from mejora.caf2020 where number = '1'), 2, 1, 1, 0, 1, 1, 38),
                            ('6', (select title_es from mejora.caf2020 where number = '6'), 2, 0, 1, 1, 0, 0, 75),
                            (null, null, 1, 0, 1, 0, 0, 0, 0) $$,
                  'by criterion, which is that of the first subcriterion');
select results_eq($$ select c.code, c.name, c.actions, c.overdue, c.percent from op.status(1, 'tbrd', 2026), unnest(units) c $$,
                  $$ values ('rrhh', 'Recursos Humanos', 3, 1, 75), ('ti', 'Tecnología', 2, 1, 38) $$,
                  'by unit: an action of two counts for both');
select results_eq($$ select s.plan, (s.total).actions, (s.total).percent from op.status(1, 'tbrd', 2024) s $$, $$ values ('tbrd/2024', 1, 25) $$,
                  'a plan that was carried on still has its board');
update mejora.action set annulled_at = now() where institution = 'tbrd' and plan = 2026;
select results_eq($$ select (total).actions, (total).percent, criteria is null, units is null from op.status(1, 'tbrd', 2026) $$,
                  $$ values (0, null::int, true, true) $$, 'nothing counts: no percentage');
update mejora.action set annulled_at = null where institution = 'tbrd' and plan = 2026 and item_no <> 5;
select is(s.outcome || ' ' || s.error || ' ' || s.error_args::text, c.expect, 'board: ' || c.what)
  from (values ('tbrd', 2030, 'not_found no_such_plan {tbrd/2030}', 'there is no such plan'),
               ('nope', null, 'not_found no_such_institution {nope}', 'there is no such institution'),
               ('tbr2', null, 'not_found no_plan_yet {tbr2}', 'there is no plan yet')) c (institution, plan, expect, what),
       op.status(1, c.institution, c.plan) s;

select results_eq($$ select d.ref, d.action, d.end_date, d.days_left, d.percent, d.state from op.due(1, 'tbrd', null, null), unnest(actions) d $$,
                  $$ values ('tbrd/2026/1', 'Uno', date '2026-06-01', -14, 75, 'overdue'::mejora.state),
                            ('tbrd/2026/2', 'Acción 2', '2026-06-30', 15, null, 'due_soon') $$,
                  'due in 30 days: the overdue first; not what is done, annulled or carried on');
select results_eq($$ select o.unit, o.code, o.lead from op.due(1, 'tbrd', 2026, 0), unnest(actions) d, unnest(d.owners) o $$,
                  $$ values ('Tecnología', 'ti', true), ('Recursos Humanos', 'rrhh', false) $$, 'with its owners, the leading one first');
select is((select array_agg(d.ref order by d.ref) from op.due(1, 'tbrd', 2026, c.days), unnest(actions) d), c.refs, 'within ' || c.days)
  from (values (0, '{tbrd/2026/1}'::text[]), (14, '{tbrd/2026/1}'), (15, '{tbrd/2026/1,tbrd/2026/2}'),
               (199, '{tbrd/2026/1,tbrd/2026/2,tbrd/2026/3,tbrd/2026/6}')) c (days, refs);
select is(d.outcome || ' ' || coalesce(d.error, '') || coalesce(cardinality(d.actions), 0), c.expect, 'due: ' || c.what)
  from (values ('tbrd', 2024, 30, 'ok 0', 'a plan that was carried on owes nothing'),
               ('tbrd', null, -1, 'invalid field_invalid0', 'a negative number of days'),
               ('nope', null, 30, 'not_found no_such_institution0', 'there is no such institution')) c (institution, plan, days, expect, what),
       op.due(1, c.institution, c.plan, c.days) d;

-- Which plan is meant where none is named
select set_config('mejora.institution', 'tbr2', true) as here \gset
create function pg_temp.current(out text) language sql as $$ select current from op.plan_list(1, 'tbr2') $$;
create function pg_temp.plan_of(year int, begins date, carried_to int default null) returns void language sql as $$
    insert into mejora.plan (institution, year, title, carried_to) values ('tbr2', year, 'Plan', carried_to);
    insert into mejora.action (institution, plan, item_no, start_period, end_period, start_date, end_date)
    select 'tbr2', year, 1, 'T1', 'T4', begins, begins + 90 where begins is not null;
$$;
select is(pg_temp.current(), null, 'no plan: none is meant');
do $$ begin perform pg_temp.plan_of(2027, '2027-01-01'); end $$;
select is(pg_temp.current(), 'tbr2/2027', 'one that is still to begin, for want of another');
do $$ begin perform pg_temp.plan_of(2025, '2025-01-01'); end $$;
select is(pg_temp.current(), 'tbr2/2025', 'rather one that has begun');
do $$ begin perform pg_temp.plan_of(2026, '2026-01-01'); perform pg_temp.plan_of(2028, null); end $$;
select is(pg_temp.current(), 'tbr2/2026', 'of those the newest');
update mejora.plan set carried_to = 2027 where (institution, year) in (('tbr2', 2025), ('tbr2', 2026));
select is(pg_temp.current(), 'tbr2/2027', 'and never one that was carried on');
select * from finish();
rollback;
