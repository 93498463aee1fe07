-- Who hears on which day; what is asked of whom when nothing happens; deadlines of a plan; and that the ledger follows every
-- change of people, dates and activity in the same transaction.
begin;
select plan(111);
\ir support/ask.psql

insert into mejora.institution values ('thea', 'Instituto de Prueba'), ('the2', 'Otro');
select set_config('mejora.institution', 'thea', true) as here \gset
insert into mejora.person (institution, code, name, email, roles)
select 'thea', c, initcap(c), c || '@thea.example', case c when 'pla' then '{planner}' when 'aut' then '{authority}' else '{responsable}' end::mejora.role[]
  from unnest('{ana,luz,sol,rey,sec,jef,pla,aut}'::text[]) c;
insert into mejora.person (institution, code, name, email, roles) values ('thea', 'sin', 'Sin', null, '{responsable}');
insert into mejora.unit (institution, unit, name) values
    ('thea', 'dir', 'Dirección'), ('thea', 'ti', 'Tecnología'), ('thea', 'rrhh', 'Recursos'), ('thea', 'com', 'Comité'), ('thea', 'sola', 'Sola');
insert into mejora.member (institution, person, unit) select 'thea', pg_temp.me(c), 'rrhh' from unnest('{sol,rey}'::text[]) c;
insert into mejora.plan (institution, year, title) values ('thea', 2026, 'Plan');
create function pg_temp.clock(at text) returns void language sql as $$ select set_config('mejora.now', at, true) $$;
select pg_temp.clock('2026-03-02 11:00+00') as now \gset

