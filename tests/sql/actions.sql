-- Actions and tasks: listing, showing, editing, annulling, ticking off.
begin;
select plan(55);
\ir support/ask.psql

insert into mejora.institution values ('tact', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('tact', 'ti', 'Tecnología'), ('tact', 'rrhh', 'Recursos Humanos'), ('tact', 'dpd', 'Planificación');
insert into mejora.unit_alias values ('tact', 'dtic', 'ti', 'DTIC');
insert into mejora.person (institution, code, name, roles) values ('tact', 'pla', 'Paula Plan', '{planner}'), ('tact', 'ana', 'Ana Peña', '{responsable}');
insert into mejora.member (institution, person, unit) select institution, id, 'rrhh' from mejora.person where (institution, code) = ('tact', 'ana');
insert into mejora.plan (institution, year, title, approved_at) values ('tact', 2026, 'Plan 2026', null), ('tact', 2025, 'Plan 2025', now());
insert into mejora.action (institution, plan, item_no, subcriteria, improvement_areas, actions, objective, start_period, end_period, start_date, end_date, resources, indicator, comments, carried_from) values
    ('tact', 2026, 1, '{1.4}', '{Área}', '{Uno}',  'Objetivo',  'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30', '{Humanos}', 'Informe', '{Apoyo}', 2025),
    ('tact', 2026, 2, '{6.2}', '{}',     '{Dos}',  null,        'ene-26',  'may-26',  '2026-01-01', '2026-05-31', '{}',        null,      '{}', null),
    ('tact', 2026, 7, '{}',    '{}',     '{Siete}', null,       'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31', '{}',        null,      '{}', null),
    ('tact', 2025, 1, '{1.4}', '{}',     '{Uno}',  'Aprobado',  'T1-2025', 'T2-2025', '2025-01-01', '2025-06-30', '{}',        null,      '{}', null);
insert into mejora.action_owner values ('tact', 2026, 1, 'rrhh', 0), ('tact', 2026, 1, 'ti', 1), ('tact', 2026, 2, 'ti', 0), ('tact', 2025, 1, 'rrhh', 0);
insert into mejora.task (institution, plan, item_no, task_no, printed_no, text) values ('tact', 2026, 1, 1, '2', 'Convocar'), ('tact', 2026, 1, 2, null, 'Aprobar');
select set_config('mejora.institution', 'tact', true) as here, set_config('mejora.now', '2026-06-15 12:00+00', true) as now \gset
insert into mejora.progress (institution, plan, item_no, version, person, percent, why, at) values
    ('tact', 2026, 1, 1, pg_temp.me('ana'), 25, null, '2026-03-01'), ('tact', 2026, 1, 2, pg_temp.me('ana'), 50, 'más', '2026-04-01');
insert into mejora.follow_up (institution, plan, item_no, line, action_text) values ('tact', 2026, 1, 33, 'Hacer uno');

-- Listing and showing
select pg_temp.asks(call, expect, says) from (values
    ($$ (select l.actions[1] as a, array(select x.item_no from unnest(l.actions) x) as items from op.action_list(pg_temp.me('ana'), 'tact', 2026, null, null, null) l) $$,
     '{"items": [1, 2, 7], "a": {"ref": "tact/2026/1", "item_no": 1, "criterion": 1, "subcriteria": ["1.4"], "improvement_areas": ["Área"], "actions": ["Uno"],
       "title": null, "objective": "Objetivo", "start_period": "T1-2026", "end_period": "T2-2026", "start_date": "2026-01-01", "end_date": "2026-06-30",
       "resources": ["Humanos"], "indicator": "Informe", "owners": [{"unit": "Recursos Humanos", "code": "rrhh", "lead": true}, {"unit": "Tecnología", "code": "ti", "lead": false}],
       "comments": ["Apoyo"], "percent": 50, "state": "due_soon", "versions": {"text": 1, "dates": 1, "owners": 1, "progress": 2}, "caf_example_no": null}}'::jsonb,
     'an action, whole'),
    ($$ (select array(select x.item_no from unnest(l.actions) x) as items from op.action_list(pg_temp.me('ana'), 'tact', 2026, 'DTIC', null, null) l) $$, '{"items": [1, 2]}', 'those of a unit'),
    ($$ (select array(select x.item_no from unnest(l.actions) x) as items from op.action_list(pg_temp.me('ana'), 'tact', 2026, 'dpd', null, null) l) $$, '{"items": []}', 'of a unit that has none'),
    ($$ op.action_list(pg_temp.me('ana'), 'tact', 2026, 'nada', null, null) $$, '{"error": "no_such_unit", "error_args": ["nada"]}', 'of no unit'),
    ($$ (select array(select x.item_no from unnest(l.actions) x) as items from op.action_list(pg_temp.me('ana'), 'tact', 2026, null, 'overdue', null) l) $$, '{"items": [2]}', 'those in a state'),
    ($$ (select array(select x.item_no from unnest(l.actions) x) as items from op.action_list(pg_temp.me('ana'), 'tact', 2026, null, null, true) l) $$, '{"items": [1]}', 'mine'),
    ($$ (select array(select x.item_no from unnest(l.actions) x) as items from op.action_list(pg_temp.me('pla'), 'tact', 2026, null, null, true) l) $$, '{"items": []}', 'mine, who have none'),
    ($$ op.action_list(pg_temp.me('ana'), 'tact', 2031, null, null, null) $$, '{"error": "no_such_plan"}', 'of no plan'),
    ($$ (select (s.action).ref, s.tasks, s.history[2] as last, (s.follow_up).action_text, (s.follow_up).line, s.annulled_why, s.carried_from
           from op.action_show(pg_temp.me('ana'), 'tact', 2026, 1) s) $$,
     '{"ref": "tact/2026/1", "tasks": [{"ref": "tact/2026/1.1", "task_no": 1, "printed_no": "2", "text": "Convocar", "done_at": null, "done_by": null},
       {"ref": "tact/2026/1.2", "task_no": 2, "printed_no": null, "text": "Aprobar", "done_at": null, "done_by": null}],
       "last": {"version": 2, "at": "2026-04-01T00:00:00+00:00", "person": "ana", "name": "Ana Peña", "percent": 50, "why": "más", "evidence": null},
       "action_text": "Hacer uno", "line": 33, "annulled_why": null, "carried_from": "tact/2025/1"}', 'and all that belongs to it'),
    ($$ op.action_show(pg_temp.me('ana'), 'tact', 2026, 3) $$, '{"outcome": "not_found", "error": "no_such_action", "error_args": ["tact/2026/3"]}', 'no such action')) c (call, expect, says);

