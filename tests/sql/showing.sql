-- Why a reminder went or did not, and what is to come: compared with what the worker's side really does, day by day.
begin;
select plan(22);
\ir support/ask.psql

insert into mejora.institution values ('tsho', 'Instituto de Prueba'), ('tsh2', 'Otro');
insert into mejora.person (institution, code, name, email, roles) values
    ('tsho', 'ana', 'Ana', 'ana@tsho.example', '{responsable}'), ('tsho', 'luz', 'Luz', 'luz@tsho.example', '{responsable}'),
    ('tsho', 'sol', 'Sol', null, '{responsable}');
insert into mejora.unit (institution, unit, name) values ('tsho', 'ti', 'Tecnología'), ('tsho', 'oai', 'Acceso'), ('tsho', 'sola', 'Sola');
select set_config('mejora.institution', 'tsho', true) as here \gset
insert into mejora.member (institution, person, unit) values
    ('tsho', pg_temp.me('ana'), 'ti'), ('tsho', pg_temp.me('luz'), 'ti'), ('tsho', pg_temp.me('luz'), 'oai'), ('tsho', pg_temp.me('sol'), 'oai');
insert into mejora.plan (institution, year, title) values ('tsho', 2025, 'Plan'), ('tsho', 2026, 'Plan');
insert into mejora.action (institution, plan, item_no, title, actions, start_period, end_period, start_date, end_date)
select 'tsho', y, n, 'Acción ' || n, '{a}', 'T1-2026', 'T2-2026', date '2026-02-28' + 5 * n, date '2026-05-01' + 9 * n + y - 2025
  from generate_series(1, 5) n, (values (2025), (2026)) p (y);
insert into mejora.action_owner select 'tsho', y, n, case when n % 2 = 0 then 'oai' else 'ti' end, 0
  from generate_series(1, 4) n, (values (2025), (2026)) p (y);
insert into mejora.action_owner values ('tsho', 2025, 5, 'sola', 0);
insert into mejora.progress (institution, plan, item_no, version, person, percent) values ('tsho', 2025, 2, 1, 1, 100);
insert into mejora.reminder_policy values ('tsho', '{20,5,2,1}', 4, 8, 2026, '{0,3}', true);
create function pg_temp.clock(at text) returns void language sql as $$ select set_config('mejora.now', at, true) $$;

-- Four months of it, foreseen in two steps: from nothing, and from the middle of things with today's mails sent
create temp table foreseen (half int, day date, person int, plan int, item_no int);
create function pg_temp.send(day date) returns int language plpgsql as $$
declare
    m op.mail;
begin
    perform pg_temp.clock(day || ' 12:00+00');
    for m in select x.* from op.reminder_lease(1, 'tsho', 100, null), unnest(mails) x loop
        perform op.reminder_report(1, 'tsho', m.mail, m.token, 'sent', 250, null, null);
    end loop;
    return 1;
end $$;
create function pg_temp.sent(from_day date, to_day date) returns table (day date, person int, plan int, item_no int) language sql as $$
    select (m.ended_at at time zone 'America/Santo_Domingo')::date, r.person, r.plan, r.item_no
      from mejora.reminder r join mejora.mail m on m.mail = r.mail
     where r.institution = 'tsho' and r.state = 'sent'
       and (m.ended_at at time zone 'America/Santo_Domingo')::date between from_day and to_day
$$;
select pg_temp.clock('2026-03-05 11:00+00') as now, lib.reminders_refresh('tsho', null, null) as refreshed \gset
insert into foreseen select 1, f.day, f.person, f.plan, f.item_no from lib.reminders_foreseen('tsho', null, '2026-03-05', '2026-05-11') f;
select count(pg_temp.send(date '2026-03-05' + n)) as days from generate_series(0, 67) n \gset
insert into foreseen select 2, f.day, f.person, f.plan, f.item_no from lib.reminders_foreseen('tsho', null, '2026-05-11', '2026-07-10') f;
select count(pg_temp.send(date '2026-05-11' + n)) as days from generate_series(0, 60) n \gset
select cmp_ok(count(*), '>', 40::bigint, 'there is much to say in the first half') from foreseen where half = 1;
select set_eq($$ select day, p.code, plan, item_no from foreseen f join mejora.person p on p.id = f.person where half = 1 and p.email is not null $$,
              $$ select day, p.code, plan, item_no from pg_temp.sent('2026-03-05', '2026-05-11') f join mejora.person p on p.id = f.person $$,
              'what was foreseen is what was sent');
select set_eq($$ select day, p.code, plan, item_no from foreseen f join mejora.person p on p.id = f.person where half = 2 and p.email is not null $$,
              $$ select day, p.code, plan, item_no from pg_temp.sent('2026-05-12', '2026-07-10') f join mejora.person p on p.id = f.person $$,
              'and from the middle, without what had been sent');
select is_empty($$ select * from pg_temp.sent('2026-03-05', '2026-07-10') where plan = 2025 and item_no in (2, 5) $$, 'nothing about what is done or nobody''s');
select is_empty($$ select day from pg_temp.sent('2026-03-05', '2026-07-10') where plan = 2026 and not lib.is_working_day('tsho', day) $$,
                'nothing of a plan for working days on another day');