-- Saying who stands for what
select pg_temp.asks(call, expect, says) from (values
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'Tecnologia', 'holder', 'ana', '2026-01-01', null, null) $$,
     '{"outcome": "ok", "unit": {"code": "ti", "holder": "ana", "deputy": null}, "before": null,
       "after": {"unit": "ti", "post": "holder", "person": "ana", "first_day": "2026-01-01", "last_day": null}}'::jsonb, 'a holder'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', 'holder', 'ana', null, null, null) $$, '{"outcome": "ok", "after": null}', 'who is there already'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', 'deputy', 'luz', null, null, null) $$, '{"unit": {"deputy": "luz"}}', 'a deputy, from today on'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'com', 'secretary', 'sec', null, null, null) $$, '{"unit": {"secretary": "sec"}}', 'a secretary'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'dir', 'holder', 'jef', '2026-01-01', null, null) $$, '{"outcome": "ok"}', 'the head of all'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'nada', 'holder', 'jef', null, null, null) $$, '{"error": "no_such_unit", "error_args": ["nada"]}', 'no such unit'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', 'holder', 'nadie', null, null, null) $$, '{"error": "no_such_person"}', 'no such person'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', null, 'ana', null, null, null) $$, '{"error": "field_missing", "error_args": ["post"]}', 'as what?'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', 'holder', null, null, null, null) $$, '{"error": "field_missing", "error_args": ["person"]}', 'who, or until when?'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', 'holder', 'ana', '2026-05-02', '2026-05-01', null) $$, '{"error": "dates_reversed"}', 'gone before there'),
    ($$ op.unit_appoint(pg_temp.me('pla'), 'the2', 'ti', 'holder', 'ana', null, null, null) $$, '{"error": "no_such_institution"}', 'another institution'),
    ($$ op.unit_set(pg_temp.me('pla'), 'thea', 'ti', null, null, 'Dirección', null, null) $$,
     '{"unit": {"parent": "dir"}, "before": {"parent": null}, "after": {"parent": "dir"}}', 'what is above'),
    ($$ op.unit_set(pg_temp.me('pla'), 'thea', 'dir', null, null, 'ti', null, null) $$, '{"error": "unit_circle", "error_args": ["dir", "ti"]}', 'not above itself'),
    ($$ op.unit_set(pg_temp.me('pla'), 'thea', 'rrhh', null, 'rrhh@thea.example', null, 'jef', null) $$, '{"unit": {"manager": "jef", "email": "rrhh@thea.example"}}', 'a person above'),
    ($$ op.unit_set(pg_temp.me('pla'), 'thea', 'rrhh', null, 'x', null, null, null) $$, '{"error": "email_malformed"}', 'an address that is none'),
    ($$ op.unit_set(pg_temp.me('pla'), 'thea', 'rrhh', null, null, null, 'nadie', null) $$, '{"error": "no_such_person"}', 'nobody above'),
    ($$ op.unit_set(pg_temp.me('pla'), 'thea', 'rrhh', null, null, null, null, null) $$, '{"error": "nothing_to_change"}', 'nothing named'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'ana', '2026-04-06', '2026-04-17', null, 'Vacaciones') $$,
     '{"person": {"absences": [{"first_day": "2026-04-06", "last_day": "2026-04-17", "why": "Vacaciones"}]}}', 'away for two weeks'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'luz', '2026-04-13', '2026-04-24', null, null) $$, '{"outcome": "ok"}', 'the deputy too, for a week of them'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'luz', '2026-04-13', '2026-04-24', null, null) $$, '{"after": null, "before": null}', 'the same again'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'luz', '2026-04-13', '2026-04-01', null, null) $$, '{"error": "dates_reversed"}', 'back before gone'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'luz', null, null, null, null) $$, '{"error": "field_missing", "error_args": ["last_day"]}', 'until when?'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'luz', '2026-04-14', null, true, null) $$, '{"error": "no_such_absence"}', 'no such absence'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'jef', '2026-04-15', '2026-04-16', null, null) $$, '{"outcome": "ok"}', 'and the head for two days'),
    ($$ op.person_absent(pg_temp.me('pla'), 'thea', 'pla', '2026-04-16', '2026-04-16', null, null) $$, '{"outcome": "ok"}', 'and Planificación for one'),
    ($$ op.person_leave(pg_temp.me('pla'), 'thea', 'sol', '2026-05-31', null, null) $$, '{"person": {"last_day": "2026-05-31"}}', 'somebody leaves'),
    ($$ op.person_leave(pg_temp.me('pla'), 'thea', 'sol', null, null, null) $$, '{"error": "field_missing"}', 'when?'),
    ($$ op.person_set(pg_temp.me('pla'), 'thea', 'rey', 'Rey Díaz', 'rey.diaz@thea.example', null, null, null) $$,
     '{"person": {"name": "Rey Díaz", "email": "rey.diaz@thea.example", "units": ["rrhh"], "roles": ["responsable"]}}', 'another name and address'),
    ($$ op.person_set(pg_temp.me('pla'), 'thea', 'rey', null, null, '{admin}', null, null) $$, '{"outcome": "denied", "error": "grant_denied"}', 'no role that one may not give'),
    ($$ op.person_set(pg_temp.me('pla'), 'thea', 'rey', null, null, null, '{nada}', null) $$, '{"error": "no_such_unit"}', 'no such unit'),
    ($$ op.person_set(pg_temp.me('pla'), 'thea', 'rey', null, null, null, '{sola,rrhh}', null) $$, '{"before": {"units": ["rrhh"]}, "after": {"units": ["rrhh", "sola"]}}', 'another unit'),
    ($$ op.person_set(pg_temp.me('pla'), 'thea', 'rey', null, null, null, '{rrhh}', null) $$, '{"after": {"units": ["rrhh"]}}', 'and out of it')) c (call, expect, says);