-- Editing. Written with the fields that matter; the others are absent.
create function pg_temp.edit(who text, plan int, item int, fields jsonb) returns table (versions op.versions, changes op.change[], changed_by text, outcome mejora.outcome, error text, error_args text[],
                                                                            before jsonb, after jsonb) language sql as $$
    select e.versions, e.changes, e.changed_by, e.outcome, e.error, e.error_args, e.before, e.after
      from jsonb_to_record(fields) f (subcriteria text[], improvement_areas text[], actions text[], objective text, resources text[], indicator text, comments text[], start_date date,
                                      end_date date, start_period text, end_period text, owners text[], tv int, dv int, ov int, why text),
           op.action_edit(pg_temp.me(who), 'tact', plan, item, f.subcriteria, f.improvement_areas, f.actions, f.objective, f.resources, f.indicator, f.comments, f.start_date, f.end_date,
                          f.start_period, f.end_period, f.owners, f.tv, f.dv, f.ov, f.why) e
$$;
select pg_temp.asks(format('pg_temp.edit(%L, %s, %s, %L)', who, plan, item, fields), expect, says) from (values
    ('ana', 2026, 1, '{"objective": "Otro", "tv": 1}',
     '{"outcome": "ok", "versions": {"text": 2, "dates": 1, "owners": 1, "progress": 2}, "changes": [{"item_no": 1, "field": "objective", "was": "Objetivo", "now": "Otro"}],
       "before": {"objective": "Objetivo"}, "after": {"objective": "Otro"}}'::jsonb, 'a text: its group''s version goes up'),
    ('ana', 2026, 1, '{"objective": "Otro", "tv": 2}', '{"outcome": "ok", "after": null, "changes": null, "versions": {"text": 2, "dates": 1, "owners": 1, "progress": 2}}', 'the same text: nothing happens'),
    ('ana', 2026, 1, '{"objective": "", "actions": []}', '{"error": "nothing_to_change"}', 'empty is absent'),
    ('ana', 2026, 1, '{"comments": ["Más"], "tv": 1, "dv": 9}',
     '{"outcome": "ok", "versions": {"text": 2, "dates": 1, "owners": 1, "progress": 2}, "after": {"comments": ["Apoyo", "Más"]}}', 'comments are added and never conflict'),
    ('ana', 2026, 1, '{"end_date": "2026-07-31", "dv": 1, "tv": 1}',
     '{"outcome": "ok", "versions": {"text": 2, "dates": 2, "owners": 1, "progress": 2}, "after": {"end_date": "2026-07-31", "end_period": "jul-26"}}', 'a date brings its words; another group''s version does not matter'),
    ('ana', 2026, 1, '{"end_date": "2026-09-30", "end_period": "tercer trimestre"}', '{"outcome": "ok", "after": {"end_date": "2026-09-30", "end_period": "tercer trimestre"}}', 'or is given them'),
    ('ana', 2026, 1, '{"end_date": "2025-12-31"}', '{"outcome": "invalid", "error": "dates_reversed", "error_args": ["2026-01-01", "2025-12-31"]}', 'the end before the start'),
    ('ana', 2026, 1, '{"start_date": "2026-10-01"}', '{"error": "dates_reversed"}', 'the start after the end'),
    ('ana', 2026, 1, '{"end_date": "2200-01-01"}', '{"error": "field_invalid", "error_args": ["end_date"]}', 'beyond the calendar'),
    ('ana', 2026, 1, '{"start_period": "T1-2026", "objective": "x"}', '{"error": "field_missing", "error_args": ["start_date"]}', 'words without a date'),
    ('ana', 2026, 1, '{"subcriteria": ["1.4", "9.9"]}', '{"error": "no_such_subcriterion", "error_args": ["9.9"]}', 'a subcriterion that is none'),
    ('ana', 2026, 1, '{"owners": ["Tecnologia", "nada"]}', '{"outcome": "not_found", "error": "no_such_unit", "error_args": ["nada"]}', 'a unit that is none'),
    ('ana', 2026, 1, '{"owners": ["DTIC", "tecnología", "recursos humanos"], "ov": 1}',
     '{"outcome": "ok", "versions": {"text": 2, "dates": 3, "owners": 2, "progress": 2}, "changes": [{"item_no": 1, "field": "owners", "was": "Recursos Humanos // Tecnología",
       "now": "Tecnología // Recursos Humanos"}], "after": {"owners": ["ti", "rrhh"]}}', 'units by any name, each once, the first leads'),
    ('pla', 2026, 1, '{"owners": ["dpd"]}', '{"outcome": "ok", "after": {"owners": ["dpd"]}}', 'other units'),
    ('ana', 2026, 9, '{"objective": "x"}', '{"outcome": "not_found", "error": "no_such_action"}', 'no such action'),
    ('ana', 2025, 1, '{"objective": "x"}', '{"outcome": "invalid", "error": "amendment_why_missing", "error_args": ["tact/2025"]}', 'an approved plan: why?'),
    ('ana', 2025, 1, '{"objective": "x", "why": "error"}', '{"outcome": "ok"}', 'an amendment'),
    ('ana', 2025, 1, '{"comments": ["x"]}', '{"outcome": "ok"}', 'a comment is none'),
    ('ana', 2025, 1, '{"end_date": "2025-09-30", "why": "demora"}', '{"outcome": "denied", "error": "amendment_denied"}', 'dates of an approved plan are not the responsable''s'),
    ('ana', 2025, 1, '{"owners": ["ti"], "why": "x"}', '{"outcome": "denied", "error": "amendment_denied"}', 'nor are its units'),
    ('pla', 2025, 1, '{"end_date": "2025-09-30"}', '{"outcome": "invalid", "error": "amendment_why_missing"}', 'Planificación needs a reason'),
    ('pla', 2025, 1, '{"end_date": "2025-09-30", "why": "demora"}', '{"outcome": "ok", "after": {"end_date": "2025-09-30", "end_period": "T3-2025"}}', 'and then may')) c (who, plan, item, fields, expect, says);