select isnt_empty($$ select day from pg_temp.sent('2026-03-05', '2026-07-10') where plan = 2025 and not lib.is_working_day('tsho', day) $$,
                  'but of the other');

-- As it is asked for: 2026-05-11, before that day's mails
delete from mejora.reminder where institution = 'tsho';
delete from mejora.mail_attempt where institution = 'tsho';
delete from mejora.mail where institution = 'tsho';
select pg_temp.clock('2026-05-11 11:00+00') as now, lib.reminders_refresh('tsho', null, null) as refreshed \gset
select is((select string_agg(concat_ws(' ', m.date, m.person, m.address, m.refs, m.code), ', ')
             from op.reminder_simulate(1, 'tsho', 2025, '2026-05-12'), unnest(mails) m),
          '2026-05-11 ana ana@tsho.example {tsho/2025/1,tsho/2025/3}, '
          '2026-05-11 luz luz@tsho.example {tsho/2025/1,tsho/2025/3,tsho/2025/4}, 2026-05-11 sol {tsho/2025/4} no_address',
          'a mail for each with all that it speaks of, and who cannot be reached');
select is((select string_agg(concat_ws(' ', m.person, m.address, m.refs, m.code), ', ') from op.reminder_simulate(1, 'tsho', 2026, '2026-05-14'), unnest(mails) m
            where m.person = 'sol'), 'sol {tsho/2026/2} no_address', 'of one plan alone');
select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_simulate(1, 'tsho', null, '2026-05-10') $$, '{"outcome": "invalid", "error_args": ["until"]}'::jsonb, 'not the past'),
    ($$ op.reminder_simulate(1, 'tsho', null, '2027-05-13') $$, '{"outcome": "invalid", "error_args": ["until"]}', 'nor more than a year'),
    ($$ op.reminder_simulate(1, 'tsho', 2030, null) $$, '{"error": "no_such_plan"}', 'nor a plan that is not'),
    ($$ op.reminder_simulate(1, 'tsh2', null, null) $$, '{"error": "no_such_institution"}', 'nor another institution')) c (call, expect, says);

-- Why, of action 2025/1, whose end was yesterday, for ana: before its hour, at it, sent, and so on
create function pg_temp.why(item int, who text) returns text language sql as $$
    select coalesce(e.code, 'goes out') || ': ' || string_agg(concat_ws(' ', r.rule, r.state, r.code, r.args, r.attempts, r.relay_code, r.relay_text), '; ' order by r.rule)
      from op.reminder_explain(1, 'tsho', 2025, item) e, unnest(e.reminders) r where r.person = who group by e.code
$$;
select is(pg_temp.why(1, 'ana'), 'goes out: 0 pending not_yet {2026-05-10,8}; 7 pending not_yet {2026-05-17,8}', 'today''s hour has not come')
  from pg_temp.clock('2026-05-10 11:00+00');
select is(pg_temp.why(1, 'ana'), 'goes out: 0 pending waits_for_worker {tsho/2025/1}; 7 pending not_yet {2026-05-17,8}', 'no worker came')
  from pg_temp.clock('2026-05-11 12:00+00');
insert into mejora.reminder_pause (institution, plan, person) values ('tsho', 2025, pg_temp.me('ana'));
select is(pg_temp.why(1, 'ana'), 'paused: 0 pending paused {tsho/2025/1}; 7 pending paused {tsho/2025/1}', 'paused');
select is_empty($$ select m.* from op.reminder_simulate(1, 'tsho', 2025, '2026-12-31'), unnest(mails) m $$, 'while it is, nothing is foreseen');
delete from mejora.reminder_pause where institution = 'tsho';
select op.reminder_lease(1, 'tsho', 100, null) as leased \gset
select mail as m_ana from mejora.mail where person = pg_temp.me('ana') \gset
select is(pg_temp.why(1, 'ana'), format('goes out: 0 leased being_sent {%s,1} 1; 7 pending not_yet {2026-05-17,8}', :m_ana), 'being sent');
select op.reminder_report(1, 'tsho', :m_ana, 1, 'later', 451, 'Greylisted', null) as reported \gset
select is(pg_temp.why(1, 'ana'), 'goes out: 0 pending tried_again {1} 1 451 Greylisted; 7 pending not_yet {2026-05-17,8}', 'the relay wants it later');
select pg_temp.clock('2026-05-11 12:05+00') as now, op.reminder_lease(1, 'tsho', 100, null) as leased, op.reminder_report(1, 'tsho', :m_ana, 2, 'sent', 250, 'Ok', null) as reported \gset
select is(pg_temp.why(1, 'ana'), format('goes out: 0 sent relay_took_it {%s} 2 250 Ok; 7 pending not_yet {2026-05-17,8}', :m_ana), 'the relay took it');
select is(pg_temp.why(2, 'luz'), null, 'nothing was ever asked for of what is done');
select is((select concat_ws(' ', code, args, reminders) from op.reminder_explain(1, 'tsho', 2025, 5)), 'nobody_to_tell {tsho/2025/5}', 'nobody to tell');
select is((select concat_ws(' ', code, args) from op.reminder_explain(1, 'tsho', 2025, 2)), 'done {tsho/2025/2}', 'done');

select * from finish();
rollback;