-- Who hears for a unit on a day
select is((select string_agg(p.code || ':' || h.hears_as, ' ' order by p.code) from lib.hearers('thea', c.unit, c.day) h join mejora.person p on p.id = h.person),
          c.expect, 'hears: ' || c.what)
  from (values ('ti', date '2026-03-02', 'ana:holder', 'the holder'), ('ti', '2026-04-05', 'ana:holder', 'the day before she goes'),
               ('ti', '2026-04-06', 'luz:deputy', 'away: the deputy'), ('ti', '2026-04-13', 'jef:manager', 'both away: above'),
               ('ti', '2026-04-15', 'pla:planner', 'all away: Planificación'), ('ti', '2026-04-16', 'aut:authority', 'that too: the authority'),
               ('ti', '2026-04-18', 'ana:holder', 'the day she is back'), ('rrhh', '2026-05-31', 'rey:member sol:member', 'no holder: everybody'),
               ('rrhh', '2026-06-01', 'rey:member', 'without who left'), ('com', '2026-03-02', 'sec:secretary', 'a committee''s secretary'),
               ('sola', '2026-03-02', 'pla:planner', 'nobody in it and nobody above'), (null, '2026-03-02', 'pla:planner', 'the plan itself'),
               (null, '2026-04-16', 'aut:authority', 'with Planificación away')) c (unit, day, expect, what);
select is(lib.address(p, '2026-03-02'), null, 'no address') from mejora.person p where (institution, code) = ('thea', 'sin');
select pg_temp.asks($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'rrhh', 'holder', 'sin', '2026-07-01', '2026-07-31', null) $$, '{"outcome": "ok"}', 'a holder for July');
select is(lib.address(p, '2026-07-01'), 'rrhh@thea.example', 'the unit''s, while it is his') from mejora.person p where (institution, code) = ('thea', 'sin');
select is(lib.address(p, '2026-08-01'), null, 'and no longer') from mejora.person p where (institution, code) = ('thea', 'sin');
select is(lib.unit_below('thea', 'ti', 'dir'), true, 'below');
select pg_temp.asks($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'com', 'secretary', null, null, '2026-03-31', null) $$,
                    '{"before": {"last_day": null}, "after": {"person": "sec", "last_day": "2026-03-31"}, "unit": {"secretary": "sec"}}', 'a secretary goes');
select is((select string_agg(hears_as::text, ' ') from lib.hearers('thea', 'com', '2026-04-01')), 'member', 'and stays one of its people');

-- The ledger of an action of ti that ends on Friday 2026-04-10, when ana is away
insert into mejora.action (institution, plan, item_no, title, actions, start_period, end_period, start_date, end_date)
values ('thea', 2026, 1, 'Uno', '{a}', 'T1-2026', 'T2-2026', '2026-01-01', '2026-04-10');
insert into mejora.action_owner values ('thea', 2026, 1, 'ti', 0);
create function pg_temp.ledger(of_kind mejora.reminder_kind, of_state mejora.reminder_state default 'pending') returns text language sql as $$
    select string_agg(p.code || r.rule || to_char(r.due_on, ' MM-DD') || coalesce('(' || r.reason || ')', ''), ', ' order by r.due_on, p.code)
      from mejora.reminder r join mejora.person p on p.id = r.person
     where (r.institution, r.item_no, r.kind, r.state) = ('thea', case of_kind when 'deadline' then 0 else 1 end, of_kind, of_state)
$$;
create function pg_temp.send() returns text language plpgsql as $$
declare
    m op.mail;
    told text;
begin
    for m in select x.* from op.reminder_lease(1, 'thea', 100, null), unnest(mails) x order by x.address loop
        told := concat_ws(' | ', told, (select m.address || ': ' || string_agg(concat_ws(' ', i.ref, i.kind, i.hears_as, i.asks), ', ') from unnest(m.items) i));
        perform op.reminder_report(1, 'thea', m.mail, m.token, 'sent', 250, null, null);
    end loop;
    return told;
