-- What a file left to decide, decided, and decided otherwise.
begin;
select plan(45);
\ir support/ask.psql

insert into mejora.institution values ('tdec', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name, provisional) values ('tdec', 'ti', 'Tecnología', false), ('tdec', 'dtic', 'Dirección TIC', true),
    ('tdec', 'escuela', 'Escuela', true), ('tdec', 'rrhh', 'Recursos Humanos', false);
insert into mejora.unit_alias values ('tdec', 'informatica', 'dtic', 'Informática');
insert into mejora.person (institution, code, name, roles) values ('tdec', 'pla', 'Paula Plan', '{planner}'), ('tdec', 'ana', 'Ana Peña', '{responsable}');
insert into mejora.member (institution, person, unit) select institution, id, 'dtic' from mejora.person where (institution, code) = ('tdec', 'ana');
insert into mejora.plan (institution, year, title, approved_at) values ('tdec', 2026, 'Plan 2026', null), ('tdec', 2025, 'Plan 2025', now());
insert into mejora.action (institution, plan, item_no, subcriteria, actions, objective, start_period, end_period, start_date, end_date) values
    ('tdec', 2026, 1, '{5.1,8.1}', '{Hacer}', 'Lograr', 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30'),
    ('tdec', 2026, 2, '{6.2}',     '{Dos}',   null,     'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30'),
    ('tdec', 2025, 1, '{8.1}',     '{Uno}',   null,     'T1-2025', 'T2-2025', '2025-01-01', '2025-06-30');
insert into mejora.action_owner values ('tdec', 2026, 1, 'dtic', 0), ('tdec', 2026, 1, 'ti', 1), ('tdec', 2026, 2, 'rrhh', 0), ('tdec', 2026, 2, 'dtic', 1);
insert into mejora.decision (institution, decision, plan, item_no, code, was, now, patch) values
    ('tdec', 1, 2026, 1,    'subcriterion_other', '8.1',     '9.1',        '{"subcriteria": ["5.1", "9.1"]}'),
    ('tdec', 2, 2026, 1,    'objective_swapped',  'Lograr',  'Hacer',      '{"objective": "Hacer", "actions": ["Lograr"]}'),
    ('tdec', 3, 2026, 2,    'owner_differs',      'RH',      'TI',         '{"owners": [{"unit": "ti", "name": "Tecnología"}]}'),
    ('tdec', 4, 2026, null, 'unit_new',           'Escuela', null,         '{"unit": {"code": "escuela", "alias_of": null}}'),
    ('tdec', 5, 2026, null, 'unit_alias',         'Dirección TIC', 'Tecnología', '{"unit": {"code": "dtic", "alias_of": "ti"}}'),
    ('tdec', 6, 2026, null, 'followup_alignment', '1: +1',   null,         '{}'),
    ('tdec', 7, 2026, 2,    'progress_value',     '60',      '50',         '{"percent": 50}'),
    ('tdec', 8, 2025, 1,    'subcriterion_other', '8.1',     '9.1',        '{"subcriteria": ["9.1"]}');
select set_config('mejora.institution', 'tdec', true) as here, set_config('mejora.now', '2026-03-15 12:00+00', true) as now \gset
select lib.reminders_refresh('tdec', null, null) as refreshed \gset

create function pg_temp.resolve(number bigint, accept boolean, value text default null, why text default null)
returns table (state mejora.decision_state, by text, about_plan int, about_item int, outcome mejora.outcome, error text, error_args text[], before jsonb, after jsonb) language sql as $$
    select (r.decision).state, (r.decision).resolved_by, r.about_plan, r.about_item, r.outcome, r.error, r.error_args, r.before, r.after
      from op.decision_resolve(pg_temp.me('pla'), 'tdec', number, accept, value, why) r
$$;
create function pg_temp.action(item_no int) returns table (subcriteria text[], actions text[], objective text, owners text[], text_version int, owners_version int) language sql as $$
    select a.subcriteria, a.actions, a.objective,
           array(select o.unit::text from mejora.action_owner o where (o.institution, o.plan, o.item_no) = ('tdec', 2026, a.item_no) order by o.position), a.text_version, a.owners_version
      from mejora.action a where (a.institution, a.plan, a.item_no) = ('tdec', 2026, action.item_no)
$$;

select pg_temp.asks(call, expect, says) from (values
    ($$ (select array(select x.decision from unnest(l.decisions) x) as open from op.decision_list(pg_temp.me('pla'), 'tdec', 2026, null) l) $$, '{"open": [1, 2, 3, 4, 5, 6, 7]}'::jsonb, 'what is open in a plan'),
    ($$ (select l.decisions[1] as d from op.decision_list(pg_temp.me('pla'), 'tdec', null, null) l) $$,
     '{"d": {"decision": 1, "ref": "tdec/2026/1", "code": "subcriterion_other", "args": [], "line": null, "column": null, "was": "8.1", "now": "9.1", "state": "open",
       "resolved_by": null, "resolved_at": null, "reason": null}}', 'a decision'),
    ($$ op.decision_list(pg_temp.me('pla'), 'tdec', 2031, null) $$, '{"error": "no_such_plan"}', 'of no plan'),

    -- a field of the action
    ($$ pg_temp.resolve(1, true) $$,
     '{"outcome": "ok", "state": "accepted", "by": "Paula Plan", "about_plan": 2026, "about_item": 1, "before": {"decision": 1, "state": "open", "subcriteria": ["5.1", "8.1"]},
       "after": {"decision": 1, "state": "accepted", "subcriteria": ["5.1", "9.1"]}}', 'accepted: the proposal'),
    ($$ pg_temp.action(1) $$, '{"subcriteria": ["5.1", "9.1"], "text_version": 2}', 'is there'),
    ($$ pg_temp.resolve(1, false) $$, '{"outcome": "ok", "state": "kept", "after": {"decision": 1, "state": "kept", "subcriteria": ["5.1", "8.1"]}}', 'kept after all: as it was'),
    ($$ pg_temp.resolve(1, null, ' 6.1 ') $$, '{"outcome": "ok", "state": "accepted", "after": {"decision": 1, "state": "accepted", "subcriteria": ["5.1", "6.1"]}}', 'an answer of one''s own: in its place'),
    ($$ pg_temp.resolve(1, true, '5.1') $$, '{"outcome": "ok", "after": {"decision": 1, "state": "accepted", "subcriteria": ["5.1"]}}', 'another: each once'),
    ($$ pg_temp.resolve(1, true, '4.2 y 4.3') $$, '{"outcome": "ok", "after": {"decision": 1, "state": "accepted", "subcriteria": ["4.2", "4.3"]}}', 'several: the whole list'),
    ($$ pg_temp.resolve(1, true, '7.7') $$, '{"outcome": "invalid", "error": "no_such_subcriterion", "error_args": ["7.7"]}', 'one that is none'),
    ($$ pg_temp.resolve(1, true, 'no sé') $$, '{"outcome": "invalid", "error": "value_not_taken"}', 'no number at all'),
    ($$ pg_temp.action(1) $$, '{"subcriteria": ["4.2", "4.3"]}', 'a refusal changes nothing'),
    ($$ pg_temp.resolve(1, false, '5.1') $$, '{"error": "field_invalid", "error_args": ["value"]}', 'keeping takes no value'),
    ($$ pg_temp.resolve(1, null) $$, '{"error": "field_missing", "error_args": ["accept"]}', 'which?'),
    ($$ pg_temp.resolve(99, true) $$, '{"outcome": "not_found", "error": "no_such_decision", "error_args": ["99"]}', 'no such decision'),

    ($$ pg_temp.resolve(2, true) $$, '{"outcome": "ok"}', 'two fields at once'),
    ($$ pg_temp.action(1) $$, '{"objective": "Hacer", "actions": ["Lograr"]}', 'are exchanged'),
    ($$ pg_temp.resolve(2, true, 'otro') $$, '{"error": "value_not_taken"}', 'a decision that takes no other answer'),
    ($$ (select e.outcome from op.action_edit(pg_temp.me('pla'), 'tdec', 2026, 1, null, null, null, 'Escrito a mano', null, null, null, null, null, null, null, null, null, null, null, null) e) $$,
     '{"outcome": "ok"}', 'somebody writes'),
    ($$ pg_temp.resolve(2, false) $$, '{"outcome": "ok"}', 'kept after all'),
    ($$ pg_temp.action(1) $$, '{"objective": "Escrito a mano", "actions": ["Hacer"]}', 'what was written since stays'),

    ($$ pg_temp.resolve(3, true) $$, '{"outcome": "ok", "before": {"decision": 3, "state": "open", "owners": ["rrhh", "dtic"]}, "after": {"decision": 3, "state": "accepted", "owners": ["ti"]}}', 'units'),
    ($$ pg_temp.resolve(3, true, 'recursos humanos / informatica') $$, '{"outcome": "ok", "after": {"decision": 3, "state": "accepted", "owners": ["rrhh", "dtic"]}}', 'units of one''s own'),
    ($$ pg_temp.resolve(3, true, 'nada') $$, '{"outcome": "not_found", "error": "no_such_unit", "error_args": ["nada"]}', 'a unit that is none'),
    ($$ pg_temp.resolve(3, false) $$, '{"outcome": "ok"}', 'kept'),

    -- a percentage
    ($$ pg_temp.resolve(7, true) $$, '{"outcome": "ok", "before": {"decision": 7, "state": "open", "percent": null}, "after": {"decision": 7, "state": "accepted", "percent": 50}}', 'a percentage'),
    ($$ (select s.history[1].percent, s.history[1].person, s.history[1].why from op.action_show(pg_temp.me('pla'), 'tdec', 2026, 2) s) $$,
     '{"percent": 50, "person": "pla", "why": "decision 7"}', 'is a report'),
    ($$ pg_temp.resolve(6, true) $$, '{"outcome": "ok", "about_item": null, "after": {"decision": 6, "state": "accepted"}}', 'what only confirms'),

    -- a unit
    ($$ pg_temp.resolve(4, true) $$, '{"outcome": "ok", "before": {"decision": 4, "state": "open", "unit": {"code": "escuela", "name": "Escuela", "provisional": true}},
       "after": {"decision": 4, "state": "accepted", "unit": {"code": "escuela", "name": "Escuela", "provisional": false}}}', 'a unit is confirmed'),
    ($$ pg_temp.resolve(4, false) $$, '{"outcome": "ok", "after": {"decision": 4, "state": "kept", "unit": {"code": "escuela", "name": "Escuela", "provisional": true}}}', 'or not'),
    ($$ pg_temp.resolve(4, true, 'escuela') $$, '{"outcome": "invalid", "error": "value_not_taken"}', 'a unit is no alias of itself'),
    ($$ pg_temp.resolve(4, true, 'nada') $$, '{"error": "no_such_unit"}', 'nor of nothing'),
    ($$ pg_temp.resolve(5, true) $$, '{"outcome": "ok", "after": {"decision": 5, "state": "accepted", "unit": {"code": "ti", "name": "Tecnología", "provisional": false}}}', 'a unit is another one'),
    ($$ pg_temp.action(1) $$, '{"owners": ["ti"], "owners_version": 2}', 'that takes its place'),
    ($$ pg_temp.action(2) $$, '{"owners": ["rrhh", "ti"]}', 'everywhere'),
    ($$ (select array(select x.code || ' ' || array_to_string(x.aliases, ',') || ' ' || array_to_string(x.people, ',') from unnest(l.units) x where x.code in ('ti', 'dtic')) as units
           from op.unit_list(pg_temp.me('pla'), 'tdec') l) $$, '{"units": ["ti Dirección TIC,dtic,Informática ana"]}', 'with its names and people'),
    ($$ pg_temp.resolve(5, true, 'rrhh') $$, '{"outcome": "ok"}', 'no, yet another'),
    ($$ pg_temp.action(1) $$, '{"owners": ["rrhh", "ti"]}', 'the first one gets back what it had'),
    ($$ pg_temp.resolve(5, false) $$, '{"outcome": "ok"}', 'no, it is a unit'),
    ($$ pg_temp.action(1) $$, '{"owners": ["dtic", "ti"]}', 'with its actions'),
    ($$ (select array(select x.code || ' ' || array_to_string(x.aliases, ',') || ' ' || array_to_string(x.people, ',') from unnest(l.units) x where x.code in ('dtic')) as units
           from op.unit_list(pg_temp.me('pla'), 'tdec') l) $$, '{"units": ["dtic Informática ana"]}', 'its names and its people'),

    -- an approved plan
    ($$ pg_temp.resolve(8, true) $$, '{"outcome": "invalid", "error": "amendment_why_missing", "error_args": ["tdec/2025"]}', 'an approved plan: why?'),
    ($$ pg_temp.resolve(8, false) $$, '{"outcome": "ok"}', 'keeping changes nothing'),
    ($$ pg_temp.resolve(8, true, null, 'cotejado') $$, '{"outcome": "ok", "after": {"decision": 8, "state": "accepted", "subcriteria": ["9.1"]}}', 'an amendment'),
    ($$ (select array(select x.decision from unnest(l.decisions) x) as shown from op.decision_list(pg_temp.me('pla'), 'tdec', null, true) l) $$,
     '{"shown": [1, 2, 3, 4, 5, 6, 7, 8]}', 'resolved ones are shown when asked for')) c (call, expect, says);

select * from finish();
rollback;