select results_eq($$ select unit::text collate "default", position from mejora.action_owner where (institution, plan, item_no) = ('tact', 2026, 1) $$, $$ values ('dpd', 0) $$, 'the units are those that were named last');

-- Who was first: the audit trail says
insert into road.audit (institution, plan, item_no, task_no, who, name, op, outcome, before, after) values
    ('tact', 2026, null, null, 'pla', 'Paula Plan', 'plan_import', 'ok', '{"actions": {"2": {"objective": null}}}', '{"import": 1, "added": [], "actions": {"2": {"objective": "Del archivo"}}}'),
    ('tact', 2026, 2, null, 'ana', 'Ana Peña', 'action_edit', 'ok', '{"end_date": "2026-04-30"}', '{"end_date": "2026-05-31"}'),
    ('tact', 2026, 2, null, 'ana', 'Ana Peña', 'progress_report', 'ok', '{"percent": 0, "version": 0}', '{"percent": 25, "version": 1}'),
    ('tact', 2026, 2, 1, 'ana', 'Ana Peña', 'task_done', 'ok', '{"done": false}', '{"done": true}'),
    ('tact', 2026, 2, null, 'luz', 'Luz', 'action_edit', 'conflict', null, '{"objective": "no"}'),
    ('tact', 2026, 7, null, 'luz', 'Luz', 'action_edit', 'ok', '{"objective": null}', '{"objective": "de otra"}');
