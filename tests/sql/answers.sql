-- What people answer to reminders, how they want them, and what becomes of addresses that relays refuse.
begin;
select no_plan();
\ir support/ask.psql

insert into mejora.institution values ('tans', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('tans', 'ti', 'Tecnología'), ('tans', 'oai', 'Acceso');
insert into mejora.person (institution, code, name, email, roles) values
    ('tans', 'pla', 'Paula Plan', 'pla@tans.example', '{planner}'), ('tans', 'ana', 'Ana Peña', 'ana@tans.example', '{responsable}'),
    ('tans', 'luz', 'Luz Díaz', 'luz@tans.example', '{responsable}');
insert into mejora.member (institution, person, unit) select 'tans', id, case code when 'ana' then 'ti' else 'oai' end from mejora.person
 where institution = 'tans' and code in ('ana', 'luz');
insert into mejora.plan (institution, year, title) values ('tans', 2026, 'Plan');
insert into mejora.action (institution, plan, item_no, title, actions, start_period, end_period, start_date, end_date) values
    ('tans', 2026, 1, 'Uno', '{a}', 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30'),
    ('tans', 2026, 2, 'Dos', '{a}', 'T1-2026', 'T1-2026', '2026-01-01', '2026-05-31'),
    ('tans', 2026, 3, 'Tres', '{a}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31');
insert into mejora.action_owner select 'tans', 2026, n, case n when 3 then 'oai' else 'ti' end, 0 from generate_series(1, 3) n;
select set_config('mejora.institution', 'tans', true) as here \gset
create function pg_temp.clock(at text) returns void language sql as $$ select set_config('mejora.now', at, true) $$;
create function pg_temp.ledger(item int) returns text language sql as $$
    select string_agg(r.rule || '=' || case when r.state = 'pending' then to_char(r.due_on, 'MMDD') else r.state || coalesce('(' || r.reason || ')', '') end, ' '
                      order by r.dates_version, r.rule)
      from mejora.reminder r where (r.institution, r.item_no) = ('tans', item)
$$;
-- Who gets what now, each mail ending so: code: refs
create function pg_temp.send(result mejora.mail_outcome default 'sent', code int default 250, refused boolean default false) returns text language plpgsql as $$
declare
    told text;
begin
    with leased as materialized (select m.* from op.reminder_lease(1, 'tans', 100, 600), unnest(mails) m)
    select string_agg(l.name || coalesce(': ' || (select string_agg(i.ref, ' ') from unnest(l.items) i), '')
                      || coalesce(' !' || (select string_agg(u.address || ' ' || u.relay_text, ', ') from unnest(l.unreached) u), '')
                      || case when l.again then ' again' else '' end, '; ' order by l.name)
      into told from leased l;
    perform op.reminder_report(1, 'tans', m.mail, m.token, result, code, code || ' said', refused)
       from mejora.mail m where m.institution = 'tans' and m.leased_until is not null;
    return told;
end $$;

insert into mejora.reminder_policy (institution) values ('tans');   -- nobody above hears of anything
select pg_temp.clock('2026-06-24 14:00+00') as now, lib.reminders_refresh('tans', null, null) as refreshed \gset
select is(pg_temp.ledger(1), '-7=0623 -3=0627 -1=0629 0=0630 7=0707', 'at first');
select is(pg_temp.send(), 'Ana Peña: tans/2026/2 tans/2026/1', 'what is due goes out');

-- ack
select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_ack(pg_temp.me('luz'), 'tans', 2026, 1, null) $$, '{"outcome": "not_found", "error": "nothing_to_answer"}'::jsonb, 'who is not reminded has nothing to answer'),
    ($$ op.reminder_ack(pg_temp.me('ana'), 'tans', 2026, 9, null) $$, '{"outcome": "not_found", "error": "no_such_action"}', 'no such action'),
    ($$ op.reminder_ack(pg_temp.me('ana'), 'tans', 2026, 1, 'lo sé') $$,
     '{"outcome": "ok", "next_on": "2026-06-30", "before": null, "after": {"answer": "ack", "until": "2026-06-24"}}', 'I know'),
    ($$ op.reminder_ack(pg_temp.me('ana'), 'tans', 2026, 1, null) $$, '{"outcome": "ok", "after": null}', 'said twice it changes nothing'),
    ($$ op.reminder_ack(pg_temp.me('ana'), 'tans', 2026, 2, null) $$, '{"outcome": "ok", "next_on": "2026-06-28"}', 'I know of what is overdue')) c (call, expect, says);
