-- Taking over what was read from a file: the first time, again, corrected, refused; and what people have done in between.
begin;
select plan(48);
\ir support/ask.psql

insert into mejora.institution values ('timp', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('timp', 'rh', 'Recursos Humanos');
insert into mejora.person (institution, code, name, roles) values ('timp', 'pla', 'Paula Plan', '{planner}'), ('timp', 'jefa', 'Jefa', '{authority}');
insert into mejora.units (name, aliases) values ('Unidad de Prueba Timp', 'UPT|Prueba Timp') on conflict do nothing;
select set_config('mejora.institution', 'timp', true) as here, set_config('mejora.now', '2026-02-01 12:00+00', true) as now \gset

-- The draft as the interpreter makes it, and the file's variations of it: set PATH VALUE.
create temp table draft (version int, draft jsonb);
grant select on draft to mejora_server;
insert into draft values (1, '{
    "title": "Plan 2026", "year": 2026, "caf": 2020, "t_means": "quarter", "signatures": [{"role": "plan", "name": null, "date": null}],
    "actions": [
        {"item_no": 1, "line": 7, "shift": 0, "criterion": 8, "subcriteria": ["5.1", "8.1"], "improvement_areas": ["Área uno", "Área dos"], "caf_example_no": null, "title": null,
         "actions": ["Hacer"], "objective": "Lograr", "start_period": "T1-2026", "end_period": "T2-2026", "start_date": "2026-01-01", "end_date": "2026-06-30",
         "resources": ["Humanos"], "indicator": "Informe", "owners": [{"unit": "rh", "name": "Recursos Humanos"}, {"unit": "upt", "name": "Unidad de Prueba Timp"}],
         "owner_text": "Recursos Humanos / UPT", "comments": ["Apoyo de DPD"],
         "tasks": [{"task_no": 1, "printed_no": "1", "text": "Convocar"}, {"task_no": 2, "printed_no": null, "text": "Aprobar"}]},
        {"item_no": 3, "line": 8, "shift": 0, "criterion": 1, "subcriteria": ["1.1"], "improvement_areas": [], "caf_example_no": 6, "title": "Iniciativa",
         "actions": ["Tres"], "objective": null, "start_period": "may-26", "end_period": "ago-26", "start_date": "2026-05-01", "end_date": "2026-08-31",
         "resources": [], "indicator": null, "owners": [{"unit": "inmi", "name": "INMI"}], "owner_text": "INMI", "comments": [], "tasks": []}],
    "units": [{"code": "rh", "name": "Recursos Humanos", "known": true}, {"code": "upt", "name": "Unidad de Prueba Timp", "known": true}, {"code": "inmi", "name": "INMI", "known": false}],
    "followup": [{"item_no": 1, "line": 33, "action_text": "Haser", "tasks_text": "1. Convocar", "owner_text": "RH", "percent": null, "result": null, "comments": null},
                 {"item_no": 3, "line": 34, "action_text": "Tres", "tasks_text": null, "owner_text": "INMI", "percent": 25, "result": null, "comments": "va"}],
    "notes": [{"kind": "repaired", "code": "resource_normalised", "line": 7, "column": "Recursos", "item_no": 1, "was": "Humano", "now": "Humanos", "args": ["Humano"], "patch": {}},
              {"kind": "to_decide", "code": "subcriterion_other", "line": 7, "column": "Subcriterio No.", "item_no": 1, "was": "8.1", "now": "9.1", "args": ["8.1"], "patch": {"subcriteria": ["5.1", "9.1"]}},
              {"kind": "to_decide", "code": "unit_new", "line": 8, "column": "Responsable", "was": "INMI", "now": null, "args": ["INMI"], "patch": {"unit": {"code": "inmi", "alias_of": null}}}]}');
create function pg_temp.vary(version int, variadic changes text[]) returns void language plpgsql as $$
declare
    d jsonb := (select draft from draft where draft.version = 1);
begin
    for i in 1 .. cardinality(changes) by 2 loop
        d := jsonb_set(d, changes[i]::text[], changes[i + 1]::jsonb);
    end loop;
    insert into draft values (version, d);
end $$;
select pg_temp.vary(2, '{actions,0,objective}', '"Lograr más"') as v, pg_temp.vary(3, '{actions,0,objective}', '"Lograr más"', '{actions,0,comments}', '["Apoyo de TIC"]', '{followup,1,percent}', '50') as v,
       pg_temp.vary(4, '{notes,0,kind}', '"refused"') as v, pg_temp.vary(5, '{year}', 'null') as v,
       pg_temp.vary(6, '{title}', '"Plan Nuevo"', '{actions,0,tasks}', '[{"task_no": 1, "printed_no": "1", "text": "Convocar"}]', '{actions,0,line}', '9', '{actions,0,end_date}', '"2026-09-30"',
                    '{actions,0,end_period}', '"T3-2026"', '{actions,0,owners}', '[{"unit": "inmi", "name": "INMI"}]') as v \gset
create function pg_temp.import(version int, digest text, year int default null, dry boolean default false)
returns table (plan text, added int, changed int, unchanged int, changes op.change[], codes text[], applied boolean, outcome mejora.outcome, error text, error_args text[], about_plan int, before jsonb, after jsonb, noted jsonb)
language sql as $$
    select i.plan, i.added, i.changed, i.unchanged, i.changes, array(select n.kind || ' ' || n.code from unnest(i.notes) n), i.applied, i.outcome, i.error, i.error_args, i.about_plan, i.before, i.after - 'notes', jsonb_path_query_array(i.after, '$.notes[*].code')
      from op.plan_import(pg_temp.me('pla'), 'timp', year, (select d.draft from draft d where d.version = import.version), '[[6,["No.","Acción"]],[7,["1","Hacer"]]]', 'plan.tsv', 'UTF-8',
                          digest::bytea, dry) i
$$;
create function pg_temp.edit(item int, objective text, comments text[] default null) returns mejora.outcome language sql as $$
    select e.outcome from op.action_edit(pg_temp.me('pla'), 'timp', 2026, item, null, null, null, objective, null, null, comments, null, null, null, null, null, null, null, null, null) e
$$;

select pg_temp.asks(call, expect, says) from (values
    ($$ pg_temp.import(4, 'r') $$,
     '{"outcome": "invalid", "error": "import_refused", "error_args": ["1"], "plan": "timp/2026", "applied": false, "added": null, "after": null,
       "codes": ["refused resource_normalised", "to_decide subcriterion_other", "to_decide unit_new"]}'::jsonb, 'a refused file: all its notes'),
    ($$ pg_temp.import(5, 'r') $$, '{"outcome": "invalid", "error": "import_refused", "applied": false}', 'a file of no year'),
    ($$ op.plan_list(pg_temp.me('pla'), 'timp') $$, '{"plans": null}', 'and nothing was changed'),
    ($$ pg_temp.import(1, 'a', dry => true) $$,
     '{"outcome": "ok", "plan": "timp/2026", "about_plan": 2026, "added": 2, "changed": 0, "unchanged": 0, "changes": null, "applied": false, "after": null,
       "codes": ["repaired resource_normalised", "to_decide subcriterion_other", "to_decide unit_new"]}', 'a dry run says it all'),
    ($$ op.plan_list(pg_temp.me('pla'), 'timp') $$, '{"plans": null}', 'and changes nothing'),
    ($$ pg_temp.import(1, 'a') $$,
     '{"outcome": "ok", "added": 2, "changed": 0, "unchanged": 0, "applied": true, "after": {"plan": {}, "actions": {}, "added": [1, 3], "import": 1},
       "noted": ["resource_normalised", "subcriterion_other", "unit_new"]}', 'the first import, and what the audit entry says was repaired'),
    ($$ (select l.actions[1] as a from op.action_list(pg_temp.me('pla'), 'timp', 2026, null, null, null) l) $$,
     '{"a": {"ref": "timp/2026/1", "item_no": 1, "criterion": 5, "subcriteria": ["5.1", "8.1"], "improvement_areas": ["Área uno", "Área dos"], "actions": ["Hacer"], "title": null,
       "objective": "Lograr", "start_period": "T1-2026", "end_period": "T2-2026", "start_date": "2026-01-01", "end_date": "2026-06-30", "resources": ["Humanos"], "indicator": "Informe",
       "owners": [{"unit": "Recursos Humanos", "code": "rh", "lead": true}, {"unit": "Unidad de Prueba Timp", "code": "upt", "lead": false}], "comments": ["Apoyo de DPD"],
       "percent": null, "state": "not_reported", "versions": {"text": 1, "dates": 1, "owners": 1, "progress": 0}, "caf_example_no": null}}', 'an action as the file has it; an empty mark is no report'),
    ($$ (select (s.action).percent, (s.action).caf_example_no, s.tasks, (s.follow_up).comments, (s.follow_up).line, s.history[1].why from op.action_show(pg_temp.me('pla'), 'timp', 2026, 3) s) $$,
     '{"percent": 25, "caf_example_no": 6, "tasks": null, "comments": "va", "line": 34, "why": "import"}', 'a mark is a report; the follow-up row stays beside it'),
    ($$ (select s.tasks[1].text as first, s.tasks[2].text as second, (s.follow_up).action_text from op.action_show(pg_temp.me('pla'), 'timp', 2026, 1) s) $$,
     '{"first": "Convocar", "second": "Aprobar", "action_text": "Haser"}', 'tasks; the follow-up''s words are not the plan''s'),
    ($$ (select array(select x.code || case when x.provisional then '?' else '' end || ' ' || array_to_string(x.aliases, ',') from unnest(l.units) x) as units from op.unit_list(pg_temp.me('pla'), 'timp') l) $$,
     '{"units": ["inmi? ", "rh ", "upt Prueba Timp,UPT"]}', 'a new unit is provisional, a generally known one brings its aliases'),
    ($$ (select array(select concat_ws(' ', x.decision, x.ref, x.code, x.was) from unnest(l.decisions) x) as asked from op.decision_list(pg_temp.me('pla'), 'timp', null, null) l) $$,
     '{"asked": ["1 timp/2026/1 subcriterion_other 8.1", "2 timp/2026 unit_new INMI"]}', 'what is to be decided'),

    -- again
    ($$ pg_temp.import(1, 'a') $$,
     '{"outcome": "ok", "added": 0, "changed": 0, "unchanged": 2, "applied": false, "after": null,
       "codes": ["repaired resource_normalised", "to_decide subcriterion_other", "to_decide unit_new", "hint same_file"]}', 'the same file: nothing'),
    ($$ pg_temp.import(1, 'b') $$, '{"outcome": "ok", "added": 0, "changed": 0, "unchanged": 2, "changes": null, "applied": true}', 'another file that says the same: no change'),
    ($$ (select count(*) from op.decision_list(pg_temp.me('pla'), 'timp', null, null) l, unnest(l.decisions)) $$, '{"count": 2}', 'nothing is asked twice'),
    ($$ pg_temp.import(2, 'c', dry => true) $$,
     '{"added": 0, "changed": 1, "unchanged": 1, "changes": [{"item_no": 1, "field": "objective", "was": "Lograr", "now": "Lograr más"}], "applied": false}', 'one cell differs: that is the change'),
    ($$ pg_temp.import(2, 'c') $$,
     '{"changed": 1, "applied": true, "before": {"plan": {}, "actions": {"1": {"objective": "Lograr"}}}, "after": {"plan": {}, "added": [], "import": 3, "actions": {"1": {"objective": "Lograr más"}}}}',
     'the audit entry has it under its number'),
    ($$ (select (l.actions[1]).versions from op.action_list(pg_temp.me('pla'), 'timp', 2026, null, null, null) l) $$,
     '{"versions": {"text": 2, "dates": 1, "owners": 1, "progress": 0}}', 'and that group''s version went up'),

    -- people in between
    ($$ (select pg_temp.edit(1, 'Escrito a mano', '{Añadido}') as did) $$, '{"did": "ok"}', 'somebody writes'),
    ($$ (select p.outcome from op.progress_report(pg_temp.me('pla'), 'timp', 2026, 3, 75, null, null, null) p) $$, '{"outcome": "ok"}', 'and reports'),
    ($$ pg_temp.import(2, 'd') $$, '{"added": 0, "changed": 0, "unchanged": 2, "changes": null}', 'a file that says what the last one said takes nothing back'),
    ($$ pg_temp.import(3, 'e') $$,
     '{"changed": 2, "changes": [{"item_no": 1, "field": "comments", "was": "Apoyo de DPD // Añadido", "now": "Apoyo de TIC // Añadido"}, {"item_no": 3, "field": "percent", "was": "75", "now": "50"}]}',
     'what it says anew counts; comments that people added stay'),
    ($$ (select (s.action).objective, (s.action).comments from op.action_show(pg_temp.me('pla'), 'timp', 2026, 1) s) $$, '{"objective": "Escrito a mano", "comments": ["Apoyo de TIC", "Añadido"]}', 'what was written by hand is still there'),
    ($$ (select (s.action).percent, (s.action).versions from op.action_show(pg_temp.me('pla'), 'timp', 2026, 3) s) $$,
     '{"percent": 50, "versions": {"text": 1, "dates": 1, "owners": 1, "progress": 3}}', 'history only grows'),

    -- decisions
    ($$ (select (r.decision).state from op.decision_resolve(pg_temp.me('pla'), 'timp', 1, true, null, null) r) $$, '{"state": "accepted"}', 'the subcriterion is decided'),
    ($$ (select (r.decision).state from op.decision_resolve(pg_temp.me('pla'), 'timp', 2, true, 'rh', null) r) $$, '{"state": "accepted"}', 'INMI is another unit'),
    ($$ pg_temp.import(3, 'f') $$, '{"changed": 0, "unchanged": 2, "codes": ["repaired resource_normalised"]}', 'the answers hold, and the questions are gone'),
    ($$ (select array((select o.code from unnest((s.action).owners) o)) as owners from op.action_show(pg_temp.me('pla'), 'timp', 2026, 3) s) $$, '{"owners": ["rh"]}', 'the unit too'),
    ($$ (select array(select x.code from unnest(l.units) x) as units from op.unit_list(pg_temp.me('pla'), 'timp') l) $$, '{"units": ["rh", "upt"]}', 'which is not made again')) c (call, expect, says);

