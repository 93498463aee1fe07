-- The protocol's messages that more than one operation answers with, field by field.

create type op.institution as (code text, name text, time_zone text, plans text[]);
create type op.unit as (code text, name text, aliases text[], people text[], provisional boolean, email text, parent text,
                        manager text, holder text, deputy text, secretary text);
create type op.absence as (first_day date, last_day date, why text);
create type op.person as (code text, name text, email text, roles mejora.role[], units text[], keys int, last_day date,
                          absences op.absence[]);
create type op.deadline as (name text, due_on date, points text, days_left int, done_on date);
create type op.key as (key bigint, person text, kind mejora.key_kind, label text, created_at timestamptz, expires_at timestamptz,
                       revoked_at timestamptz, why text);
create type op.plan as (ref text, year int, title text, state mejora.plan_state, actions int, reported int, done int, to_decide int,
                        carried_to text, caf int);
create type op.decision as (decision bigint, ref text, code text, args text[], line int, "column" text, was text, now text,
                            state mejora.decision_state, resolved_by text, resolved_at timestamptz, reason text);
create type op.change as (item_no int, field text, was text, now text);
create type op.owner as (unit text, code text, lead boolean);
create type op.versions as (text int, dates int, owners int, progress int);
create type op.action as (ref text, item_no int, criterion int, subcriteria text[], improvement_areas text[], actions text[],
                          title text, objective text, start_period text, end_period text, start_date date, end_date date,
                          resources text[], indicator text, owners op.owner[], comments text[], percent int, state mejora.state,
                          versions op.versions, caf_example_no int);
create type op.task as (ref text, task_no int, printed_no text, text text, done_at timestamptz, done_by text);
create type op.progress as (version int, at timestamptz, person text, name text, percent int, why text, evidence text);
create type op.holiday as (date date, kind mejora.holiday_kind, name text, moved_from date);
create type op.reminder_policy as (days_before text, days_after_start text, overdue_every int, hour int,
                                   working_days boolean, set_for text, escalation text, silent_weeks int, asks text);
create type op.pause as (ref text, at timestamptz, name text, why text, reason text);
create type op.retention as (years int, at timestamptz, name text, why text);
create type op.audit_entry as (seq bigint, at timestamptz, ref text, op text, who text, name text, unit text,
                               key bigint, request_id uuid, outcome mejora.outcome, error text, why text,
                               before_json jsonb, after_json jsonb, error_args text[], roles mejora.role[], fields text[],
                               asked_json jsonb);
