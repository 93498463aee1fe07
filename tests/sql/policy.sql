-- When reminders go out: policies of institution and plan, working days, the start, and pauses.
begin;
select plan(58);
\ir support/ask.psql

-- Rules and their days. The end of 2026-06-29 is a Monday; 2026-06-04, Corpus Christi, a Thursday.
create function pg_temp.days(before int[], starts int[], every int, start_date date, end_date date, today date) returns text
language sql as $$
    select string_agg(n.rule || to_char(n.due, ' MM-DD'), ', ' order by n.rule)
      from lib.reminder_rules(before, starts, every, 'tpol', start_date, end_date, today) r, unnest(r.rules, r.due) n (rule, due)
$$;
insert into mejora.institution values ('tpol', 'Instituto de Prueba'), ('tpo2', 'Otro');
insert into mejora.holiday values ('tpol', '2026-06-26', 'Aniversario');
select set_config('mejora.institution', 'tpol', true) as here \gset
select is(pg_temp.days(c.before, c.starts, c.every, c.start_date, c.end_date, c.today), c.expect, 'days: ' || c.what)
  from (values
    ('{7,3,0}'::int[], '{}'::int[], 7, date '2026-01-01', date '2026-07-01', date '2026-06-01', '-7 06-24, -3 06-25, 0 07-01, 7 07-08', 'up to the end earlier'),
    ('{3,1}', '{}', 5, '2026-01-01', '2026-06-29', '2026-06-01', '-1 06-25, 5 07-06', 'of two on one day the later; overdue comes after'),
    ('{3,1}', '{}', 5, '2026-01-01', '2026-06-29', '2026-06-25', '-1 06-25, 5 07-06', 'its day has come'),
    ('{25,3}', '{}', 5, '2026-01-01', '2026-06-29', '2026-06-03', '-25 06-03, -3 06-25, 5 07-06', 'before a holiday of the country'),
    ('{}', '{}', 5, '2026-01-01', '2026-06-29', '2026-07-04', '5 07-06, 10 07-09', 'on the weekend it falls on: not yet'),
    ('{}', '{0,10}', 7, '2026-01-01', '2026-06-29', '2025-12-01', '-179 01-02, -169 01-12, 7 07-06', 'the start, and ten days on'),
    ('{}', '{0}', 7, '2026-01-01', '2026-06-29', '2026-01-07', '-179 01-02, 7 07-06', 'six days past is not too late'),
    ('{}', '{0}', 7, '2026-01-01', '2026-06-29', '2026-01-08', '7 07-06', 'a week is'),
    ('{}', '{200}', 7, '2026-01-01', '2026-06-29', '2026-01-02', '7 07-06', 'what would come after the end is none of the start''s')
  ) c (before, starts, every, start_date, end_date, today, expect, what);

select is(lib.days_read(c.text), c.days, 'days as text: ' || c.text)
  from (values ('30,15,7', '{30,15,7}'::int[]), (' 1 , 7,7, 30 ', '{30,7,1}'), ('', '{}'), ('0', '{0}'), ('367', null), ('-1', null),
               ('7,', null), ('7;3', null), ('1' || repeat(',1', 20), null)) c (text, days);

-- An institution with two plans: an action ends on Saturday 2026-06-27 in both
insert into mejora.person (institution, code, name, email, roles) values
    ('tpol', 'pla', 'Paula Plan', null, '{planner}'), ('tpol', 'ana', 'Ana', 'ana@tpol.example', '{responsable}');
insert into mejora.unit (institution, unit, name) values ('tpol', 'ti', 'Tecnología');
insert into mejora.member (institution, person, unit) select 'tpol', pg_temp.me('ana'), 'ti';
insert into mejora.plan (institution, year, title) values ('tpol', 2025, 'Plan'), ('tpol', 2026, 'Plan');
insert into mejora.action (institution, plan, item_no, title, actions, start_period, end_period, start_date, end_date)
select 'tpol', y, 1, 'Uno', '{a}', 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-27' from (values (2025), (2026)) p (y);
insert into mejora.action_owner values ('tpol', 2025, 1, 'ti', 0), ('tpol', 2026, 1, 'ti', 0);
create function pg_temp.ledger(plan int) returns text language sql as $$
    select string_agg(r.rule || to_char(r.due_on, ' MM-DD'), ', ' order by r.rule) from mejora.reminder r
     where r.institution = 'tpol' and r.plan = ledger.plan and (r.state, r.kind) = ('pending', 'term')