select is(pg_temp.ledger(1), '-7=sent -3=cancelled(acknowledged) -1=cancelled(acknowledged) 0=0630 7=0707', 'nothing more before the end');
select lib.reminders_refresh('tans', null, null) as refreshed \gset
select is(pg_temp.ledger(1), '-7=sent -3=cancelled(acknowledged) -1=cancelled(acknowledged) 0=0630 7=0707', 'and it stays so');
select is((select r.code from op.reminder_explain(1, 'tans', 2026, 1) x, unnest(x.reminders) r where r.rule = -1), 'acknowledged', 'explained');
select pg_temp.clock('2026-06-27 14:00+00') as now \gset
select is(pg_temp.send(), null, 'the day of a rule that was answered');

-- snooze: with the end ahead, then overdue
select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 1, null, null) $$, '{"outcome": "invalid", "error": "field_missing"}'::jsonb, 'until when?'),
    ($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 1, '2026-06-27', null) $$,
     '{"outcome": "invalid", "error": "snooze_range", "error_args": ["tans/2026/1", "2026-06-28", "2026-06-30"]}', 'not until today'),
    ($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 1, '2026-07-01', null) $$, '{"outcome": "invalid", "error": "snooze_range"}', 'not past the end'),
    ($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 1, '2026-06-29', null) $$,
     '{"outcome": "ok", "until": "2026-06-29", "next_on": "2026-06-29", "before": {"answer": "ack", "until": "2026-06-24"}, "after": {"answer": "snooze", "until": "2026-06-29"}}',
     'in the place of the answer before'),
    ($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 2, '2026-07-05', null) $$,
     '{"outcome": "invalid", "error": "snooze_range", "error_args": ["tans/2026/2", "2026-06-28", "2026-07-04"]}', 'what is overdue: a week at most'),
    ($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 2, '2026-07-03', null) $$, '{"outcome": "ok", "next_on": "2026-07-03"}', 'what is overdue')) c (call, expect, says);
select is((select string_agg(m.date || ' ' || m.refs::text, ', ' order by m.date) from op.reminder_simulate(1, 'tans', 2026, '2026-07-07'), unnest(mails) m where m.person = 'ana'),
          '2026-06-29 {tans/2026/1}, 2026-06-30 {tans/2026/1}, 2026-07-03 {tans/2026/2}, 2026-07-05 {tans/2026/2}, 2026-07-07 {tans/2026/1}', 'foreseen as answered');
select is(pg_temp.send(), null, 'put off: nothing today');
select pg_temp.clock('2026-06-29 14:00+00') as now \gset
select is(pg_temp.send(), 'Ana Peña: tans/2026/1', 'on its day it comes, once');
select pg_temp.clock('2026-06-30 14:00+00') as now \gset
select is(pg_temp.send(), 'Ana Peña: tans/2026/1', 'and on the last day the usual one');
select pg_temp.clock('2026-07-03 14:00+00') as now \gset
select is(pg_temp.send(), 'Ana Peña: tans/2026/2', 'the overdue one too');

-- An answer is about the dates and the action as they were
select pg_temp.asks($$ op.reminder_snooze(pg_temp.me('ana'), 'tans', 2026, 2, '2026-07-08', null) $$, '{"outcome": "ok"}', 'put off');
select outcome as done from op.progress_report(pg_temp.me('ana'), 'tans', 2026, 2, 100, null, 'acta', null) \gset
select is((select count(*) from mejora.reminder where item_no = 2 and institution = 'tans' and state = 'pending'), 0::bigint, 'done: what was asked for goes too');
select outcome as reopened from op.progress_report(pg_temp.me('ana'), 'tans', 2026, 2, 75, 'no se firmó', null, null) \gset
select is((select min(due_on) from mejora.reminder where item_no = 2 and institution = 'tans' and state = 'pending'), '2026-06-28', 'reopened: the answer is forgotten');