select results_eq($$ select import, file_name, encoding from mejora.import where institution = 'timp' order by 1 desc limit 1 $$, $$ values (6, 'plan.tsv', 'UTF-8') $$, 'imports are counted');
select results_eq($$ select line, cells from mejora.import_row where (institution, plan, import) = ('timp', 2026, 1) order by line $$,
                  $$ values (6, '{No.,Acción}'::text[]), (7, '{1,Hacer}') $$, 'the raw cells are kept');

-- everything else that can differ
select pg_temp.asks(call, expect, says) from (values
    ($$ pg_temp.import(6, 'g') $$,
     '{"changed": 2, "changes": [{"item_no": null, "field": "title", "was": "Plan 2026", "now": "Plan Nuevo"},
       {"item_no": 1, "field": "comments", "was": "Apoyo de TIC // Añadido", "now": "Apoyo de DPD // Añadido"},
       {"item_no": 1, "field": "end_date", "was": "2026-06-30", "now": "2026-09-30"}, {"item_no": 1, "field": "end_period", "was": "T2-2026", "now": "T3-2026"},
       {"item_no": 1, "field": "objective", "was": "Escrito a mano", "now": "Lograr"},
       {"item_no": 1, "field": "owners", "was": "Recursos Humanos // Unidad de Prueba Timp", "now": "Recursos Humanos"}, {"item_no": 1, "field": "tasks", "was": "Convocar // Aprobar", "now": "Convocar"},
       {"item_no": 3, "field": "percent", "was": "50", "now": "25"}]}'::jsonb, 'title, dates, units, tasks'),
    ($$ (select array(select concat(t.task_no, t.text) from unnest(s.tasks) t) as tasks, array(select o.code from unnest((s.action).owners) o) as owners, (s.action).versions, (s.action).end_date
           from op.action_show(pg_temp.me('pla'), 'timp', 2026, 1) s) $$,
     '{"tasks": ["1Convocar"], "owners": ["rh"], "end_date": "2026-09-30", "versions": {"text": 5, "dates": 2, "owners": 2, "progress": 0}}', 'are as the file has them'),
    ($$ (select (s.plan).title from op.plan_show(pg_temp.me('pla'), 'timp', 2026) s) $$, '{"title": "Plan Nuevo"}', 'the plan''s title'),
    ($$ pg_temp.import(1, 'a', 2027) $$, '{"plan": "timp/2027", "about_plan": 2027, "added": 2, "applied": true}', 'another year''s plan has a history of its own')) c (call, expect, says);