end $$;
select lib.reminders_refresh('thea', null, null) as refreshed \gset
select is(pg_temp.ledger('term'), 'ana-30 03-11, ana-15 03-26, ana-7 04-03, luz-3 04-07, luz-1 04-09, luz0 04-10, jef7 04-17', 'who is there on the day');
select is(pg_temp.ledger('escalation'), 'jef10 04-24, pla15 05-01, aut20 05-11', 'steps in working days; the deputy is away on hers');
select pg_temp.asks($$ op.person_absent(pg_temp.me('pla'), 'thea', 'luz', '2026-04-13', null, true, null) $$, '{"after": null, "before": {"person": "luz"}}', 'she stays after all');
select is(pg_temp.ledger('escalation'), 'jef10 04-24, pla15 05-01, aut20 05-11', 'as the deputy she hears that day anyway');
select is(pg_temp.ledger('term', 'cancelled'), 'jef7 04-17(owner_changed)', 'who hears instead no more');
select pg_temp.asks($$ op.unit_appoint(pg_temp.me('pla'), 'thea', 'ti', 'holder', 'sec', '2026-03-20', null, null) $$, '{"outcome": "ok"}', 'another holder from a day on');
select is(pg_temp.ledger('term'), 'ana-30 03-11, sec-15 03-26, sec-7 04-03, sec-3 04-07, sec-1 04-09, sec0 04-10, sec7 04-17', 'the ledger follows');
select is(pg_temp.ledger('escalation'), 'luz5 04-17, jef10 04-24, pla15 05-01, aut20 05-11', 'and the steps');
select pg_temp.asks($$ op.person_leave(pg_temp.me('pla'), 'thea', 'sec', '2026-04-08', null, null) $$, '{"outcome": "ok"}', 'who leaves soon');
select is(pg_temp.ledger('term'), 'ana-30 03-11, sec-15 03-26, sec-7 04-03, sec-3 04-07, luz-1 04-09, luz0 04-10, luz7 04-17', 'hears nothing after that');
select is(pg_temp.ledger('term', 'cancelled'), 'ana-15 03-26(owner_changed), ana-7 04-03(owner_changed), luz-3 04-07(owner_changed), sec-1 04-09(left), '
                                               'sec0 04-10(left), jef7 04-17(owner_changed), sec7 04-17(left)', 'each with its reason');

-- A mail: what it says and asks for. Then an outage over the end, and everything that is due at once
select pg_temp.clock('2026-03-11 12:00+00') as now \gset
select is(pg_temp.send(), 'ana@thea.example: thea/2026/1 term holder {report,evidence}', 'the first one');
select is(pg_temp.send(), null, 'once');
select pg_temp.asks($$ op.person_absent(pg_temp.me('pla'), 'thea', 'sec', '2026-03-26', '2026-03-27', null, null) $$, '{"outcome": "ok"}', 'away on the day');
select pg_temp.clock('2026-03-26 12:00+00') as now \gset
select is(pg_temp.send(), 'luz@thea.example: thea/2026/1 term deputy {report,evidence}', 'the deputy hears');
select pg_temp.clock('2026-03-28 12:00+00') as now \gset
select lib.reminders_refresh('thea', null, null) as refreshed \gset
select is(pg_temp.send(), null, 'who is back is not told what the unit was told');
select pg_temp.asks($$ op.progress_report(pg_temp.me('luz'), 'thea', 2026, 1, 50, null, 'Borrador', null) $$, '{"outcome": "ok"}', 'a report with evidence');
select pg_temp.clock('2026-04-09 12:00+00') as now \gset
insert into mejora.absence values ('thea', pg_temp.me('luz'), '2026-04-09', '2026-04-09');
select is(pg_temp.send(), 'jef@thea.example: thea/2026/1 term manager {report}', 'due with the deputy: who was taken ill that morning is not told');
delete from mejora.absence where person = pg_temp.me('luz');
select pg_temp.clock('2026-05-06 12:00+00') as now \gset
select is(pg_temp.send(), 'jef@thea.example: thea/2026/1 escalation manager {report} | luz@thea.example: thea/2026/1 term deputy {report} | '
                          'pla@thea.example: thea/2026/1 escalation planner {report}', 'after an outage: each once, and no step twice');
select is((select count(*)::int from mejora.reminder where institution = 'thea' and state = 'pending' and due_on <= '2026-05-06'), 0, 'nothing stale stays');