-- propose-date
select pg_temp.asks(call, expect, says) from (values
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2026-09-30', null) $$, '{"outcome": "invalid", "error": "field_missing", "error_args": ["why"]}'::jsonb, 'why?'),
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2026-06-30', 'x') $$, '{"outcome": "invalid", "error": "nothing_to_change"}', 'the end that it has'),
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2025-12-31', 'x') $$, '{"outcome": "invalid", "error": "dates_reversed"}', 'before its start'),
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 9, '2026-09-30', 'x') $$, '{"outcome": "not_found"}', 'no such action'),
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2026-08-31', 'Falta licitar') $$,
     '{"outcome": "ok", "decision": 1, "before": null, "after": {"decision": 1, "proposed_end_date": "2026-08-31"}}', 'proposed'),
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2026-09-30', 'Falta licitar') $$,
     '{"outcome": "ok", "decision": 1, "before": {"proposed_end_date": "2026-08-31"}}', 'proposed otherwise: the same question'),
    ($$ (select d.ref, d.code, d.args, d.was, d.now, d.state from op.decision_list(1, 'tans', null, false), unnest(decisions) d) $$,
     '{"ref": "tans/2026/1", "code": "date_proposed", "args": ["Ana Peña", "2026-06-30", "2026-09-30", "Falta licitar"], "was": "2026-06-30", "now": "2026-09-30", "state": "open"}', 'the planner sees it'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 1, true, '2026-02-30', null) $$, '{"outcome": "invalid", "error": "value_not_taken"}', 'a day that does not exist is no answer'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 1, true, '2025-02-01', null) $$, '{"outcome": "invalid", "error": "value_not_taken"}', 'nor one before the start'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 1, false, null, null) $$, '{"outcome": "ok"}', 'refused'),
    ($$ (select end_date from mejora.action where (institution, item_no) = ('tans', 1)) $$, '{"end_date": "2026-06-30"}', 'nothing has moved'),
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2026-09-30', 'De verdad falta') $$, '{"outcome": "ok", "decision": 1}', 'asked again'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 1, true, '2026-08-15', null) $$, '{"outcome": "ok"}', 'answered with a third date'),
    ($$ (select end_date, end_period from mejora.action where (institution, item_no) = ('tans', 1)) $$, '{"end_date": "2026-08-15", "end_period": "2026-08-15"}', 'that is the end now'),
    ($$ (select min(due_on) as next from mejora.reminder where (institution, item_no, state) = ('tans', 1, 'pending')) $$, '{"next": "2026-07-16"}', 'and the ledger follows'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 1, true, null, null) $$, '{"outcome": "ok"}', 'or as it was proposed'),
    ($$ (select end_date, end_period from mejora.action where (institution, item_no) = ('tans', 1)) $$, '{"end_date": "2026-09-30", "end_period": "T3-2026"}', 'in the plan''s words')) c (call, expect, says);
update mejora.plan set approved_at = now() where institution = 'tans';
select pg_temp.asks(call, expect, says) from (values
    ($$ op.action_propose_date(pg_temp.me('ana'), 'tans', 2026, 1, '2026-10-31', 'Otra vez') $$, '{"outcome": "ok", "decision": 2}'::jsonb, 'of an approved plan'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 2, true, null, null) $$, '{"outcome": "invalid", "error": "amendment_why_missing"}', 'accepting is an amendment'),
    ($$ op.decision_resolve(pg_temp.me('pla'), 'tans', 2, true, null, 'Resolución 4') $$, '{"outcome": "ok"}', 'with its reason')) c (call, expect, says);
update mejora.plan set approved_at = null where institution = 'tans';

-- Preferences
select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_prefer(pg_temp.me('ana'), 'tans', null, null, null, null, null) $$,
     '{"outcome": "ok", "person": "ana", "language": "es", "plain": false, "weekly": false, "hour": 0, "after": null}'::jsonb, 'how it is'),
    ($$ op.reminder_prefer(pg_temp.me('ana'), 'tans', null, 'fr', null, null, null) $$, '{"outcome": "invalid", "error_args": ["language"]}', 'a language there is not'),
    ($$ op.reminder_prefer(pg_temp.me('ana'), 'tans', null, null, null, null, 24) $$, '{"outcome": "invalid", "error_args": ["hour"]}', 'an hour there is not'),
    ($$ op.reminder_prefer(pg_temp.me('ana'), 'tans', 'luz', null, null, true, null) $$, '{"outcome": "denied"}', 'for somebody else'),
    ($$ op.reminder_prefer(pg_temp.me('pla'), 'tans', 'nadie', null, null, true, null) $$, '{"outcome": "not_found"}', 'for nobody'),
    ($$ op.reminder_prefer(pg_temp.me('pla'), 'tans', 'ana', 'en', true, true, 10) $$,
     '{"outcome": "ok", "after": {"person": "ana", "language": "en", "plain": true, "weekly": true, "hour": 10}}', 'Planificación for anybody')) c (call, expect, says);
