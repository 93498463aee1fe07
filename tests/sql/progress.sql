-- How far an action is: its state on a day, its last report, reporting and the history.
begin;
select plan(42);

select is(lib.action_state(percent, end_date, done_on, '2026-06-15', annulled), state, what)
  from (values
    (null, date '2026-12-31', null::date,        false, 'not_reported'::mejora.state, 'nobody said anything and there is time'),
    (0,    '2026-12-31',      null,              false, 'not_started',  '0 % is a report'),
    (25,   '2026-12-31',      null,              false, 'in_progress',  'some of it is done'),
    (75,   '2026-07-16',      null,              false, 'in_progress',  '31 days left'),
    (75,   '2026-07-15',      null,              false, 'due_soon',     '30 days left'),
    (null, '2026-07-15',      null,              false, 'due_soon',     'what comes soon is said before that nobody reported'),
    (0,    '2026-06-15',      null,              false, 'due_soon',     'the last day is not over'),
    (null, '2026-06-14',      null,              false, 'overdue',      'late and not reported: late'),
    (75,   '2026-06-14',      null,              false, 'overdue',      'almost done is late too'),
    (100,  '2026-06-14',      date '2026-06-14', false, 'done',         'done on the last day'),
    (100,  '2026-06-14',      '2026-06-15',      false, 'done_late',    'done a day later'),
    (100,  '2026-12-31',      null,              false, 'done',         'done, nobody knows when'),
    (100,  '2026-06-14',      '2026-06-15',      true,  'annulled',     'annulled ends every question'),
    (null, '2026-06-14',      null,              true,  'annulled',     'also that it was late')
  ) c (percent, end_date, done_on, annulled, state, what);