update mejora.action set text_version = 3, dates_version = 2 where (institution, plan, item_no) = ('tact', 2026, 2);
select pg_temp.asks(format('pg_temp.edit(%L, 2026, 2, %L)', 'pla', fields), expect, says) from (values
    ('{"objective": "x", "tv": 2}', '{"outcome": "conflict", "error": "version_stale", "error_args": ["tact/2026/2", "Paula Plan"], "changed_by": "Paula Plan", "after": null,
      "changes": [{"item_no": 2, "field": "objective", "was": null, "now": "Del archivo"}], "versions": {"text": 3, "dates": 2, "owners": 1, "progress": 0}}'::jsonb, 'stale texts: an import was first'),
    ('{"end_date": "2026-08-31", "dv": 1, "tv": 3}', '{"outcome": "conflict", "changed_by": "Ana Peña", "changes": [{"item_no": 2, "field": "end_date", "was": "2026-04-30", "now": "2026-05-31"}]}', 'stale dates: an edit was'),
    ('{"owners": ["ti"], "ov": 7}', '{"outcome": "conflict", "changed_by": null, "changes": null, "error_args": ["tact/2026/2", ""]}', 'a version that never was'),
    ('{"objective": "x", "tv": 3, "dv": 1}', '{"outcome": "ok"}', 'stale dates do not matter to texts')) c (fields, expect, says);