-- 2026-08-31 is a Monday, 2026-09-01 (-30 of the end on 1 October) a Tuesday
update mejora.action set end_date = '2026-10-01', dates_version = 20 where (institution, item_no) = ('tans', 1);
delete from mejora.action_owner where institution = 'tans' and item_no = 2;
select pg_temp.clock('2026-09-01 13:30+00') as now, lib.reminders_refresh('tans', null, null) as refreshed \gset
select is(pg_temp.send(), null, 'weekly: not on a Tuesday');
select is((select r.code || ' ' || r.args::text from op.reminder_explain(1, 'tans', 2026, 1) x, unnest(x.reminders) r where r.rule = -30 and r.state = 'pending'), 'not_yet {2026-09-07,10}', 'explained');
select pg_temp.clock('2026-09-07 13:30+00') as now \gset
select is(pg_temp.send(), null, 'Monday, but before the hour');
select pg_temp.clock('2026-09-07 14:30+00') as now \gset
select is((select m.language || m.plain || m.name from op.reminder_lease(1, 'tans', 100, 600), unnest(mails) m), 'entrueAna Peña', 'Monday, after it: in the person''s language and form');
select op.reminder_report(1, 'tans', m.mail, m.token, 'sent', 250, null, null) as reported from mejora.mail m where m.institution = 'tans' and m.leased_until is not null \gset
select pg_temp.clock('2026-09-30 14:30+00') as now \gset
select is(pg_temp.send(), 'Ana Peña: tans/2026/1', 'the day before the end does not wait for Monday');

-- The check before a mail is handed over
select pg_temp.asks($$ op.reminder_prefer(pg_temp.me('ana'), 'tans', null, 'es', false, false, 0) $$, '{"outcome": "ok"}', 'as before');
select pg_temp.clock('2026-10-01 14:30+00') as now \gset
select m.mail, m.token from op.reminder_lease(1, 'tans', 100, 600), unnest(mails) m \gset
select set_config('test.mail', :'mail', true) as mail_is \gset
select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_check(1, 'tans', current_setting('test.mail')::bigint, 1) $$, '{"outcome": "ok"}'::jsonb, 'it holds'),
    ($$ op.reminder_check(1, 'tans', current_setting('test.mail')::bigint, 2) $$, '{"outcome": "conflict", "error": "lease_lost"}', 'not with another token'),
    ($$ op.reminder_ack(pg_temp.me('ana'), 'tans', 2026, 1, null) $$, '{"outcome": "ok"}', 'answered in the meantime'),
    ($$ op.reminder_check(1, 'tans', current_setting('test.mail')::bigint, 1) $$, '{"outcome": "conflict", "error": "mail_stale"}', 'it is stale')) c (call, expect, says);
delete from mejora.reminder_answer where institution = 'tans';
select outcome as done from op.progress_report(pg_temp.me('ana'), 'tans', 2026, 1, 100, null, 'acta', null) \gset
select pg_temp.asks($$ op.reminder_check(1, 'tans', current_setting('test.mail')::bigint, 1) $$,
                    ('{"outcome": "conflict", "error": "mail_stale", "error_args": ["' || :'mail' || '", "tans/2026/1"]}')::jsonb, 'done in the meantime: stale');
update mejora.mail set leased_until = now() - interval '1 s' where mail = :mail;
select pg_temp.asks($$ op.reminder_check(1, 'tans', current_setting('test.mail')::bigint, 1) $$, '{"outcome": "conflict", "error": "lease_lost"}', 'nor after the lease');
select is(pg_temp.send(), null, 'and what was done is never sent');