insert into mejora.institution values ('tprg', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.person (institution, code, name, roles) values ('tprg', 'ana', 'Ana Peña', '{planner}'), ('tprg', 'luz', 'Luz Díaz', '{responsable}');
insert into mejora.plan (institution, year, title) values ('tprg', 2026, 'Plan');
insert into mejora.action (institution, plan, item_no, start_period, end_period, start_date, end_date, annulled_at)
select 'tprg', 2026, n, 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30', case n when 3 then now() end from generate_series(1, 4) n;
select set_config('mejora.institution', 'tprg', true) as here, set_config('mejora.now', '2026-06-15 12:00+00', true) as now \gset
select p.id as ana, q.id as luz from mejora.person p, mejora.person q
 where (p.institution, p.code, q.institution, q.code) = ('tprg', 'ana', 'tprg', 'luz') \gset

-- The last report
insert into mejora.progress (institution, plan, item_no, version, at, person, percent)
select 'tprg', 2026, 1, v, at::timestamptz, :ana, percent
  from (values (1, '2026-01-10 12:00+00', 100), (2, '2026-02-10 12:00+00', 50),
               (3, '2026-07-01 03:30+00', 100), (4, '2026-07-20 12:00+00', 100)) r (v, at, percent);
select is_empty($$ select * from lib.last_progress('tprg', 2026, 2) $$, 'not reported: no row');
select results_eq($$ select version, percent, done_on from lib.last_progress('tprg', 2026, 1) $$,
                  $$ values (4, 100, date '2026-06-30') $$,
                  'done since it last came to 100 %, on the day that it was there and then');
create function pg_temp.plan_of(query text) returns setof text language plpgsql as $$
begin
    return query execute 'explain ' || query;
end $$;
select is_empty($$ select * from pg_temp.plan_of('select a.item_no, l.percent, lib.action_state(l.percent, a.end_date, null, current_date, false)
                       from mejora.action a left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true') p
                    where p ~ 'Function Scan|Seq Scan on progress|action_state' $$,
                'the planner sees through it: an index and no call for each action');

-- Reporting: one case after the other, on action 2
create temp table case_of (n int, item_no int, percent int, why text, evidence text, if_version int, outcome mejora.outcome, error text, was int, now int, version int, what text);
insert into case_of values
    (1,  2, null, null,       null,   null, 'invalid',   'field_missing',      null, null, 0, 'a percentage is needed'),
    (2,  2, 30,   null,       null,   null, 'invalid',   'percent_not_a_step', null, 30,   0, '30 is not a step'),
    (3,  2, -25,  null,       null,   null, 'invalid',   'percent_not_a_step', null, -25,  0, 'nor is -25'),
    (4,  2, 50,   null,       null,   0,    'ok',        null,                 null, 50,   1, 'the first report'),
    (5,  2, 75,   null,       null,   0,    'conflict',  'version_stale',      null, 50,   1, 'somebody was first: what is there now'),
    (6,  2, 75,   null,       null,   1,    'ok',        null,                 50,   75,   2, 'with the version that is there'),
    (7,  2, 25,   null,       null,   null, 'invalid',   'why_missing',        75,   25,   2, 'down needs a reason'),
    (8,  2, 25,   '',         null,   null, 'invalid',   'why_missing',        75,   25,   2, 'and not an empty one'),
    (9,  2, 25,   'recount',  null,   null, 'ok',        null,                 75,   25,   3, 'down with a reason'),
    (10, 2, 100,  null,       null,   null, 'invalid',   'evidence_missing',   25,   100,  3, '100 % needs evidence'),
    (11, 2, 100,  null,       'acta', null, 'ok',        null,                 25,   100,  4, '100 % with evidence'),
    (14, 2, null, null,       'foto', 3,    'ok',        null,                 100,  100,  5, 'evidence for what stands, whoever reported that'),
    (15, 2, 75,   'recount',  null,   4,    'ok',        null,                 100,  75,   6, 'nobody said anything else since: evidence came'),
    (16, 2, 50,   'recount',  null,   4,    'conflict',  'version_stale',      100,  75,   6, 'somebody did'),
    (19, 2, null, null,       'acta 2', 1,  'ok',        null,                 75,   75,   7, 'evidence alone'),
    (20, 4, null, null,       'acta', null, 'invalid',   'field_missing',      null, null, 0, 'evidence of nothing'),
    (17, 2, 75,   null,       null,   5,    'conflict',  'version_stale',      100,  75,   6, 'the same percentage is a report too'),
    (18, 2, 50,   'recount',  null,   7,    'conflict',  'version_stale',      100,  75,   6, 'a version that is not there yet'),
    (12, 3, 50,   null,       null,   null, 'conflict',  'annulled',           null, 50,   null, 'an annulled action takes no report'),
    (13, 9, 50,   null,       null,   null, 'not_found', 'no_such_action',     null, 50,   null, 'there is no such action');
create temp table answer (n int, outcome mejora.outcome, error text, was int, now int, version int);
do $$
declare
    c case_of;
begin
    for c in select * from case_of order by n loop
        insert into answer
        select c.n, r.outcome, r.error, r.was, r.percent, r.version
          from op.progress_report(me => (select id from mejora.person where (institution, code) = ('tprg', 'luz')), institution => 'tprg',
                                  plan => 2026, item_no => c.item_no, percent => c.percent, why => c.why, evidence => c.evidence,
                                  if_version => c.if_version) r;
    end loop;
end $$;
select is(row(a.outcome, a.error, a.was, a.now, a.version)::text, row(c.outcome, c.error, c.was, c.now, c.version)::text, 'report: ' || c.what)
  from case_of c join answer a using (n) order by n;
select is((select count(*)::int from answer), (select count(*)::int from case_of), 'every case was answered');

-- The history
select results_eq($$ select e.version, e.person, e.name, e.percent, e.why, e.evidence
                       from op.progress_history(1, 'tprg', 2026, 2), unnest(entries) e $$,
                  $$ values (1, 'luz', 'Luz Díaz', 50, null, null), (2, 'luz', 'Luz Díaz', 75, null, null),
                            (3, 'luz', 'Luz Díaz', 25, 'recount', null), (4, 'luz', 'Luz Díaz', 100, null, 'acta'),
                            (5, 'luz', 'Luz Díaz', 100, null, 'foto'), (6, 'luz', 'Luz Díaz', 75, 'recount', null),
                            (7, 'luz', 'Luz Díaz', 75, null, 'acta 2') $$,
                  'what was reported, in order; nothing of what was refused');
select is(outcome::text || coalesce(cardinality(entries), 0), 'ok0', 'nothing reported: an empty history')
  from op.progress_history(1, 'tprg', 2026, 4);
select is(outcome::text || ' ' || error || ' ' || error_args::text, expect, what)
  from (values (2026, 9, 'not_found no_such_action {tprg/2026/9}', 'history of an action that is not there'),
               (2030, 1, 'not_found no_such_plan {tprg/2030}', 'history in a plan that is not there')) c (plan, item_no, expect, what),
       op.progress_history(1, 'tprg', c.plan, c.item_no);
select * from finish();
rollback;
