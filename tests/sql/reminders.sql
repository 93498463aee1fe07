-- The ledger: what is wanted, keeping it equal to that, leasing mails and what becomes of them.
begin;
select plan(88);

-- Which rules: an end at day 0, today so many days from it
select is((select rules from lib.reminder_rules(c.days_before, '{}', c.every, null, '2026-01-01', '2026-06-30', date '2026-06-30' + c.elapsed)),
          c.rules, 'rules: ' || c.what)
  from (values
    ('{30,15,7,3,1,0}'::int[], 7, -40, '{-30,-15,-7,-3,-1,0,7}'::int[], 'all to come'),
    ('{30,15,7,3,1,0}', 7, -30, '{-30,-15,-7,-3,-1,0,7}', 'the first one today'),
    ('{30,15,7,3,1,0}', 7, -10, '{-15,-7,-3,-1,0,7}',     'of those that are past only the latest'),
    ('{30,15,7,3,1,0}', 7, 0,   '{0,7}',                  'the last day'),
    ('{30,15,7,3,1,0}', 7, 6,   '{0,7}',                  'late, but not yet a week'),
    ('{30,15,7,3,1,0}', 7, 7,   '{7,14}',                 'a week late'),
    ('{30,15,7,3,1,0}', 7, 1000, '{994,1001}',            'very late'),
    ('{}',              7, -3,  '{7}',                    'nothing before the end'),
    ('{}',              7, 3,   '{7}',                    'nothing before the end, and late'),
    ('{10}',            1, 1,   '{1,2}',                  'every day')
  ) c (days_before, every, elapsed, rules, what);