-- Refused addresses: luz has action 3, which ends on 31 December
select pg_temp.clock('2026-12-16 14:00+00') as now, lib.reminders_refresh('tans', null, null) as refreshed \gset
select is(pg_temp.send('never', 550, true), 'Luz Díaz: tans/2026/3', 'a relay refuses the address');
select is(pg_temp.send(), 'Paula Plan !luz@tans.example 550 said', 'the planner is told, without reminders of her own');
select pg_temp.clock('2026-12-17 14:00+00') as now \gset
select is(pg_temp.send(), null, 'once');
select pg_temp.asks(call, expect, says) from (values
    ($$ (select u.address, u.relay_code from op.reminder_list(1, 'tans', null, null, null, null), unnest(unreached) u) $$, '{"address": "luz@tans.example", "relay_code": 550}'::jsonb, 'listed'),
    ($$ (select array_agg(r.ref || r.rule) as dead from op.reminder_list(1, 'tans', null, null, null, 'failed'), unnest(reminders) r) $$, '{"dead": ["tans/2026/3-15"]}', 'dead letters'),
    ($$ op.reminder_resend(pg_temp.me('pla'), 'tans', 2026, 1, null, null) $$, '{"outcome": "ok", "again": 0, "after": null}', 'nothing to send again'),
    ($$ op.reminder_resend(pg_temp.me('pla'), 'tans', 2026, null, 'nadie', null) $$, '{"outcome": "not_found"}', 'nobody''s'),
    ($$ op.reminder_resend(pg_temp.me('pla'), 'tans', null, null, 'luz', null) $$, '{"outcome": "ok", "again": 1, "after": {"again": 1, "person": "luz"}}', 'once more')) c (call, expect, says);
select is(pg_temp.send('never', 550, true), 'Luz Díaz: tans/2026/3', 'it goes out, and is refused again');
select is(pg_temp.send(), null, 'which is nothing new to the planner');
select outcome as again from op.reminder_resend(pg_temp.me('pla'), 'tans', 2026, 3, null, null) \gset
select is(pg_temp.send(), 'Luz Díaz: tans/2026/3', 'the third time it is taken');
select is_empty($$ select from mejora.address_fault where institution = 'tans' $$, 'and the address is good again');
select m.mail as first_mail from mejora.mail m where m.institution = 'tans' and m.outcome = 'never' order by mail limit 1 \gset
select set_config('test.mail', :'first_mail', true) as mail_is \gset
select pg_temp.asks(call, expect, says) from (values
    ($$ (select s.name, s.address, s.result, s.message_id, (select jsonb_agg(jsonb_build_object('n', a.attempt, 'r', a.result, 'c', a.relay_code)) from unnest(s.attempts) a) as attempts
           from op.reminder_show(1, 'tans', current_setting('test.mail')::bigint) s) $$,
     jsonb_build_object('name', 'Luz Díaz', 'address', 'luz@tans.example', 'result', 'never', 'message_id', '<mail.' || :'first_mail' || '@tans.mejora>',
                        'attempts', '[{"n": 1, "r": "never", "c": 550}]'::jsonb), 'one mail, with what the relay said'),
    ($$ op.reminder_show(1, 'tans', 0) $$, '{"outcome": "not_found", "error": "no_such_mail"}', 'no such mail')) c (call, expect, says);

-- The next mail, before its day
select pg_temp.asks(call, expect, says) from (values
    ($$ (select p.date, (p.mail).name, (p.mail).address, (select array_agg(i.ref || i.days_left) from unnest((p.mail).items) i) as items
           from op.reminder_preview(pg_temp.me('pla'), 'tans', 'luz') p) $$,
     '{"date": "2026-12-24", "name": "Luz Díaz", "address": "luz@tans.example", "items": ["tans/2026/37"]}'::jsonb, 'what comes next'),
    ($$ op.reminder_preview(pg_temp.me('luz'), 'tans', null) $$, '{"outcome": "ok", "date": "2026-12-24"}', 'one''s own'),
    ($$ op.reminder_preview(pg_temp.me('luz'), 'tans', 'pla') $$, '{"outcome": "denied"}', 'not somebody else''s'),
    ($$ op.reminder_preview(pg_temp.me('pla'), 'tans', 'nadie') $$, '{"outcome": "not_found", "error": "no_such_person"}', 'nobody''s'),
    ($$ op.reminder_preview(pg_temp.me('pla'), 'tans', null) $$, '{"outcome": "not_found", "error": "nothing_foreseen"}', 'nothing to come')) c (call, expect, says);

select * from finish();
rollback;