-- Activity begins the escalation anew; 100 % ends it; reopening begins it again
select is(pg_temp.ledger('escalation'), 'aut20 05-11', 'the authority would be next');
select pg_temp.asks($$ op.progress_report(pg_temp.me('luz'), 'thea', 2026, 1, 75, null, null, null) $$, '{"outcome": "ok"}', 'a report');
select is(pg_temp.ledger('escalation'), 'jef10 05-20, pla15 05-27, aut20 06-03', 'counts from today');
select matches(pg_temp.ledger('escalation', 'cancelled'), 'aut20 05-11\(activity\)', 'because of activity');
insert into mejora.task (institution, plan, item_no, task_no, text) values ('thea', 2026, 1, 1, 'Tarea');
select pg_temp.clock('2026-05-08 12:00+00') as now \gset
select pg_temp.asks($$ op.task_done(pg_temp.me('luz'), 'thea', 2026, 1, 1, null, null) $$, '{"outcome": "ok"}', 'a task');
select matches(pg_temp.ledger('escalation'), '^jef10 05-22, pla15 05-29, aut20 06-08', 'counts from then');
select pg_temp.clock('2026-05-11 12:00+00') as now \gset
select pg_temp.asks($$ op.action_edit(pg_temp.me('luz'), 'thea', 2026, 1, null, null, null, null, null, null, '{"Se espera la firma"}', null, null, null, null, null, null, null, null, null) $$,
                    '{"outcome": "ok"}', 'a comment');
select matches(pg_temp.ledger('escalation'), '^jef10 05-25, ', 'counts from then too');
select pg_temp.asks($$ op.progress_report(pg_temp.me('luz'), 'thea', 2026, 1, 100, null, 'Acta', null) $$, '{"outcome": "ok"}', 'done');
select is(concat(pg_temp.ledger('escalation'), pg_temp.ledger('term')), '', 'nothing more');
select pg_temp.clock('2026-05-12 12:00+00') as now \gset
select pg_temp.asks($$ op.progress_report(pg_temp.me('luz'), 'thea', 2026, 1, 75, 'Faltaba', null, null) $$, '{"outcome": "ok"}', 'reopened');
select matches(pg_temp.ledger('escalation'), '^jef10 05-26, ', 'from the start');

-- Silence
select pg_temp.asks(call, expect, says) from (values
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, '3', null, null, null, null, null, null, ' planificación: 8 ,Suplente:2', 4, 'reporte') $$,
     '{"outcome": "ok", "policy": {"escalation": "deputy:2,planner:8", "silent_weeks": 4, "asks": "report"}}'::jsonb, 'in Spanish, in order'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, null, null, 7, null, null, null, null, null, null, null) $$,
     '{"outcome": "ok", "before": null, "after": null, "policy": {"escalation": "deputy:2,planner:8", "asks": "report"}}', 'what is not named stays'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, null, null, null, null, null, null, null, 'deputy:0', null, null) $$, '{"error_args": ["escalation"]}', 'no days'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, null, null, null, null, null, null, null, 'deputy:2,deputy:3', null, null) $$, '{"error_args": ["escalation"]}', 'twice'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, null, null, null, null, null, null, null, 'boss:2', null, null) $$, '{"error_args": ["escalation"]}', 'nobody'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, null, null, null, null, null, null, null, null, 53, null) $$, '{"error_args": ["silent_weeks"]}', 'weeks'),
    ($$ op.reminder_policy_set(pg_temp.me('pla'), 'thea', null, null, null, null, null, null, null, null, null, null, 'money') $$, '{"error_args": ["asks"]}', 'asks'),
    ($$ op.action_edit(pg_temp.me('pla'), 'thea', 2026, 1, null, null, null, null, null, null, null, null, '2026-12-31', null, null, null, null, null, null, 'x') $$,
     '{"outcome": "ok"}', 'and more time')) c (call, expect, says);