-- Reminders follow
insert into mejora.member (institution, person, unit) select institution, id, 'dpd' from mejora.person where (institution, code) = ('tact', 'pla');
select lib.reminders_refresh('tact', 2026, 1) as refreshed \gset
select isnt_empty($$ select from mejora.reminder where (institution, plan, item_no, state) = ('tact', 2026, 1, 'pending') $$, 'there are reminders');
select pg_temp.asks($$ pg_temp.edit('pla', 2026, 1, '{"end_date": "2026-12-31"}') $$, '{"outcome": "ok"}', 'the end moves');
select results_eq($$ select distinct state::text, reason, dates_version from mejora.reminder where (institution, plan, item_no, person) = ('tact', 2026, 1, pg_temp.me('pla')) and dates_version > 2 order by 3 $$,
                  $$ values ('cancelled', 'dates_changed', 3), ('pending', null, 4) $$, 'and the reminders with it');

-- Tasks
select pg_temp.asks(call, expect, says) from (values
    ($$ (select (d.task).ref, (d.task).done_at is not null as done, (d.task).done_by, d.outcome, d.before, d.after from op.task_done(pg_temp.me('ana'), 'tact', 2026, 1, 2, null, null) d) $$,
     '{"ref": "tact/2026/1.2", "done": true, "done_by": "Ana Peña", "outcome": "ok", "before": {"done": false}, "after": {"done": true}}'::jsonb, 'a task is done'),
    ($$ (select (d.task).done_by, d.outcome, d.after from op.task_done(pg_temp.me('pla'), 'tact', 2026, 1, 2, false, null) d) $$, '{"done_by": "Ana Peña", "outcome": "ok", "after": null}', 'again: by whom it was'),
    ($$ (select array(select t.done_at is not null from unnest(l.tasks) t) as done from op.task_list(pg_temp.me('ana'), 'tact', 2026, 1) l) $$, '{"done": [false, true]}', 'in order'),
    ($$ (select (d.task).done_by, d.after from op.task_done(pg_temp.me('pla'), 'tact', 2026, 1, 2, true, 'error') d) $$, '{"done_by": null, "after": {"done": false}}', 'not done after all'),
    ($$ op.task_done(pg_temp.me('ana'), 'tact', 2026, 1, 3, null, null) $$, '{"outcome": "not_found", "error": "no_such_task", "error_args": ["tact/2026/1.3"]}', 'no such task'),
    ($$ op.task_done(pg_temp.me('ana'), 'tact', 2026, 3, 1, null, null) $$, '{"error": "no_such_action"}', 'of no action'),
    ($$ op.task_list(pg_temp.me('ana'), 'tact', 2026, 3) $$, '{"error": "no_such_action"}', 'nor are there any'),

    -- Annulling
    ($$ op.action_annul(pg_temp.me('pla'), 'tact', 2026, 1, '') $$, '{"error": "field_missing", "error_args": ["why"]}', 'annulled, but why?'),
    ($$ op.action_annul(pg_temp.me('pla'), 'tact', 2026, 1, 'ya no') $$, '{"outcome": "ok", "ref": "tact/2026/1", "before": {"annulled": false}, "after": {"annulled": true}}', 'annulled'),
    ($$ op.action_annul(pg_temp.me('pla'), 'tact', 2026, 1, 'ya no') $$, '{"outcome": "conflict", "error": "annulled"}', 'once'),
    ($$ op.action_annul(pg_temp.me('pla'), 'tact', 2026, 3, 'ya no') $$, '{"outcome": "not_found"}', 'what is not there'),
    ($$ (select s.annulled_why, (s.action).state from op.action_show(pg_temp.me('ana'), 'tact', 2026, 1) s) $$, '{"annulled_why": "ya no", "state": "annulled"}', 'it can still be seen'),
    ($$ pg_temp.edit('pla', 2026, 1, '{"objective": "x"}') $$, '{"outcome": "conflict", "error": "annulled"}', 'but not changed'),
    ($$ op.task_done(pg_temp.me('pla'), 'tact', 2026, 1, 1, null, null) $$, '{"outcome": "conflict", "error": "annulled"}', 'nor worked on')) c (call, expect, says);
select is_empty($$ select from mejora.reminder where (institution, plan, item_no, state) = ('tact', 2026, 1, 'pending') $$, 'and nobody is reminded of it');

select * from finish();
rollback;