$$;
create function pg_temp.clock(at text) returns void language sql as $$ select set_config('mejora.now', at, true) $$;
select pg_temp.clock('2026-06-16 14:00+00') as now, lib.reminders_refresh('tpol', null, null) as refreshed \gset

select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_policy_show(pg_temp.me('pla'), 'tpol', 2026) $$,
     '{"outcome": "ok", "paused": null, "policy": {"days_before": "30,15,7,3,1,0", "days_after_start": "0", "overdue_every": 7, "hour": 8,
       "working_days": false, "set_for": null}}'::jsonb, 'the default'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, '5,0', null, 3, null, null, null, 'x') $$,
     '{"outcome": "ok", "before": {"days_before": "30,15,7,3,1,0", "days_after_start": "0", "overdue_every": 7, "hour": 8,
       "working_days": false, "set_for": null}, "after": {"days_before": "5,0", "days_after_start": "0", "overdue_every": 3, "hour": 8,
       "working_days": false, "set_for": "tpol"}}', 'the institution''s; what is not named stays'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, '0,5', null, 3, null, null, null, null) $$,
     '{"outcome": "ok", "before": null, "after": null}', 'the same again changes nothing'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', 2026, null, null, null, 10, true, null, null) $$,
     '{"outcome": "ok", "policy": {"days_before": "5,0", "days_after_start": "0", "overdue_every": 3, "hour": 10,
       "working_days": true, "set_for": "tpol/2026"}}', 'a plan''s begins with what held for it'),
    ($$ op.reminder_policy_show(pg_temp.me('pla'), 'tpol', null) $$,
     '{"policy": {"days_before": "5,0", "days_after_start": "0", "overdue_every": 3, "hour": 8, "working_days": false, "set_for": "tpol"}}',
     'and leaves the institution''s'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, null, null, null, null, null, null, 'x') $$,
     '{"outcome": "invalid", "error": "nothing_to_change"}', 'nothing named'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, 'mucho', null, null, null, null, null, null) $$,
     '{"outcome": "invalid", "error_args": ["days_before"], "after": null}', 'no days'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, null, '1,', null, null, null, null, null) $$,
     '{"outcome": "invalid", "error_args": ["days_after_start"]}', 'no days after the start'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, null, null, 0, null, null, null, null) $$,
     '{"outcome": "invalid", "error_args": ["overdue_every"]}', 'every no days'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', null, null, null, null, 24, null, null, null) $$,
     '{"outcome": "invalid", "error_args": ["hour"]}', 'an hour that no day has'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', 2030, null, null, null, 1, null, null, null) $$,
     '{"outcome": "not_found", "error": "no_such_plan"}', 'no such plan')) c (call, expect, says);
select is(pg_temp.ledger(2025), '-5 06-22, 0 06-27, 3 06-30', 'the ledger follows: the institution''s');
select is(pg_temp.ledger(2026), '-5 06-22, 0 06-25, 3 06-30', 'the ledger follows: working days alone');
select pg_temp.asks($$ op.holiday_add(pg_temp.me('pla'), 'tpol', '2026-06-25', 'Duelo') $$, '{"outcome": "ok"}', 'another holiday');
select is(pg_temp.ledger(2026), '-5 06-22, 0 06-24, 3 06-30', 'the ledger follows a holiday');
select pg_temp.asks($$ op.holiday_remove(pg_temp.me('pla'), 'tpol', '2026-06-25', null) $$, '{"outcome": "ok"}', 'that is taken back');
select is(pg_temp.ledger(2026), '-5 06-22, 0 06-25, 3 06-30', 'and back');
select pg_temp.asks($$ op.reminder_policy_set(pg_temp.me('pla'), 'tpol', 2026, null, null, null, null, null, true, null) $$,
                    '{"outcome": "ok", "policy": {"days_before": "5,0", "days_after_start": "0", "overdue_every": 3, "hour": 8,
                      "working_days": false, "set_for": "tpol"}}', 'reset: the institution''s again');
select is(pg_temp.ledger(2026), pg_temp.ledger(2025), 'and the ledger with it');

