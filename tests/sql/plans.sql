-- Plans: listing, showing, approving, carrying on.
begin;
select plan(49);
\ir support/ask.psql

insert into mejora.institution values ('tpln', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('tpln', 'ti', 'Tecnología'), ('tpln', 'rrhh', 'Recursos Humanos');
insert into mejora.person (institution, code, name, roles, email) values ('tpln', 'pla', 'Paula Plan', '{planner}', 'p@x.example'), ('tpln', 'jefa', 'Jefa Aprueba', '{authority}', null);
insert into mejora.member (institution, person, unit) select institution, id, 'ti' from mejora.person where (institution, code) = ('tpln', 'pla');
insert into mejora.plan (institution, year, title, signatures) values ('tpln', 2023, 'Plan 2023', '[{"role": "plan", "name": null, "date": null}, {"role": "approves", "name": null, "date": null}]'),
    ('tpln', 2024, 'Vacío', '[]'), ('tpln', 2025, 'Por cuatrimestres', '[]');
update mejora.plan set t_means = 'four_months' where (institution, year) = ('tpln', 2025);
insert into mejora.action (institution, plan, item_no, subcriteria, actions, start_period, end_period, start_date, end_date, comments, annulled_at) values
    ('tpln', 2023, 1, '{1.4,6.2}', '{Uno}',    'T1-2023', 'T2-2023', '2023-01-01', '2023-06-30', '{Apoyo}', null),
    ('tpln', 2023, 2, '{1.1}',     '{Dos}',    'T2-2023', 'T4-2023', '2023-04-01', '2023-12-31', '{}', null),
    ('tpln', 2023, 3, '{6.2}',     '{Tres}',   'T1-2023', 'T1-2023', '2023-01-01', '2023-03-31', '{}', null),
    ('tpln', 2023, 5, '{9.1}',     '{Cinco}',  'ene-23',  'feb-23',  '2023-01-01', '2023-02-28', '{}', null),
    ('tpln', 2023, 6, '{9.1}',     '{Seis}',   'T1-2023', 'T1-2023', '2023-01-01', '2023-03-31', '{}', now()),
    ('tpln', 2025, 1, '{1.1}',     '{Cuatri}', 'T1-2025', 'T2-2025', '2025-01-01', '2025-08-31', '{}', null);
insert into mejora.action_owner values ('tpln', 2023, 1, 'rrhh', 0), ('tpln', 2023, 1, 'ti', 1), ('tpln', 2023, 2, 'ti', 0);
insert into mejora.task (institution, plan, item_no, task_no, printed_no, text, done_at) values
    ('tpln', 2023, 1, 1, '1', 'hecha', now()), ('tpln', 2023, 1, 2, null, 'por hacer', null);
insert into mejora.progress (institution, plan, item_no, version, person, percent) values
    ('tpln', 2023, 1, 1, 1, 100), ('tpln', 2023, 1, 2, 1, 75), ('tpln', 2023, 2, 1, 1, 0), ('tpln', 2023, 3, 1, 1, 100);
insert into mejora.decision (institution, decision, plan, code, was, state) values ('tpln', 1, 2023, 'x', 'a', 'open'), ('tpln', 2, 2023, 'x', 'b', 'kept');
select set_config('mejora.institution', 'tpln', true) as here, set_config('mejora.now', '2023-05-15 12:00+00', true) as now \gset

select is(lib.period_text(day, is_end, was, t_means), expect, format('%s %s like %s, T is a %s', case when is_end then 'ends' else 'begins' end, day, was, t_means))
  from (values
    (date '2026-01-01', false, 'T1-2023', 'quarter',     'T1-2026'),
    ('2026-06-30',      true,  'T2-2023', 'quarter',     'T2-2026'),
    ('2026-12-31',      true,  null,      'quarter',     'T4-2026'),
    ('2026-02-01',      false, 'T1-2023', 'quarter',     'feb-26'),
    ('2026-11-30',      true,  'T2-2023', 'quarter',     'nov-26'),
    ('2026-01-01',      false, 'may-24',  'quarter',     'ene-26'),
    ('2024-02-29',      true,  'abr-23',  'quarter',     'feb-24'),
    ('2023-02-27',      true,  'T1-2023', 'quarter',     '2023-02-27'),
    ('2026-06-30',      false, 'T2-2023', 'quarter',     '2026-06-30'),
    ('2025-08-31',      true,  'T2-2024', 'four_months', 'T2-2025'),
    ('2025-06-30',      true,  'T2-2024', 'four_months', 'jun-25')) p (day, is_end, was, t_means, expect);
select is(lib.month_shift(day, months), expect::date, format('%s and %s months', day, months))
  from (values (date '2023-06-30', 8, '2024-02-29'), ('2023-02-28', 12, '2024-02-29'), ('2024-02-28', 12, '2025-02-28'), ('2023-01-31', 1, '2023-02-28'),
               ('2023-01-30', 1, '2023-02-28'), ('2023-04-01', 43, '2026-11-01'), ('2023-12-31', -6, '2023-06-30')) s (day, months, expect);

select pg_temp.asks(call, expect, says) from (values
    ($$ (select l.plans[1] as p, cardinality(l.plans) as n from op.plan_list(pg_temp.me('pla'), 'tpln') l) $$,
     '{"n": 3, "p": {"ref": "tpln/2023", "year": 2023, "title": "Plan 2023", "state": "draft", "actions": 4, "reported": 3, "done": 1, "to_decide": 1, "carried_to": null, "caf": 2020}}'::jsonb,
     'a plan''s line: without the annulled, zero is reported, the last report counts, open decisions only'),
    ($$ (select array_agg(c.actions order by c.criterion) as actions, s.signatures from op.plan_show(pg_temp.me('pla'), 'tpln', 2023) s, unnest(s.coverage) c group by s.signatures) $$,
     '{"actions": [2, 0, 0, 0, 0, 2, 0, 0, 1], "signatures": [{"role": "plan", "name": null, "date": null}, {"role": "approves", "name": null, "date": null}]}',
     'coverage: every criterion, an action for each of its own'),
    ($$ op.plan_show(pg_temp.me('pla'), 'tpln', 2031) $$, '{"outcome": "not_found", "error": "no_such_plan", "error_args": ["tpln/2031"]}', 'no such plan'),

    ($$ op.plan_approve(pg_temp.me('jefa'), 'tpln', 2024, null) $$, '{"outcome": "conflict", "error": "plan_empty"}', 'nothing to approve'),
    ($$ op.plan_approve(pg_temp.me('jefa'), 'tpln', 2025, null) $$,
     '{"outcome": "ok", "before": {"state": "draft"}, "after": {"state": "approved", "to_decide": 0}}', 'approving'),
    ($$ (select (s.plan).state, s.signatures from op.plan_show(pg_temp.me('pla'), 'tpln', 2025) s) $$,
     '{"state": "approved", "signatures": [{"role": "approves", "name": "Jefa Aprueba", "date": "2023-05-15"}]}', 'is signing'),
    ($$ op.plan_approve(pg_temp.me('jefa'), 'tpln', 2025, null) $$, '{"outcome": "conflict", "error": "already_approved"}', 'once'),

    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, null, null, null) $$, '{"error": "field_missing", "error_args": ["year"]}', 'carry: where to?'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 2023, null, null) $$, '{"error": "field_invalid", "error_args": ["year"]}', 'carry: into itself'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 3000, null, null) $$, '{"error": "field_invalid", "error_args": ["year"]}', 'carry: too far'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 2026, '0001-01-01', null) $$, '{"error": "field_invalid", "error_args": ["start_date"]}', 'carry: too early'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 2025, null, null) $$, '{"error": "plan_approved", "error_args": ["tpln/2025"]}', 'carry: into an approved plan'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2024, 2026, null, null) $$, '{"error": "nothing_to_carry"}', 'carry: nothing'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2031, 2026, null, null) $$, '{"error": "no_such_plan"}', 'carry: no plan')) c (call, expect, says);