select is((select line from mejora.action where (institution, plan, item_no) = ('timp', 2026, 1)), 9, 'a line that moved is no change, but known');

-- what is not in the file
insert into draft select 7, jsonb_set(draft, '{actions}', jsonb_path_query_array(draft, '$.actions[0]')) from draft where version = 1;
insert into draft select 8, draft || '{"actions": [{"item_no": 1, "line": 7, "subcriteria": ["1.1"], "actions": ["Ü"], "start_period": "T1-2026", "end_period": "T1-2026", "start_date": "2026-01-01",
    "end_date": "2026-03-31", "owners": [], "tasks": null}], "units": [], "followup": [], "notes": []}' from draft where version = 1;
select pg_temp.asks(call, expect, says) from (values
    ($$ pg_temp.import(7, 'h', 2027) $$, '{"added": 0, "changed": 0, "unchanged": 1, "applied": true, "codes": ["repaired resource_normalised", "to_decide subcriterion_other", "to_decide unit_new", "hint not_in_file"]}'::jsonb,
     'an action that the file has not: a hint'),
    ($$ (select cardinality(l.actions) as n from op.action_list(pg_temp.me('pla'), 'timp', 2027, null, null, null) l) $$, '{"n": 2}', 'and it stays'),
    ($$ pg_temp.import(8, 'i', 2028) $$, '{"added": 1, "applied": true}', 'the least that an action can be'),
    ($$ pg_temp.import(8, 'j', 2028) $$, '{"changed": 0, "unchanged": 1}', 'is the same again'),

    -- approved, carried
    ($$ (select a.outcome from op.plan_approve(pg_temp.me('jefa'), 'timp', 2027, null) a) $$, '{"outcome": "ok"}', 'approved'),
    ($$ pg_temp.import(2, 'k', 2027) $$,
     '{"outcome": "invalid", "error": "import_refused", "applied": false, "codes": ["repaired resource_normalised", "to_decide subcriterion_other", "to_decide unit_new", "refused plan_approved"]}', 'an approved plan is not overwritten'),
    ($$ pg_temp.import(1, 'h', 2027, true) $$, '{"outcome": "invalid"}', 'not even looked at'),
    ($$ (select a.outcome from op.plan_carry(pg_temp.me('pla'), 'timp', 2028, 2029, null, null) a) $$, '{"outcome": "ok"}', 'carried'),
    ($$ pg_temp.import(8, 'l', 2028) $$, '{"outcome": "invalid", "codes": ["refused plan_carried"]}', 'nor is one that went on elsewhere'),
    ($$ pg_temp.import(8, 'm', 2029) $$, '{"outcome": "ok", "added": 0, "changed": 1, "changes": [{"item_no": 1, "field": "end_date", "was": "2027-03-31", "now": "2026-03-31"},
       {"item_no": 1, "field": "end_period", "was": "T1-2027", "now": "T1-2026"}, {"item_no": 1, "field": "start_date", "was": "2027-01-01", "now": "2026-01-01"},
       {"item_no": 1, "field": "start_period", "was": "T1-2027", "now": "T1-2026"}]}', 'a first file for a plan that was carried: all that differs'),
    ($$ op.plan_import(pg_temp.me('pla'), 'nadie', null, '{}', '[]', null, null, 'x', false) $$, '{"outcome": "not_found", "error": "no_such_institution"}', 'no such institution')) c (call, expect, says);
select isnt_empty($$ select from mejora.import where (institution, plan) = ('timp', 2029) $$, 'and it is the one that the next is compared with');
select results_eq($$ select percent::int from mejora.progress where (institution, plan, item_no) = ('timp', 2027, 3) $$, $$ values (25) $$, 'a mark in a new plan');

select * from finish();
rollback;
