-- As of a past day: which day an instant belongs to, what is shown of it, and who may write what is remembered.
begin;
select plan(53);
\ir support/ask.psql

create function pg_temp.then(as_of text, call text, expected jsonb, says text) returns text language plpgsql as $$
begin
    perform lib.go_back('tpst', as_of);
    return pg_temp.asks(call, expected, format('%s: %s', as_of, says));
end $$;

-- What happened, with the triggers off: each row below is what there was until then.
set local session_replication_role = replica;
insert into mejora.institution values ('tpst', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tps2', 'Otro', 'Asia/Tokyo');
insert into mejora.unit (institution, unit, name) values ('tpst', 'ti', 'Tecnología'), ('tpst', 'rrhh', 'Gestión Humana');
insert into mejora.person (institution, code, name, roles) values ('tpst', 'pla', 'Paula Plan', '{planner}');
insert into mejora.plan (institution, year, title, approved_at) values ('tpst', 2026, 'Plan 2026', '2026-06-20 12:00+00'), ('tps2', 2026, 'Otro plan', null);
insert into mejora.action (institution, plan, item_no, actions, start_period, end_period, start_date, end_date, annulled_at, annulled_why) values
    ('tpst', 2026, 1, '{Uno}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', null, null),
    ('tpst', 2026, 2, '{Dos}', 'T1-2026', 'T3-2026', '2026-01-01', '2026-09-30', '2026-07-01 12:00+00', 'sobra'),
    ('tps2', 2026, 1, '{Ajena}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', null, null);
insert into mejora.action_owner values ('tpst', 2026, 1, 'ti', 0), ('tpst', 2026, 2, 'ti', 0);
insert into history.plan (institution, year, until, gone, was) values ('tpst', 2026, '2026-06-01 04:00+00', false, null),
    ('tpst', 2026, '2026-06-20 12:00+00', false, to_jsonb(row('tpst', 2026, 'Borrador', 2020, 'quarter', null, null, null, '[]')::mejora.plan)),
    ('tps2', 2026, '2026-06-20 12:00+00', false, to_jsonb(row('tps2', 2026, 'Borrador ajeno', 2020, 'quarter', null, null, null, '[]')::mejora.plan));
insert into history.action (institution, plan, item_no, until, gone, was)
select 'tpst', 2026, h.item_no, h.until, false, to_jsonb(a) || h.fields
  from (values (1, timestamptz '2026-06-15 03:30+00', '{"end_date": "2026-06-30", "actions": ["Antes"]}'::jsonb),   -- 23:30 of the 14th there
               (1, '2026-06-15 04:00+00', '{"end_date": "2026-09-30"}'),                                         -- the 15th begins
               (2, '2026-07-01 12:00+00', '{"annulled_at": null, "annulled_why": null}')) h (item_no, until, fields)
  join mejora.action a on (a.institution, a.plan, a.item_no) = ('tpst', 2026, h.item_no);
insert into history.action_owner (institution, plan, item_no, unit, until, gone, was) values
    ('tpst', 2026, 1, 'ti', '2026-06-15 12:00+00', false, null),                                                  -- came
    ('tpst', 2026, 1, 'rrhh', '2026-06-15 12:00+00', true, '{"institution": "tpst", "plan": 2026, "item_no": 1, "unit": "rrhh", "position": 0}'),
    ('tpst', 2026, 2, 'ti', '2026-06-10 12:00+00', true, '{"institution": "tpst", "plan": 2026, "item_no": 2, "unit": "ti", "position": 3}'), -- went
    ('tpst', 2026, 2, 'ti', '2026-06-12 12:00+00', false, null);                                                           -- and came back
insert into history.unit (institution, unit, until, gone, was) values
    ('tpst', 'rrhh', '2026-06-18 12:00+00', false, '{"institution": "tpst", "unit": "rrhh", "name": "Recursos Humanos", "provisional": false}');
insert into mejora.progress (institution, plan, item_no, version, person, percent, at) values
    ('tpst', 2026, 1, 1, 1, 50, '2026-06-05 12:00+00'), ('tpst', 2026, 1, 2, 1, 100, '2026-06-25 12:00+00'), ('tpst', 2026, 1, 3, 1, 75, '2026-07-02 12:00+00');
set local session_replication_role = origin;
select set_config('mejora.institution', 'tpst', true) as here, set_config('mejora.now', '2026-11-20 16:00+00', true) as now \gset

select is(at, expect, 'as of ' || as_of)
  from (values
    ('2026-06-14',                       '2026-06-15 03:59:59.999999+00'),   -- a day is meant to its end, where the institution is
    ('2026-06-14T23:30',                 '2026-06-15 03:30:00+00'),          -- without a zone the institution's
    ('2026-06-14 23:30:15.5',            '2026-06-15 03:30:15.5+00'),
    ('2026-06-14T23:30:15Z',             '2026-06-14 23:30:15+00'),
    ('2026-06-14T23:30+02:00',           '2026-06-14 21:30:00+00'),
    ('2024-02-29',                       '2024-03-01 03:59:59.999999+00'),
    ('2026-02-29',                       'as_of_malformed'),
    ('2026-6-1',                         'as_of_malformed'),
    ('2026-06-14T25:00',                 'as_of_malformed'),
    ('2026-06-14T23:30+99:00',           'as_of_malformed'),
    ('ayer',                             'as_of_malformed'),
    ('',                                 'as_of_malformed'),
    ('2999-12-31',                       'as_of_future'),
    ('2999-12-31T00:00Z',                'as_of_future')) c (as_of, expect),
  lateral lib.go_back('tpst', as_of) b, lateral (select coalesce(b.error, current_setting('mejora.as_of'))) s (at);
select is((lib.go_back('tps2', '2026-06-14')).error, null, 'in Tokyo too');
select is(current_setting('mejora.as_of'), '2026-06-14 14:59:59.999999+00', 'a day ends there when it does');
select is((lib.go_back('tpst', greatest(now(), lib.now())::date::text)).error, null, 'today is not the future');
select ok(current_setting('mejora.as_of')::timestamptz between greatest(now(), lib.now()) - interval '1 day' and greatest(now(), lib.now()), 'but not later than now');

select pg_temp.then(as_of, call, expect, says) from (values
    ('2026-05-31', $$ op_past.plan_show(1, 'tpst', 2026) $$, '{"outcome": "not_found", "error": "no_such_plan"}'::jsonb, 'no plan yet'),
    ('2026-05-31', $$ lib.missing_then('tpst', 2026, null, '2026-05-31', 'no_such_plan', '{tpst/2026}') $$,
     '{"error": "no_plan_then", "args": ["tpst/2026", "2026-05-31"]}', 'which is said with the day'),
    ('2026-05-31', $$ lib.missing_then('tpst', 2027, null, '2026-05-31', 'no_such_plan', '{tpst/2027}') $$,
     '{"error": "no_such_plan", "args": ["tpst/2027"]}', 'what is not there now either is just not there'),
    ('2026-05-31', $$ lib.missing_then('tpst', 2026, 9, '2026-05-31', 'no_such_action', '{tpst/2026/9}') $$,
     '{"error": "no_such_action", "args": ["tpst/2026/9"]}', 'an action neither'),
    ('2026-05-31', $$ lib.missing_then('tpst', null, null, '2026-05-31', 'no_such_unit', '{x}') $$, '{"error": "no_such_unit", "args": ["x"]}', 'other words stay'),
    ('2026-05-31', $$ (select cardinality(l.plans) as n from op_past.plan_list(1, 'tpst') l) $$, '{"n": null}', 'nor in the list'),
    ('2026-06-01', $$ (select (s.plan).title, (s.plan).state, (s.plan).actions from op_past.plan_show(1, 'tpst', 2026) s) $$,
     '{"title": "Borrador", "state": "draft", "actions": 2}', 'a draft, with what was annulled later'),
    ('2026-06-20', $$ (select (s.plan).title, (s.plan).state, (s.plan).actions from op_past.plan_show(1, 'tpst', 2026) s) $$,
     '{"title": "Plan 2026", "state": "approved", "actions": 2}', 'approved'),
    ('2026-07-01', $$ (select (s.plan).actions, (s.plan).reported, (s.plan).done from op_past.plan_show(1, 'tpst', 2026) s) $$,
     '{"actions": 1, "reported": 1, "done": 1}', 'one is annulled, one done'),
    ('2026-07-02', $$ (select (s.plan).actions, (s.plan).reported, (s.plan).done from op_past.plan_show(1, 'tpst', 2026) s) $$,
     '{"actions": 1, "reported": 1, "done": 0}', 'and not done after all'),
    ('2026-06-13', $$ (select (s.action).actions, (s.action).end_date, (s.action).state, (s.action).percent from op_past.action_show(1, 'tpst', 2026, 1) s) $$,
     '{"actions": ["Antes"], "end_date": "2026-06-30", "state": "due_soon", "percent": 50}', 'as it was, and how that stood on that day'),
    ('2026-06-14', $$ (select (s.action).actions, (s.action).end_date, (s.action).state from op_past.action_show(1, 'tpst', 2026, 1) s) $$,
     '{"actions": ["Uno"], "end_date": "2026-09-30", "state": "in_progress"}', 'changed half an hour before midnight'),
    ('2026-06-15', $$ (select (s.action).end_date, (s.action).state from op_past.action_show(1, 'tpst', 2026, 1) s) $$,
     '{"end_date": "2026-12-31", "state": "in_progress"}', 'changed again at midnight'),
    ('2026-06-15T03:29:59.999999Z', $$ (select (s.action).end_date from op_past.action_show(1, 'tpst', 2026, 1) s) $$, '{"end_date": "2026-06-30"}', 'just before'),
    ('2026-06-15T03:30Z', $$ (select (s.action).end_date from op_past.action_show(1, 'tpst', 2026, 1) s) $$, '{"end_date": "2026-09-30"}', 'at that instant'),
    ('2026-06-30', $$ (select (s.action).state, s.annulled_why from op_past.action_show(1, 'tpst', 2026, 2) s) $$, '{"annulled_why": null}', 'not annulled yet'),
    ('2026-07-01', $$ (select (s.action).state, s.annulled_why from op_past.action_show(1, 'tpst', 2026, 2) s) $$,
     '{"state": "annulled", "annulled_why": "sobra"}', 'annulled'),
    ('2026-06-04', $$ (select (s.action).percent from op_past.action_show(1, 'tpst', 2026, 1) s) $$, '{"percent": null}', 'not reported yet'),
    ('2026-06-30', $$ (select cardinality(h.entries) as n from op_past.progress_history(1, 'tpst', 2026, 1) h) $$, '{"n": 2}', 'the history ends with the day'),
    ('2026-06-14', $$ (select o.* from op_past.action_show(1, 'tpst', 2026, 1) s, unnest((s.action).owners) o) $$,
     '{"code": "rrhh", "unit": "Recursos Humanos"}', 'the owner of then, who is none now, under the name of then'),
    ('2026-06-16', $$ (select o.* from op_past.action_show(1, 'tpst', 2026, 1) s, unnest((s.action).owners) o) $$, '{"code": "ti"}', 'the owner of now'),
    ('2026-06-09', $$ (select o.lead from op_past.action_show(1, 'tpst', 2026, 2) s, unnest((s.action).owners) o) $$, '{"lead": false}', 'one who went'),
    ('2026-06-10', $$ (select (s.action).owners from op_past.action_show(1, 'tpst', 2026, 2) s) $$, '{"owners": null}', 'is gone'),
    ('2026-06-12', $$ (select o.lead from op_past.action_show(1, 'tpst', 2026, 2) s, unnest((s.action).owners) o) $$, '{"lead": true}', 'and comes back'),
    ('2026-06-13', $$ (select s.today, (s.total).overdue, (s.total).due_soon, (s.total).percent from op_past.status(1, 'tpst', 2026) s) $$,
     '{"today": "2026-06-13", "overdue": 0, "due_soon": 1, "percent": 25}', 'the board of that day'),
    ('2026-06-13', $$ (select count(*) as n from past.plan p where p.institution = 'tps2') $$, '{"n": 0}', 'nothing of another institution, nor of its past')) c (as_of, call, expect, says);

-- What a change leaves
update mejora.unit set name = name where institution = 'tpst';
select is(count(*), 1::bigint, 'a change that changes nothing leaves nothing') from history.unit where institution = 'tpst';
insert into history.unit (institution, unit, until, gone, was) values ('tpst', 'ti', now() + interval '1 hour', false, null);
update mejora.unit set name = 'TI' where (institution, unit) = ('tpst', 'ti');
select is(max(until), now() + interval '1 hour', 'a later change has no earlier instant, whatever its transaction''s clock says')
  from history.unit where (institution, unit) = ('tpst', 'ti') and was is not null;

-- Who may write it
select set_config('mejora.institution', '*', true) as here \gset
set local role mejora_server;
select count(*) as forbidden
  from pg_class c, unnest('{insert,update,delete,truncate,trigger}'::text[]) p
 where c.relnamespace = 'history'::regnamespace and c.relkind = 'r' and has_table_privilege(c.oid, p) \gset
select has_function_privilege('history.track(text)', 'execute') as tracks \gset
reset role;
select is(:forbidden, 0, 'the server can neither add to what is remembered nor change it');
select is(:'tracks'::boolean, false, 'nor have more remembered');
prepare rewrite as update history.unit set was = null;
select throws_ok('rewrite', 'P0001', 'the audit trail is only ever added to', 'the owner cannot change it');
select throws_ok('truncate history.unit', 'P0001', 'the audit trail is only ever added to', 'nor empty it');
select is(string_agg(c.relname, ' '), null, 'everything remembered is kept apart by institution')
  from pg_class c where c.relnamespace = 'history'::regnamespace and c.relkind = 'r' and not c.relrowsecurity;
select is(string_agg(c.relname, ' '), null, 'and shown with the rights of whoever asks')
  from pg_class c where c.relnamespace = 'past'::regnamespace and c.relkind = 'v' and not 'security_invoker=true' = any (c.reloptions);
select is(string_agg(c.relname, ' ' order by c.relname), 'mail reminder', 'what is updated and not remembered')
  from pg_class c
 where c.relnamespace = 'mejora'::regnamespace and c.relkind = 'r' and to_regclass('history.' || c.relname) is null
   and c.relname not in ('progress', 'import', 'import_row', 'caf2020', 'units', 'mail_attempt');
select * from finish();
rollback;