-- Sending. 12 h in UTC is 8 h in Santo Domingo.
create function pg_temp.lease() returns text language sql as $$
    select string_agg(i.ref, ' ' order by i.ref) from op.reminder_lease(1, 'tpol', null, null), unnest(mails) m, unnest(m.items) i
$$;
create function pg_temp.report(result mejora.mail_outcome) returns text language sql as $$
    select string_agg(r.outcome::text, ' ') from mejora.mail m,
           lateral op.reminder_report(1, 'tpol', m.mail, m.token, result, 450, null, null) r
     where m.institution = 'tpol' and m.leased_until is not null
$$;
update mejora.reminder_policy set hour = 10 where institution = 'tpol' and plan = 0;
select pg_temp.clock('2026-06-22 13:59+00') as now \gset
select is(pg_temp.lease(), null, 'a minute before the policy''s hour');
select pg_temp.clock('2026-06-22 14:00+00') as now \gset
select pg_temp.asks($$ op.reminder_pause(pg_temp.me('pla'), 'tpol', null, 'Cierre') $$,
                    '{"outcome": "ok", "before": null, "after": {"paused": "tpol"}}', 'the institution is paused');
select is(pg_temp.lease(), null, 'nothing is leased');
select pg_temp.asks($$ op.reminder_pause(pg_temp.me('pla'), 'tpol', 2026, null) $$, '{"outcome": "ok", "after": {"paused": "tpol/2026"}}', 'and a plan');
select pg_temp.asks($$ op.reminder_pause(pg_temp.me('pla'), 'tpol', null, 'Otra vez') $$, '{"outcome": "ok", "after": null}', 'paused is paused');
select is((select string_agg(z.ref || coalesce(' ' || z.why, ''), ', ' order by z.ref) from op.reminder_list(1, 'tpol', null, null, null, null), unnest(paused) z),
          'tpol Cierre, tpol/2026', 'the list says so');
select pg_temp.asks($$ op.reminder_resume(pg_temp.me('pla'), 'tpol', null, null) $$,
                    '{"outcome": "ok", "ref": "tpol", "before": {"paused": "tpol"}, "after": null}', 'resumed');
select is(pg_temp.lease(), 'tpol/2025/1', 'what is not paused goes out');
select is(pg_temp.report('later') || coalesce(pg_temp.lease(), ''), 'ok', 'later');
select pg_temp.asks($$ op.reminder_pause(pg_temp.me('pla'), 'tpol', null, null) $$, '{"outcome": "ok"}', 'paused while a mail waits for its next attempt');
select pg_temp.clock('2026-06-22 15:00+00') as now \gset
select is(pg_temp.lease(), null, 'which does not come');
select pg_temp.asks($$ op.reminder_resume(pg_temp.me('pla'), 'tpol', null, null) $$, '{"outcome": "ok"}', 'resumed again');
select is(pg_temp.lease(), 'tpol/2025/1', 'then it does');
select is(pg_temp.report('unknown'), 'ok', 'cut after the dot');
select pg_temp.asks($$ op.reminder_pause(pg_temp.me('pla'), 'tpol', 2025, null) $$, '{"outcome": "ok"}', 'paused while a mail may have arrived');
select mail, token from mejora.mail where institution = 'tpol' and ended_at is null \gset
select pg_temp.clock('2026-06-22 16:00+00') as now \gset
select is(pg_temp.lease(), null, 'it waits');
select pg_temp.asks($$ op.reminder_resume(pg_temp.me('pla'), 'tpol', 2025, null) $$, '{"outcome": "ok", "paused": null}', 'resumed');
select is(pg_temp.lease(), 'tpol/2025/1', 'and goes on');
select is((select mail || ' ' || token from mejora.mail where institution = 'tpol' and leased_until is not null), :mail || ' ' || (:token + 1),
          'under the same number');

-- Late on a day that is not worked
select pg_temp.report('sent') as reported \gset
update mejora.reminder_policy set working_days = true where institution = 'tpol';
select pg_temp.clock('2026-06-27 14:00+00') as now, lib.reminders_refresh('tpol', null, null) as refreshed \gset
select is(pg_temp.lease(), null, 'a Saturday: what is late waits');
select pg_temp.clock('2026-06-29 14:00+00') as now \gset
select is(pg_temp.lease(), 'tpol/2025/1', 'until Monday');

select * from finish();
rollback;
