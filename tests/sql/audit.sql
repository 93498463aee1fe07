-- Asking the audit trail: filters, pages, and what one may see.
begin;
select plan(41);

insert into mejora.institution values ('taud', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tau2', 'Otro', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('taud', 'ti', 'Tecnología');
insert into mejora.person (institution, code, name, roles) values ('taud', 'ana', 'Ana Peña', '{planner}'), ('taud', 'luz', 'Luz Díaz', '{responsable}'),
    ('tau2', 'ana', 'Otra Ana', '{planner}'), ('*', 'taudroot', 'Root', '{admin}');
create temp table given (n int, at timestamptz, institution text, plan int, item_no int, task_no int, who_of text, who text, unit text, op text, outcome mejora.outcome, error text);
insert into given values
    (1, '2026-06-14 15:00+00', 'taud', null, null, null, 'taud', 'ana', null, 'unit_add',        'ok',     null),
    (2, '2026-06-15 03:59+00', 'taud', 2026, null, null, 'taud', 'ana', null, 'plan_import',     'ok',     null),            -- 14 June in Santo Domingo
    (3, '2026-06-15 04:00+00', 'taud', 2026, 1,    null, 'taud', 'luz', 'ti', 'progress_report', 'ok',     null),            -- 15 June
    (4, '2026-06-15 15:00+00', 'taud', 2026, 1,    2,    'taud', 'luz', 'ti', 'task_done',       'ok',     null),
    (5, '2026-06-16 03:59+00', 'taud', 2026, 12,   null, 'taud', 'luz', 'ti', 'progress_report', 'denied', 'not_your_action'),
    (6, '2026-06-16 15:00+00', 'taud', 2026, 1,    2,    'taud', 'ana', null, 'task_done',       'invalid', 'field_missing'),
    (7, '2026-06-16 16:00+00', 'taud', 2025, 1,    null, '*', 'taudroot', null, 'action_edit',   'ok',     null),
    (8, '2026-06-16 17:00+00', 'tau2', 2026, 1,    null, 'tau2', 'ana', null, 'action_edit',     'ok',     null);
create temp table written (n int, seq bigint);
do $$
declare
    g given;
begin
    for g in select * from given order by n loop
        with w as (insert into road.audit (at, institution, plan, item_no, task_no, person, who, name, unit, key, request, op, outcome, error, why, before, after)
                   select g.at, g.institution, g.plan, g.item_no, g.task_no, p.id, p.code, p.name, g.unit, 7, '00000000-0000-0000-0000-000000000001', g.op, g.outcome,
                          g.error, 'why ' || g.n, '{"percent": 50}', '{"percent": 75}'
                     from mejora.person p where (p.institution, p.code) = (g.who_of, g.who) returning seq)
        insert into written select g.n, seq from w;
    end loop;
end $$;
select set_config('mejora.institution', 'taud', true) as here \gset
create function pg_temp.asked(institution text default 'taud', plan int default null, item_no int default null, task_no int default null, who text default null, unit text default null,
                              op text default null, since date default null, until date default null, result mejora.audit_outcome default null,
                              before bigint default null, page_size int default null) returns text language sql as $$
    select case when r.outcome = 'ok' then coalesce((select string_agg(w.n::text, ' ' order by e.ordinality) from unnest(r.entries) with ordinality e
                                                       join written w on w.seq = e.seq), '')
                else concat_ws(' ', r.outcome, r.error, r.error_args) end
      from op.audit_list(1, institution, plan, item_no, task_no, who, unit, op, since, until, result, before, page_size) r
$$;

select is(got, expect, what)
  from (values
    (pg_temp.asked(),                                                     '7 6 5 4 3 2 1', 'an institution: everything in it, newest first'),
    (pg_temp.asked(plan => 2026),                                         '6 5 4 3 2',     'a plan and what is below it'),
    (pg_temp.asked(plan => 2026, item_no => 1),                           '6 4 3',         'an action and its tasks'),
    (pg_temp.asked(plan => 2026, item_no => 1, task_no => 2),             '6 4',           'a task'),
    (pg_temp.asked(plan => 2031),                                         '',              'a plan that nobody made: nothing happened to it'),
    (pg_temp.asked(who => 'luz'),                                         '5 4 3',         'who'),
    (pg_temp.asked(who => 'taud/ana'),                                    '6 2 1',         'who, with the institution'),
    (pg_temp.asked(who => 'ana'),                                         '6 2 1',         'a code that another institution has too'),
    (pg_temp.asked(who => '*/taudroot'),                                  '7',             'somebody of the whole system'),
    (pg_temp.asked(who => 'nadie'),                                       'not_found no_such_person {nadie}', 'there is nobody of that code'),
    (pg_temp.asked(unit => 'ti'),                                         '5 4 3',         'a unit by its code'),
    (pg_temp.asked(unit => 'Tecnología'),                                 '5 4 3',         'a unit by its name'),
    (pg_temp.asked(unit => 'finanzas'),                                   'not_found no_such_unit {finanzas}', 'there is no such unit'),
    (pg_temp.asked(op => 'task_done'),                                    '6 4',           'an operation'),
    (pg_temp.asked(result => 'ok'),                                       '7 4 3 2 1',     'what was done'),
    (pg_temp.asked(result => 'refused'),                                  '6 5',           'what was refused, for whatever reason'),
    (pg_temp.asked(since => '2026-06-15'),                                '7 6 5 4 3',     'since a day begins: in the institution''s zone'),
    (pg_temp.asked(until => '2026-06-15'),                                '5 4 3 2 1',     'until a day is over'),
    (pg_temp.asked(since => '2026-06-15', until => '2026-06-15'),         '5 4 3',         'one day'),
    (pg_temp.asked(since => '2026-06-16', until => '2026-06-15'),         '',              'no day at all'),
    (pg_temp.asked(unit => 'ti', since => '2026-06-15', result => 'ok', plan => 2026, item_no => 1, op => 'task_done', who => 'luz'), '4', 'all of them together'),
    (pg_temp.asked(institution => 'nope'),                                'not_found no_such_institution {nope}', 'there is no such institution'),
    (pg_temp.asked(page_size => 0),                                       'invalid field_invalid {page_size}', 'an empty page'),
    (pg_temp.asked(page_size => 2),                                       '7 6',           'a page'),
    (pg_temp.asked(page_size => 2, before => (select seq from written where n = 6)), '5 4', 'the next one'),
    (pg_temp.asked(page_size => 1000000),                                 '7 6 5 4 3 2 1', 'a page too large is cut, not refused')
  ) c (got, expect, what);

select is((select w.n from op.audit_list(1, 'taud', null, null, null, null, null, null, null, null, null, before, 3) r join written w on w.seq = r.next), last, 'the cursor after ' || last)
  from (values (null::bigint, 5), ((select seq from written where n = 5), 2)) c (before, last);
select is(next, null, 'no cursor: that was all')
  from op.audit_list(1, 'taud', null, null, null, null, null, null, null, null, null, (select seq from written where n = 2), 1);
select is(next, null, 'no cursor when the page is exactly full')
  from op.audit_list(1, 'taud', null, null, null, null, null, null, null, null, null, null, 7);
select results_eq($$ select e.at, e.ref, e.op, e.who, e.name, e.unit, e.key, e.request_id, e.outcome, e.error, e.why, e.before_json, e.after_json
                       from op.audit_list(1, 'taud', 2026, 1, 2, null, null, null, null, null, 'refused', null, null), unnest(entries) e $$,
                  $$ values (timestamptz '2026-06-16 15:00+00', 'taud/2026/1.2', 'task_done', 'ana', 'Ana Peña', null, 7::bigint, uuid '00000000-0000-0000-0000-000000000001',
                             'invalid'::mejora.outcome, 'field_missing', 'why 6', '{"percent": 50}'::jsonb, '{"percent": 75}'::jsonb) $$, 'an entry has it all');
select is((select string_agg(e.ref, ' ') from op.audit_list(1, 'taud', null, null, null, 'ana', null, null, null, null, 'ok', null, null), unnest(entries) e),
          'taud/2026 taud', 'references of plan and institution');

-- Somebody of another institution tried something here: the entry is here, the person is not
insert into road.audit (institution, plan, person, who, name, op, outcome, error)
select 'taud', 2026, id, 'tau2/ana', name, 'plan_import', 'denied', 'not_your_institution' from mejora.person where institution = 'tau2' and code = 'ana';
set local role mejora_server;
select string_agg(e.op || ' ' || e.error, ' ') as stranger from op.audit_list(1, 'taud', null, null, null, 'tau2/ana', null, null, null, null, null, null, null), unnest(entries) e \gset
reset role;
select is(:'stranger'::text, 'plan_import not_your_institution', 'a stranger is found by institution and code');

-- Over all institutions, and as the server sees it
select set_config('mejora.institution', '*', true) as here \gset
select is(pg_temp.asked(institution => '*', since => '2026-06-14', until => '2026-06-16', page_size => 500), '8 7 6 5 4 3 2 1', 'the whole system');
select is(pg_temp.asked(institution => '*', who => 'tau2/ana'), '8', 'somebody of one institution');
select is(pg_temp.asked(institution => '*', who => 'ana'), '8 6 2 1', 'everybody of that code');
select is(pg_temp.asked(institution => '*', unit => 'ti', until => '2026-06-16'), '5 4 3', 'a unit by its code');
select set_config('mejora.institution', 'taud', true) as here \gset
set local role mejora_server;
select string_agg(e.ref, ' ') as seen from op.audit_list(1, 'taud', null, null, null, null, null, null, null, null, null, null, null), unnest(entries) e \gset
select coalesce(cardinality(entries), 0) as foreign_entries, outcome as foreign_outcome
  from op.audit_list(1, 'tau2', null, null, null, null, null, null, null, null, null, null, null) \gset
reset role;
select is(:'seen'::text, 'taud/2026 taud/2025/1 taud/2026/1.2 taud/2026/12 taud/2026/1.2 taud/2026/1 taud/2026 taud', 'nothing of another institution is seen');
select is(:'foreign_outcome' || :foreign_entries, 'not_found0', 'nor can it be asked for');
prepare change as update road.audit set why = 'other' where institution = 'taud';
select throws_ok('change', 'P0001', 'the audit trail is only ever added to', 'what is written stays');
select throws_ok('delete from road.audit where institution = ''taud''', 'P0001', 'the audit trail is only ever added to', 'all of it');
select * from finish();
rollback;