select is(pg_temp.ledger('silence'), 'luz4 06-09', 'a report in four weeks');
select pg_temp.clock('2026-07-10 12:00+00') as now, lib.reminders_refresh('thea', null, null) as refreshed \gset
select is(pg_temp.ledger('silence'), 'luz8 07-07, luz12 08-04', 'of those that were missed only the last, and the next');
select is(pg_temp.send(), 'luz@thea.example: thea/2026/1 silence deputy {report}', 'is sent');
select pg_temp.asks($$ op.progress_report(pg_temp.me('luz'), 'thea', 2026, 1, 75, 'Igual', null, null) $$, '{"outcome": "ok"}', 'a report');
select is(pg_temp.ledger('silence'), 'luz4 08-07', 'silence begins anew');

-- Deadlines of the plan
select pg_temp.asks(call, expect, says) from (values
    ($$ op.deadline_add(pg_temp.me('pla'), 'thea', 2026, 'Informe de avance', '2026-08-31', '50 de 100', null) $$,
     '{"outcome": "ok", "deadline": {"name": "Informe de avance", "due_on": "2026-08-31", "points": "50 de 100", "days_left": 52}}'::jsonb, 'a deadline'),
    ($$ op.deadline_add(pg_temp.me('pla'), 'thea', 2026, 'Otro', '2026-08-31', null, null) $$, '{"outcome": "ok"}', 'two on one day'),
    ($$ op.deadline_add(pg_temp.me('pla'), 'thea', 2026, '', '2026-08-31', null, null) $$, '{"error_args": ["name"]}', 'of what?'),
    ($$ op.deadline_done(pg_temp.me('pla'), 'thea', 2026, 'nada', null, null) $$, '{"error": "no_such_deadline"}', 'no such deadline')) c (call, expect, says);
select is(pg_temp.ledger('deadline'), 'pla-3 08-28, pla7 09-07', 'Planificación hears of the day');
select pg_temp.clock('2026-08-28 12:00+00') as now \gset
select matches(pg_temp.send(), 'pla@thea.example: thea/2026 deadline planner', 'and is told');
select pg_temp.asks($$ op.deadline_done(pg_temp.me('pla'), 'thea', 2026, 'informe de avance', null, null) $$, '{"deadline": {"done_on": "2026-08-28"}}', 'delivered');
select is(pg_temp.ledger('deadline'), 'pla7 09-07', 'the other is not');
select pg_temp.asks($$ op.deadline_done(pg_temp.me('pla'), 'thea', 2026, 'Otro', null, null) $$, '{"outcome": "ok"}', 'nor is the other any more');
select is(pg_temp.ledger('deadline', 'cancelled'), 'pla7 09-07(done)', 'all done');
select pg_temp.asks($$ op.deadline_remove(pg_temp.me('pla'), 'thea', 2026, 'Otro', null) $$, '{"outcome": "ok", "due_on": "2026-08-31"}', 'taken back');
select pg_temp.asks($$ op.deadline_add(pg_temp.me('pla'), 'thea', 2026, 'Plan de Mejora', '2028-02-29', '50', null) $$, '{"outcome": "ok"}', 'something owed every year');
select lib.carry('thea', 2026, 2027, '{1}', 12) as carried \gset
select results_eq($$ select name, due_on, points, done_on from mejora.deadline where (institution, plan) = ('thea', 2027) order by name $$,
                  $$ values ('Informe de avance', date '2027-08-31', '50 de 100', null::date), ('Plan de Mejora', '2029-02-28', '50', null) $$,
                  'is owed by the next plan a year later');
select is((select string_agg(distinct r.plan || ' ' || r.state || coalesce(' ' || r.reason, ''), ', ') from mejora.reminder r
            where r.institution = 'thea' and r.kind = 'deadline' and r.state <> 'sent' and r.base > '2028-01-01'),
          '2026 cancelled carried, 2027 pending', 'and the carried one''s is asked for no more');

select * from finish();
rollback;