select lives_ok($$ select lib.reminders_refresh('tpln', 2023, null) $$, 'there are reminders of the old plan');
select isnt_empty($$ select from mejora.reminder where institution = 'tpln' and plan = 2023 and state = 'pending' $$, 'that wait');
select pg_temp.asks(call, expect, says) from (values
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 2026, '2026-11-01', null) $$,
     '{"outcome": "ok", "plan": "tpln/2026", "carried": 3, "left_done": 2, "after": {"carried_to": 2026, "actions": [1, 2, 5]}}'::jsonb, 'what is unfinished goes on'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 2027, null, null) $$, '{"error": "plan_carried", "error_args": ["tpln/2023", "tpln/2026"]}', 'once'),
    ($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2023, 2026, null, null) $$, '{"outcome": "conflict", "error": "already_exists", "error_args": ["tpln/2026/1"]}', 'and not twice to the same place'),
    ($$ op.plan_approve(pg_temp.me('jefa'), 'tpln', 2023, null) $$, '{"outcome": "conflict", "error": "plan_carried"}', 'what was carried on is not approved any more'),
    ($$ (select (s.plan).state, (s.plan).carried_to from op.plan_show(pg_temp.me('pla'), 'tpln', 2023) s) $$, '{"state": "carried", "carried_to": "tpln/2026"}', 'the old plan says where to')) c (call, expect, says);