-- Two units; ana is in both, luz in one, sol has no address. Action 1 belongs to both units, action 2 to the second.
insert into mejora.institution values ('trem', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tre2', 'Otro', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('trem', 'ti', 'Tecnología'), ('trem', 'rrhh', 'Recursos Humanos'), ('trem', 'oai', 'Acceso');
insert into mejora.person (institution, code, name, email, roles) values
    ('trem', 'ana', 'Ana Peña', 'ana@example.org', '{responsable}'), ('trem', 'luz', 'Luz Díaz', 'luz@example.org', '{responsable}'),
    ('trem', 'sol', 'Sol Mora', null, '{responsable}');
insert into mejora.member (institution, person, unit)
select 'trem', p.id, m.unit from mejora.person p
  join (values ('ana', 'ti'), ('ana', 'rrhh'), ('luz', 'rrhh'), ('sol', 'oai')) m (code, unit) on p.institution = 'trem' and p.code = m.code;
insert into mejora.plan (institution, year, title) values ('trem', 2026, 'Plan');
insert into mejora.action (institution, plan, item_no, title, actions, indicator, start_period, end_period, start_date, end_date) values
    ('trem', 2026, 1, 'Uno', '{a}', 'Acta', 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30'),
    ('trem', 2026, 2, null, '{"Acción dos","más"}', null, 'T1-2026', 'T3-2026', '2026-01-01', '2026-09-30'),
    ('trem', 2026, 3, 'Tres', '{c}', null, 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30');
insert into mejora.action_owner values ('trem', 2026, 1, 'ti', 0), ('trem', 2026, 1, 'rrhh', 1), ('trem', 2026, 2, 'rrhh', 0), ('trem', 2026, 3, 'oai', 0);
insert into mejora.task (institution, plan, item_no, task_no, text, done_at)
select 'trem', 2026, 1, n, 'Tarea ' || n, case n when 2 then now() end from generate_series(1, 7) n;
select p.id as ana, q.id as luz, r.id as sol from mejora.person p, mejora.person q, mejora.person r
 where p.institution = 'trem' and p.code = 'ana' and q.institution = 'trem' and q.code = 'luz' and r.institution = 'trem' and r.code = 'sol' \gset

-- What the ledger says about an action, in one line: person:rule=state(reason)
create function pg_temp.ledger(item int) returns text language sql as $$
    select string_agg(p.code || ':' || r.rule || case when r.dates_version > 1 then 'v' || r.dates_version else '' end
                      || '=' || r.state || coalesce('(' || r.reason || ')', ''), ' ' order by p.code, r.dates_version, r.rule)
      from mejora.reminder r join mejora.person p on p.id = r.person where r.institution = 'trem' and r.item_no = item and r.kind = 'term'
$$;
create function pg_temp.clock(at text) returns void language sql as $$ select set_config('mejora.now', at, true) $$;
create function pg_temp.refreshed(item int) returns text language plpgsql as $$
begin
    perform lib.reminders_refresh('trem', 2026, item);
    return pg_temp.ledger(item);
end $$;
select set_config('mejora.institution', '*', true) as here \gset
select pg_temp.clock('2026-06-24 14:00+00') as now \gset

create function pg_temp.wanted(items int[]) returns text language sql as $$
    select string_agg(w, ' ' order by w)
      from (select format('%s %s %s:', w.item_no, p.code, w.hears_as) || string_agg(w.rule::text, ',' order by w.rule) as w
              from lib.reminders_wanted('trem', array_fill(2026, array[cardinality(items)]), items, '2026-06-24') w
              join mejora.person p on p.id = w.person where w.kind = 'term' group by w.item_no, p.code, w.hears_as) x
$$;
select is(pg_temp.wanted('{1,2,3}'), '1 ana member:-7,-3,-1,0,7 1 luz member:-7,-3,-1,0,7 2 ana member:-30,-15,-7,-3,-1,0,7 '
                                     '2 luz member:-30,-15,-7,-3,-1,0,7 3 sol member:-7,-3,-1,0,7',
          'wanted: everybody of every owner, once, with and without an address');
select is(pg_temp.wanted('{3}'), '3 sol member:-7,-3,-1,0,7', 'wanted: of one action');

-- Refresh: one step after the other, on action 1 and luz alone
delete from mejora.member where institution = 'trem' and person = :ana and unit = 'ti';
update mejora.action_owner set unit = 'ti' where institution = 'trem' and item_no = 2;
select is(pg_temp.refreshed(1), 'ana:-7=pending ana:-3=pending ana:-1=pending ana:0=pending ana:7=pending '
                                'luz:-7=pending luz:-3=pending luz:-1=pending luz:0=pending luz:7=pending', 'refresh: a new action');
delete from mejora.member where institution = 'trem' and person = :ana;
select is(pg_temp.refreshed(1), 'ana:-7=cancelled(owner_changed) ana:-3=cancelled(owner_changed) ana:-1=cancelled(owner_changed) '
                                'ana:0=cancelled(owner_changed) ana:7=cancelled(owner_changed) '
                                'luz:-7=pending luz:-3=pending luz:-1=pending luz:0=pending luz:7=pending', 'refresh: somebody left the unit');
delete from mejora.reminder where person = :ana;
select is(pg_temp.refreshed(1), 'luz:-7=pending luz:-3=pending luz:-1=pending luz:0=pending luz:7=pending', 'refresh: again, nothing changes');
select pg_temp.clock('2026-06-27 14:00+00') as now \gset
select is(pg_temp.refreshed(1), 'luz:-7=cancelled(superseded) luz:-3=pending luz:-1=pending luz:0=pending luz:7=pending', 'refresh: three days later');
update mejora.reminder set state = 'sent' where institution = 'trem' and rule = -3;
select set_config('mejora.institution', 'trem', true) as here \gset
select is(outcome::text, 'ok', 'reported at 100 %') from op.progress_report(:luz, 'trem', 2026, 1, 100, null, 'acta', null);
select is(pg_temp.ledger(1), 'luz:-7=cancelled(superseded) luz:-3=sent luz:-1=cancelled(done) luz:0=cancelled(done) luz:7=cancelled(done)', 'the same transaction cancels');
select is(outcome::text, 'ok', 'reopened') from op.progress_report(:luz, 'trem', 2026, 1, 75, 'not signed', null, null);
select is(pg_temp.ledger(1), 'luz:-7=cancelled(superseded) luz:-3=sent luz:-1=pending luz:0=pending luz:7=pending', 'only what was not sent is asked for again');
update mejora.action set end_date = '2026-07-31', dates_version = 2 where institution = 'trem' and item_no = 1;
select is(pg_temp.refreshed(1), 'luz:-7=cancelled(superseded) luz:-3=sent luz:-1=cancelled(dates_changed) luz:0=cancelled(dates_changed) luz:7=cancelled(dates_changed) '
                                'luz:-30v2=pending luz:-15v2=pending luz:-7v2=pending luz:-3v2=pending luz:-1v2=pending luz:0v2=pending luz:7v2=pending',
          'refresh: another end starts anew');
delete from mejora.reminder where institution = 'trem' and dates_version = 1;
insert into mejora.reminder_policy values ('trem', '{10,0}', 14, 9);
select is(pg_temp.refreshed(1), 'luz:-30v2=cancelled(policy_changed) luz:-15v2=cancelled(policy_changed) luz:-10v2=pending luz:-7v2=cancelled(policy_changed) luz:-3v2=cancelled(policy_changed) '
                                'luz:-1v2=cancelled(policy_changed) luz:0v2=pending luz:7v2=cancelled(policy_changed) luz:14v2=pending', 'refresh: the policy of the institution');
delete from mejora.reminder where institution = 'trem';
update mejora.plan set carried_to = 2027 where institution = 'trem';
select is(pg_temp.refreshed(1), null, 'a plan that was carried on wants nothing');
update mejora.plan set carried_to = null where institution = 'trem';
select isnt(pg_temp.refreshed(1), null, 'and the ledger is back');
update mejora.plan set carried_to = 2027 where institution = 'trem';
select is(pg_temp.refreshed(1), 'luz:-10v2=cancelled(carried) luz:0v2=cancelled(carried) luz:14v2=cancelled(carried)', 'refresh: carried on');
update mejora.plan set carried_to = null where institution = 'trem';
update mejora.action set annulled_at = now() where institution = 'trem' and item_no = 1;
select is(pg_temp.refreshed(1), 'luz:-10v2=cancelled(carried) luz:0v2=cancelled(carried) luz:14v2=cancelled(carried)', 'refresh: what is cancelled keeps its first reason');
update mejora.action set annulled_at = null where institution = 'trem' and item_no = 1;
select is(pg_temp.refreshed(1), 'luz:-10v2=pending luz:0v2=pending luz:14v2=pending', 'refresh: it holds again');
update mejora.action set annulled_at = now() where institution = 'trem' and item_no = 1;
select is(pg_temp.refreshed(1), 'luz:-10v2=cancelled(annulled) luz:0v2=cancelled(annulled) luz:14v2=cancelled(annulled)', 'refresh: annulled');

-- Leasing. Back to the start: luz and ana in rrhh, which owns 1 (end 30 June) and 2 (end 30 September); sol in oai, which owns 3
delete from mejora.reminder where institution = 'trem';
delete from mejora.progress where institution = 'trem';
delete from mejora.reminder_policy where institution = 'trem';
update mejora.action set annulled_at = null, dates_version = 1, end_date = '2026-06-30' where institution = 'trem' and item_no = 1;
update mejora.action_owner set unit = 'rrhh' where institution = 'trem' and item_no = 2;
insert into mejora.member (institution, person, unit) values ('trem', :ana, 'rrhh');
select pg_temp.clock('2026-05-31 11:59+00') as now, lib.reminders_refresh('trem', null, null) as refreshed \gset
create function pg_temp.lease(seconds int default 120) returns setof op.mail language sql as $$
    select m.* from op.reminder_lease(1, mejora.here(), null, seconds), unnest(mails) m
$$;
select is(outcome::text || ' ' || error || ' ' || error_args::text, expect, 'lease: ' || what)
  from (values ('trem', 0, 120, 'invalid field_invalid {limit}', 'no mails'), ('trem', 1001, 120, 'invalid field_invalid {limit}', 'too many'),
               ('trem', 1, 0, 'invalid field_invalid {lease_seconds}', 'no time'), ('trem', 1, 86401, 'invalid field_invalid {lease_seconds}', 'too much time'),
               ('nope', 1, 1, 'not_found no_such_institution {nope}', 'no such institution')) c (institution, "limit", seconds, expect, what),
       op.reminder_lease(1, c.institution, c.limit, c.seconds);
select is_empty('select * from pg_temp.lease()', 'a minute to eight in Santo Domingo: nothing is due');
select pg_temp.clock('2026-05-31 12:00+00') as now \gset
select set_config('mejora.institution', 'tre2', true) as here \gset
select is_empty('select * from pg_temp.lease()', 'who acts for another institution gets nothing');
select set_config('mejora.institution', 'trem', true) as here \gset
select results_eq($$ select m.token, m.address, m.name, m.language, m.institution, m.institution_name, m.today, m.leased_until = now() + interval '90 s', cardinality(m.items)
                       from op.reminder_lease(1, 'trem', 1, 90), unnest(mails) m $$,
                  $$ values (1, 'ana@example.org', 'Ana Peña', 'es', 'trem', 'Instituto de Prueba', date '2026-05-31', true, 1) $$,
                  'eight o''clock, at most one: the first person''s mail');
select results_eq($$ select m.name, i.ref, i.action, i.end_date, i.days_left, i.percent, i.indicator, i.open_tasks, i.unit
                       from pg_temp.lease() m, unnest(m.items) i $$,
                  $$ values ('Luz Díaz', 'trem/2026/1', 'Uno', date '2026-06-30', 30, null::int, 'Acta',
                             '{Tarea 1,Tarea 3,Tarea 4,Tarea 5,Tarea 6}'::text[], 'Recursos Humanos') $$,
                  'then the other''s, with five open tasks and the unit that makes it hers');
select is_empty('select * from pg_temp.lease()', 'all are leased');
select is(pg_temp.ledger(3), 'sol:-30=failed(no_address) sol:-15=pending sol:-7=pending sol:-3=pending sol:-1=pending sol:0=pending sol:7=pending',
          'who has no address: that is seen, and the rest waits');
select is(count(*)::int, 2, 'a mail for each') from mejora.mail where institution = 'trem' and ended_at is null;
select throws_ok(format('insert into mejora.mail (institution, person) values (''trem'', %s)', :ana), '23505', null, 'nobody can open a second mail to her');

-- Reporting
select mail as m_ana from mejora.mail where person = :ana \gset
select mail as m_luz from mejora.mail where person = :luz \gset
create function pg_temp.report(mail bigint, token int, result mejora.mail_outcome) returns text language sql as $$
    select concat_ws(' ', r.outcome, r.error, r.error_args, r.next_attempt_at - lib.now()) from op.reminder_report(1, mejora.here(), mail, token, result, 250, 'text', null) r
$$;
create function pg_temp.leaves(mail bigint, next bigint, next_token int, done int) returns text language plpgsql as $$
begin -- after a report, and what is done then; all of it is taken back
    if done is not null then
        perform op.progress_report(done, 'trem', 2026, 1, 100, null, 'acta', null);
    end if;
    raise exception using errcode = 'ZZ000', message = (
        select concat_ws(' ', r.outcome, r.leaving_error) from op.reminder_report(1, mejora.here(), mail, 1, 'sent', 250, null, null, next, next_token) r);
exception when sqlstate 'ZZ000' then
    return sqlerrm;
end $$;
select is(pg_temp.leaves(:m_ana, c.next, c.token, c.done), c.expect, 'the next: ' || c.what)
  from (values (:m_luz, 1, null::int, 'ok', 'may leave'), (:m_luz, 2, null, 'ok lease_lost', 'is another''s'),
               (:m_luz, 1, :luz, 'ok mail_stale', 'is not true any more')) c (next, token, done, expect, what);
select is(pg_temp.report(c.mail, c.token, c.result::mejora.mail_outcome), c.expect, 'report: ' || c.what)
  from (values (null, 1, 'sent', 'invalid field_missing {mail}', 'which mail'), (:m_ana, null, 'sent', 'invalid field_missing {token}', 'which lease'),
               (:m_ana, 1, null, 'invalid field_missing {result}', 'what became of it'), (:m_ana, 2, 'sent', format('conflict lease_lost {%s}', :m_ana), 'not the token'),
               (0, 1, 'sent', 'conflict lease_lost {0}', 'not a mail'), (:m_ana, 1, 'sent', 'ok', 'sent'),
               (:m_ana, 1, 'sent', format('conflict lease_lost {%s}', :m_ana), 'only once')) c (mail, token, result, expect, what);
select is(pg_temp.ledger(1), 'ana:-30=sent ana:-15=pending ana:-7=pending ana:-3=pending ana:-1=pending ana:0=pending ana:7=pending '
                             'luz:-30=leased luz:-15=pending luz:-7=pending luz:-3=pending luz:-1=pending luz:0=pending luz:7=pending', 'sent is sent');
-- A worker falls silent: its lease runs out, and its report comes late
update mejora.mail set leased_until = now() - interval '1 s' where mail = :m_luz;
select results_eq('select mail, token, message_id from pg_temp.lease()', format($$ values (%1$s::bigint, 2, '<mail.%1$s@trem.mejora>') $$, :m_luz), 'a lease that ran out: the same mail, the next token');
select is(pg_temp.report(:m_luz, 1, 'sent'), format('conflict lease_lost {%s}', :m_luz), 'the first worker comes too late');
select is(pg_temp.report(:m_luz, 2, 'later'), 'ok 00:05:00', 'later: its second attempt, so in five minutes');
select is_empty('select * from pg_temp.lease()', 'not before');
select pg_temp.clock('2026-05-31 12:05+00') as now \gset
select is((select token from pg_temp.lease()), 3, 'five minutes later');
select is(pg_temp.report(:m_luz, 3, 'unknown'), 'ok 00:15:00', 'cut after the dot: once more in a quarter of an hour');
-- The same day: another thing becomes due
insert into mejora.action (institution, plan, item_no, title, actions, start_period, end_period, start_date, end_date)
values ('trem', 2026, 4, 'Cuatro', '{d}', 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-15');
insert into mejora.action_owner values ('trem', 2026, 4, 'rrhh', 0);
select lib.reminders_refresh('trem', 2026, 4) as refreshed \gset
select pg_temp.clock('2026-05-31 12:20+00') as now \gset
select results_eq('select m.token, i.ref from pg_temp.lease() m, unnest(m.items) i', $$ values (4, 'trem/2026/1') $$, 'once more, as it was: what became due meanwhile waits');
select is(pg_temp.report(:m_luz, 4, 'later'), 'ok 01:00:00', 'the relay is away');
select pg_temp.clock('2026-05-31 13:20+00') as now \gset
select is((select token from pg_temp.lease()), 5, 'and back');
select is(pg_temp.report(:m_luz, 5, 'unknown'), 'ok', 'cut again: no third time');
select is((select state || ' ' || reason from mejora.reminder where mail = :m_luz), 'sent delivery_uncertain', 'it may have arrived, and the ledger says so');
select is_empty('select * from pg_temp.lease()', 'who had a mail today hears of it tomorrow');
select pg_temp.clock('2026-06-16 12:00+00') as now \gset
-- An outage of more than two weeks ends: 1 is 14 days from its end, 4 ended yesterday
select results_eq('select m.name, i.ref, i.days_left from pg_temp.lease() m, unnest(m.items) i',
                  $$ values ('Ana Peña', 'trem/2026/4', -1), ('Ana Peña', 'trem/2026/1', 14), ('Luz Díaz', 'trem/2026/4', -1), ('Luz Díaz', 'trem/2026/1', 14) $$,
                  'after an outage: one mail for each with everything in it, the earliest end first');
select is(pg_temp.ledger(4), concat_ws(' ', 'ana:-15=cancelled(superseded) ana:-7=cancelled(superseded) ana:-3=cancelled(superseded) ana:-1=cancelled(superseded) ana:0=leased ana:7=pending',
                                       'luz:-15=cancelled(superseded) luz:-7=cancelled(superseded) luz:-3=cancelled(superseded) luz:-1=cancelled(superseded) luz:0=leased luz:7=pending'),
          'and of each action only the latest');
select mail as m_ana from mejora.mail where person = :ana and ended_at is null \gset
select mail as m_luz from mejora.mail where person = :luz and ended_at is null \gset
select is(pg_temp.report(:m_ana, 1, 'never'), 'ok', 'refused by the relay');
select is((select string_agg(item_no || state::text || reason, ' ' order by item_no) from mejora.reminder where mail = :m_ana), '1failedrefused_by_relay 4failedrefused_by_relay', 'for good');
-- luz's is tried again; meanwhile 4 is done, and a third becomes due
select is(pg_temp.report(:m_luz, 1, 'later'), 'ok 00:01:00', 'later: the first time in a minute');
select is(outcome::text, 'ok', 'meanwhile it is done') from op.progress_report(:luz, 'trem', 2026, 4, 100, null, 'acta', null);
update mejora.action set end_date = '2026-06-17', dates_version = 2 where institution = 'trem' and item_no = 2;
select lib.reminders_refresh('trem', 2026, 2) as refreshed \gset
select pg_temp.clock('2026-06-16 12:01+00') as now \gset
select results_eq('select m.mail, m.name, i.ref from pg_temp.lease() m, unnest(m.items) i where m.name = ''Luz Díaz''',
                  format($$ values (%1$s::bigint, 'Luz Díaz', 'trem/2026/2'), (%1$s, 'Luz Díaz', 'trem/2026/1') $$, :m_luz),
                  'what is done is left out of the next attempt, what became due is taken in');
select is(pg_temp.report(:m_luz, 2, 'later'), 'ok 00:05:00', 'later again');
update mejora.action set annulled_at = now() where institution = 'trem' and item_no in (1, 2);
select pg_temp.clock('2026-06-16 12:06+00') as now \gset
select is_empty('select * from pg_temp.lease() where name = ''Luz Díaz''', 'nothing is left to say: it ends without being sent');
select is((select ended_at = lib.now() and leased_until is null from mejora.mail where mail = :m_luz), true, 'and is closed');

-- Weekly while overdue, for as long as it takes: what is sent has its successor in the ledger already
update mejora.action set annulled_at = now() where institution = 'trem' and item_no <> 3;
update mejora.person set email = 'sol@example.org' where id = :sol;
create temp table week (at text, rules text);
do $$
declare
    at text;
    m op.mail;
begin
    foreach at in array array['2026-07-07 12:00+00', '2026-07-13 12:00+00', '2026-07-14 12:00+00', '2026-07-28 12:00+00'] loop
        perform pg_temp.clock(at);
        for m in select * from pg_temp.lease() loop
            perform pg_temp.report(m.mail, m.token, 'sent');
        end loop;
        insert into week select at, string_agg(rule::text, ' ' order by rule) from mejora.reminder where institution = 'trem' and item_no = 3 and state = 'sent';
    end loop;
end $$;
select results_eq('select * from week', $$ values ('2026-07-07 12:00+00', '7'), ('2026-07-13 12:00+00', '7'), ('2026-07-14 12:00+00', '7 14'), ('2026-07-28 12:00+00', '7 14 28') $$,
                  'weekly while overdue, and a week that was missed is not made up for');
-- Five days of silence
select pg_temp.clock('2026-08-04 12:00+00') as now, lib.reminders_refresh('trem', null, null) as refreshed \gset
select mail as m_sol from pg_temp.lease() where name = 'Sol Mora' \gset
select is(pg_temp.report(:m_sol, 1, 'later'), 'ok 00:01:00', 'the relay is silent');
select pg_temp.clock('2026-08-09 12:00+00') as now \gset
select is((select token from pg_temp.lease() where mail = :m_sol), 2, 'five days later');
select is(pg_temp.report(:m_sol, 2, 'later'), 'ok', 'it is given up');
select is((select state || ' ' || reason from mejora.reminder where mail = :m_sol), 'failed relay_silent', 'and the ledger says so');

-- Seeing it
select results_eq($$ select r.ref, r.person, r.name, r.rule, r.due_on, r.state, r.sent_at, r.reason from op.reminder_list(1, 'trem', 2026, 3, null, null), unnest(reminders) r
                      where r.rule > 7 $$,
                  $$ values ('trem/2026/3', 'sol', 'Sol Mora', 42, date '2026-08-11', 'pending'::mejora.reminder_state, null::timestamptz, null),
                            ('trem/2026/3', 'sol', 'Sol Mora', 35, '2026-08-04', 'failed', null, 'relay_silent'),
                            ('trem/2026/3', 'sol', 'Sol Mora', 28, '2026-07-28', 'sent', '2026-07-28 12:00+00', null),
                            ('trem/2026/3', 'sol', 'Sol Mora', 21, '2026-07-21', 'cancelled', null, 'superseded'),
                            ('trem/2026/3', 'sol', 'Sol Mora', 14, '2026-07-14', 'sent', '2026-07-14 12:00+00', null) $$, 'the list: newest first');
select is((select string_agg(r.ref || r.rule, ' ') from op.reminder_list(1, 'trem', null, null, true, null), unnest(reminders) r), 'trem/2026/342', 'the list of what is to come');
select is(outcome::text || ' ' || error, expect, 'list: ' || what)
  from (values (2026, 9, 'not_found no_such_action', 'no such action'), (2030, null, 'not_found no_such_plan', 'no such plan')) c (plan, item_no, expect, what),
       op.reminder_list(1, 'trem', c.plan, c.item_no, null, null);

-- As the server: row-level security shows the own institution alone, and the rights are enough for the whole way of a mail
update mejora.reminder set state = 'cancelled' where institution = 'trem' and rule = 42;
update mejora.action set dates_version = 3 where institution = 'trem' and item_no = 3;
select lib.reminders_refresh('trem', null, null) as refreshed, set_config('mejora.institution', 'tre2', true) as here \gset
set local role mejora_server;
select coalesce(cardinality(mails), 0) as foreign_mails, outcome as foreign_lease from op.reminder_lease(1, 'tre2', null, null) \gset
select outcome || ' ' || error as foreign_report from op.reminder_report(1, 'tre2', :m_sol, 2, 'sent', 250, null, null) \gset
select outcome || ' ' || error as foreign_list from op.reminder_list(1, 'trem', null, null, null, null) \gset
select set_config('mejora.institution', 'trem', true) as here \gset
select m.mail as m_own, m.name as own from op.reminder_lease(1, 'trem', null, null), unnest(mails) m \gset
select outcome as own_report, after - 'mail' as own_after from op.reminder_report(1, 'trem', :m_own, 1, 'sent', 250, 'ok', null) \gset
reset role;
select is(:'foreign_lease' || :foreign_mails, 'ok0', 'another institution''s mails cannot be leased');
select is(:'foreign_report'::text, 'conflict lease_lost', 'nor reported on');
select is(:'foreign_list'::text, 'not_found no_such_institution', 'nor listed');
select is(:'own' || ' ' || :'own_report', 'Sol Mora ok', 'the own can');
select is(:'own_after'::jsonb, '{"result": "sent", "attempt": 1, "smtp_code": 250}', 'what the audit entry keeps: no address, no text');
select * from finish();
rollback;