select results_eq($$ select item_no, start_period, end_period, start_date, end_date, actions[1], comments, carried_from, text_version from mejora.action
                      where (institution, plan) = ('tpln', 2026) order by 1 $$,
                  $$ values (1, 'nov-26', 'abr-27', date '2026-11-01', date '2027-04-30', 'Uno',   '{Apoyo}'::text[], 2023, 1),
                            (2, 'feb-27', 'oct-27', '2027-02-01', '2027-10-31', 'Dos',   '{}', 2023, 1),
                            (5, 'nov-26', 'dic-26', '2026-11-01', '2026-12-31', 'Cinco', '{}', 2023, 1) $$, 'with its dates, so many months later');
select results_eq($$ select item_no, unit::text collate "default", position from mejora.action_owner where (institution, plan) = ('tpln', 2026) order by 1, 3 $$,
                  $$ values (1, 'rrhh', 0), (1, 'ti', 1), (2, 'ti', 0) $$, 'its units');
select results_eq($$ select item_no, task_no, text from mejora.task where (institution, plan) = ('tpln', 2026) $$, $$ values (1, 2, 'por hacer') $$, 'its open tasks');
select results_eq($$ select title, signatures from mejora.plan where (institution, year) = ('tpln', 2026) $$,
                  $$ values ('Plan 2026', '[{"role": "plan", "name": null, "date": null}, {"role": "approves", "name": null, "date": null}]'::jsonb) $$, 'a title and nobody''s signature');
select is_empty($$ select from mejora.progress where (institution, plan) = ('tpln', 2026) $$, 'its history stays behind');
select results_eq($$ select distinct state::text, reason from mejora.reminder where (institution, plan) = ('tpln', 2023) $$, $$ values ('cancelled', 'carried') $$,
                  'nobody is reminded of the old plan');
select isnt_empty($$ select from mejora.reminder where (institution, plan, state) = ('tpln', 2026, 'pending') $$, 'but of the new one');

select pg_temp.asks($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2025, 2026, null, null) $$,
                    '{"outcome": "conflict", "error": "already_exists", "error_args": ["tpln/2026/1"]}', 'two plans with the same number do not go into one');
select pg_temp.asks($$ op.plan_carry(pg_temp.me('pla'), 'tpln', 2025, 2027, null, null) $$, '{"outcome": "ok", "carried": 1}', 'an approved plan goes on too');
select results_eq($$ select start_period, end_period, end_date from mejora.action where (institution, plan) = ('tpln', 2027) $$,
                  $$ values ('T1-2027', 'T2-2027', date '2027-08-31') $$, 'the same dates two years later, in its own T');

select * from finish();
rollback;
