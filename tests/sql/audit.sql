-- Asking the audit trail: filters, pages, and what one may see.
begin;                                                            -- alone of those who make leaves
select pg_advisory_xact_lock(hashtext('mejora.seal')), pg_advisory_xact_lock(hashtext('mejora.index')) as alone \gset
select no_plan();
set local jit = off;                                              -- as the server's sessions
set local enable_seqscan = off;
set local plan_cache_mode = force_generic_plan;

insert into mejora.institution values ('taud', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tau2', 'Otro', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('taud', 'ti', 'Tecnología');
insert into mejora.person (institution, code, name, roles) values ('taud', 'ana', 'Ana Peña', '{planner}'), ('taud', 'luz', 'Luz Díaz', '{responsable}'),
    ('tau2', 'ana', 'Otra Ana', '{planner}'), ('*', 'taudroot', 'Root', '{admin}');
create temp table given (n int, at timestamptz, institution text, plan int, item_no int, task_no int, who_of text, who text, unit text, op text, outcome mejora.outcome, error text, roles mejora.role[], why text, before jsonb, after jsonb);
insert into given (n, at, institution, plan, item_no, task_no, who_of, who, unit, op, outcome, error) values
    (1, '2026-06-14 15:00+00', 'taud', null, null, null, 'taud', 'ana', null, 'unit_add',        'ok',     null),
    (2, '2026-06-15 03:59+00', 'taud', 2026, null, null, 'taud', 'ana', null, 'plan_import',     'ok',     null),            -- 14 June in Santo Domingo
    (3, '2026-06-15 04:00+00', 'taud', 2026, 1,    null, 'taud', 'luz', 'ti', 'progress_report', 'ok',     null),            -- 15 June
    (4, '2026-06-15 15:00+00', 'taud', 2026, 1,    2,    'taud', 'luz', 'ti', 'task_done',       'ok',     null),
    (5, '2026-06-16 03:59+00', 'taud', 2026, 12,   null, 'taud', 'luz', 'ti', 'progress_report', 'denied', 'not_your_action'),
    (6, '2026-06-16 15:00+00', 'taud', 2026, 1,    2,    'taud', 'ana', null, 'task_done',       'invalid', 'field_missing'),
    (7, '2026-06-16 16:00+00', 'taud', 2025, 1,    null, '*', 'taudroot', null, 'action_edit',   'ok',     null),
    (8, '2026-06-16 17:00+00', 'tau2', 2026, 1,    null, 'tau2', 'ana', null, 'action_edit',     'ok',     null),
    (9, '2026-06-17 17:00+00', 'taud', 2026, null, null, 'taud', 'ana', null, 'plan_import',     'ok',     null);
update given set why = 'why ' || n, before = '{"percent": 50, "version": 1}', after = '{"percent": 75, "version": 2}',
                 roles = case who when 'ana' then '{planner}' when 'luz' then '{responsable}' else '{admin}' end::mejora.role[];
update given set before = null, after = null where n = 6;
update given set before = '{"objective": "Una\nlínea vieja"}', after = '{"objective": "La gestión humana de la planificación"}' where n = 4;
update given set why = 'Lo pidió el Comité de Calidad', before = '{"plan": {"title": "Plan"}, "actions": {"1": {}}}',
                 after = '{"plan": {"title": "Plan de Mejora"}, "actions": {"1": {"objective": "La gestión humana de la planificación"}}, "added": [5], "import": 2}' where n = 9;
create temp table written (n int, seq bigint);
do $$
declare
    g given;
begin
    for g in select * from given order by n loop
        with w as (insert into road.audit (at, institution, plan, item_no, task_no, person, who, name, unit, key, request, op, outcome, error, roles, why, before, after)
                   select g.at, g.institution, g.plan, g.item_no, g.task_no, p.id, p.code, p.name, g.unit, 7, '00000000-0000-0000-0000-000000000001', g.op, g.outcome,
                          g.error, g.roles, g.why, g.before, g.after
                     from mejora.person p where (p.institution, p.code) = (g.who_of, g.who) returning seq)
        insert into written select g.n, seq from w;
    end loop;
end $$;
select set_config('mejora.institution', 'taud', true) as here \gset
create function pg_temp.asked(institution text default 'taud', plan int default null, item_no int default null, task_no int default null, who text default null, unit text default null,
                              op text default null, since date default null, until date default null, result mejora.audit_outcome default null,
                              page_size int default null, key bigint default null, role mejora.role default null, field text default null,
                              was text default null, now text default null, reason text default null, text text default null,
                              refusal mejora.outcome default null, oldest_first boolean default null, cursor text default null) returns text language sql as $$
    select case when r.outcome = 'ok' then coalesce((select string_agg(w.n::text, ' ' order by e.ordinality) from unnest(r.entries) with ordinality e
                                                       join written w on w.seq = e.seq), '')
                else concat_ws(' ', r.outcome, r.error, r.error_args) end
      from op.audit_list(1, institution, plan, item_no, task_no, who, unit, op, since, until, result, page_size, key, role, field, was, now, reason, text,
                         refusal, oldest_first, cursor) r
$$;
create function pg_temp.asked_all() returns table (got text, expect text, what text) language sql as $$
    values
    (pg_temp.asked(),                                                     '9 7 6 5 4 3 2 1', 'an institution: everything in it, newest first'),
    (pg_temp.asked(oldest_first => true),                                 '1 2 3 4 5 6 7 9', 'oldest first'),
    (pg_temp.asked(plan => 2026),                                         '9 6 5 4 3 2',   'a plan and what is below it'),
    (pg_temp.asked(plan => 2026, item_no => 1),                           '9 6 4 3',       'an action, its tasks, and the import that changed it'),
    (pg_temp.asked(plan => 2026, item_no => 5),                           '9',             'an action that an import added'),
    (pg_temp.asked(plan => 2026, item_no => 1, task_no => 2),             '6 4',           'a task'),
    (pg_temp.asked(plan => 2031),                                         '',              'a plan that nobody made: nothing happened to it'),
    (pg_temp.asked(who => 'luz'),                                         '5 4 3',         'who'),
    (pg_temp.asked(who => 'taud/ana'),                                    '9 6 2 1',       'who, with the institution'),
    (pg_temp.asked(who => 'ana'),                                         '9 6 2 1',       'a code that another institution has too'),
    (pg_temp.asked(who => '*/taudroot'),                                  '7',             'somebody of the whole system'),
    (pg_temp.asked(who => 'nadie'),                                       'not_found no_such_person {nadie}', 'there is nobody of that code'),
    (pg_temp.asked(unit => 'ti'),                                         '5 4 3',         'a unit by its code'),
    (pg_temp.asked(unit => 'Tecnología'),                                 '5 4 3',         'a unit by its name'),
    (pg_temp.asked(unit => 'finanzas'),                                   'not_found no_such_unit {finanzas}', 'there is no such unit'),
    (pg_temp.asked(op => 'task_done'),                                    '6 4',           'an operation'),
    (pg_temp.asked(key => 7),                                             '9 7 6 5 4 3 2 1', 'a key'),
    (pg_temp.asked(key => 8),                                             '',              'a key that did nothing'),
    (pg_temp.asked(role => 'planner'),                                    '9 6 2 1',       'the role that they had'),
    (pg_temp.asked(role => 'responsable', result => 'ok'),                '4 3',           'a role, and what it did'),
    (pg_temp.asked(field => 'percent'),                                   '7 5 3 1',       'a field'),
    (pg_temp.asked(field => 'objective'),                                 '9 4',           'a field that an import changed too'),
    (pg_temp.asked(field => 'version'),                                   '',              'a version is none'),
    (pg_temp.asked(was => '50'),                                          '7 5 3 1',       'an old value'),
    (pg_temp.asked(was => '75'),                                          '',              'a new one is not an old one'),
    (pg_temp.asked(now => '75', field => 'percent'),                      '7 5 3 1',       'a new value of a field'),
    (pg_temp.asked(now => '75', field => 'objective'),                    '',              'which is not another field''s'),
    (pg_temp.asked(now => 'la GESTION humana'),                           '9 4',           'a text''s words, however they are written'),
    (pg_temp.asked(now => 'planificacon'),                                '',              'values are compared word by word'),
    (pg_temp.asked(was => 'línea'),                                       '4',             'a line break is no letter'),
    (pg_temp.asked(reason => 'why'),                                      '7 6 5 4 3 2 1', 'a word of the reason'),
    (pg_temp.asked(reason => 'ComitÉ'),                                   '9',             'without accents'),
    (pg_temp.asked(reason => 'comote de calidada'),                       '9',             'as it sounds'),
    (pg_temp.asked(reason => 'comite why'),                               '',              'all words'),
    (pg_temp.asked(reason => 'gestion'),                                  '',              'a value is no reason'),
    (pg_temp.asked(text => 'planificacon'),                               '9 4',           'anywhere: a slip of the hand'),
    (pg_temp.asked(text => 'planifi'),                                     '',              'but not any word that begins so'),
    (pg_temp.asked(text => 'luz'),                                        '5 4 3',         'anywhere: who'),
    (pg_temp.asked(text => '%'),                                          'invalid no_words {%}', 'nothing to look for'),
    (pg_temp.asked(text => $t$'; drop table road.audit; --$t$),           '',              'words are words'),
    (pg_temp.asked(result => 'ok'),                                       '9 7 4 3 2 1',   'what was done'),
    (pg_temp.asked(result => 'refused'),                                  '6 5',           'what was refused, for whatever reason'),
    (pg_temp.asked(refusal => 'denied'),                                  '5',             'how it was refused'),
    (pg_temp.asked(since => '2026-06-15'),                                '9 7 6 5 4 3',   'since a day begins: in the institution''s zone'),
    (pg_temp.asked(until => '2026-06-15'),                                '5 4 3 2 1',     'until a day is over'),
    (pg_temp.asked(since => '2026-06-15', until => '2026-06-15'),         '5 4 3',         'one day'),
    (pg_temp.asked(since => '2026-06-16', until => '2026-06-15'),         '',              'no day at all'),
    (pg_temp.asked(since => '2199-01-01'),                                '',              'a day to come'),
    (pg_temp.asked(unit => 'ti', since => '2026-06-15', result => 'ok', plan => 2026, item_no => 1, op => 'task_done', who => 'luz', key => 7,
                   role => 'responsable', field => 'objective', was => 'vieja', now => 'humana', reason => 'why', text => 'planificacion'), '4', 'all of them together'),
    (pg_temp.asked(plan => 2025, who => 'ana', oldest_first => true),     '',              'each of them, oldest first too'),
    (pg_temp.asked(who => '*/taudroot', op => 'task_done', oldest_first => true), '',      'whichever nothing has'),
    (pg_temp.asked(institution => 'nope'),                                'not_found no_such_institution {nope}', 'there is no such institution'),
    (pg_temp.asked(page_size => 0),                                       'invalid field_invalid {page_size}', 'an empty page'),
    (pg_temp.asked(page_size => 2, who => 'ana'),                         '9 6',           'a page'),
    (pg_temp.asked(page_size => 2, oldest_first => true),                 '1 2',           'a page from the beginning'),
    (pg_temp.asked(page_size => 1000000),                                 '9 7 6 5 4 3 2 1', 'a page too large is cut, not refused'),
    (pg_temp.asked(cursor => repeat('0', 64)),                            'invalid cursor_refused {}', 'a forged cursor'),
    (pg_temp.asked(cursor => 'más'),                                      'invalid cursor_refused {}', 'no cursor at all')
$$;
-- Pages of a size until there are no more, as "1 2|3 4". Behind each comes the entry about it.
create function pg_temp.pages(size int, who text default null, oldest_first boolean default null) returns text language plpgsql as $$
declare
    r record;
    ret text;
    cursor text;
begin
    loop
        select * into r from op.audit_list(1, 'taud', null, null, null, who, null, null, null, null, null, size, null, null, null, null, null, null,
                                           null, null, oldest_first, cursor);
        ret := concat_ws('|', ret, coalesce((select string_agg(w.n::text, ' ' order by e.ordinality)
                                               from unnest(r.entries) with ordinality e join written w on w.seq = e.seq), ''));
        cursor := r.cursor;
        insert into road.audit (institution, person, op, outcome) select 'taud', p.id, 'audit_list', 'ok' from mejora.person p where p.code = 'luz' limit 1;
        exit when cursor is null;
    end loop;
    return ret;
end $$;

select is(got, expect, what) from pg_temp.asked_all();
select is(pg_temp.pages(1, 'luz', true), '3|4|5', 'what comes while one reads stays out');
select is(pg_temp.pages(2, 'ana'), '9 6|2 1', 'page by page, and no empty one behind the last');
select is(pg_temp.pages(3, 'ana', true), '1 2 6|9', 'oldest first');
select throws_ok('delete from road.audit where op = ''audit_list''', 'P0001', 'the audit trail is only ever added to', 'what is written stays');

-- The same once it is sealed and marked: first some of it, then all
create function pg_temp.seal(upto int) returns int language plpgsql as $$
begin
    insert into road.leaf (leaf, seq, about, nodes)
    select coalesce((select max(leaf) from road.leaf), -1) + row_number() over (order by a.xid, a.seq), a.seq, a.institution, '\x00'
      from road.audit a left join written w using (seq)
     where not exists (select from road.leaf l where l.seq = a.seq) and coalesce(w.n, 0) <= upto;
    insert into road.checkpoint (size, xid, note) select max(leaf) + 1, '0', 'test' from road.leaf;
    return lib.audit_index(1, 1000000);
end $$;
select set_config('mejora.institution', '*', true) as here \gset
select cmp_ok(pg_temp.seal(6), '>', 0, 'leaves are marked');
select is(lib.audit_index(1, 1000000), 0, 'once');
select set_config('mejora.institution', 'taud', true) as here \gset
select is(got, expect, what || ' (some of it marked)') from pg_temp.asked_all();
select is(pg_temp.pages(3, 'ana'), '9 6 2|1', 'page by page, from what is not marked to what is');
select is(pg_temp.pages(3, 'ana', true), '1 2 6|9', 'and the other way round');
select set_config('mejora.institution', '*', true) as here \gset
select cmp_ok(pg_temp.seal(1000), '>', 0, 'the rest is marked');
select set_config('mejora.institution', 'taud', true) as here \gset
select is(got, expect, what || ' (all of it marked)') from pg_temp.asked_all();
select is(pg_temp.pages(1, 'ana'), '9|6|2|1', 'page by page from the marks');
select is(pg_temp.pages(2, 'ana', true), '1 2|6 9', 'and the other way round');

-- Places as bits and back, and what two marks have in common, whichever way each of them is kept
select is(array(select 2048 * part + p
                  from (select part, substring(lib.bits(places) from 2048 * part + 1 for 2048) as bits from generate_series(0, 15) part offset 0) b,
                       lib.places(bits) p order by 1), places, 'places as bits: ' || places[1] || '…')
  from (values ('{0}'::int[]), ('{32767}'), ('{63,64}'), ('{2047,2048,32767}'), ('{0,1,31,32,62,63,127,128,4095,4096,20000}'),
               (array(select n from generate_series(5, 32767, 3) n))) t (places);
insert into road.mark (institution, mark, stretch, leaves, bits)
select 'kept', mark, 7, case when mark ~ 'l' then places end, case when mark ~ 'b' then lib.bits(case when mark ~ 'l' then '{9000}' else places end) end
  from (values ('l2', '{2,4,6,8,5000}'::int[]), ('b2', '{2,4,6,8,5000}'), ('lb2', '{2,4,6,8,5000}'), ('l3', '{3,6,5000}'), ('b3', '{3,6,5000}'), ('lb3', '{3,6,5000}'),
               ('none', '{}')) t (mark, places) where mark <> 'none';
create function pg_temp.common(wanted lib.wanted[], first_place int default 0, beyond int default 32768, sign int default 1, most int default 9) returns text language sql as $$
    select string_agg((leaf - (7 << 15))::text, ' ') from lib.mark_hits('{kept}', wanted, '{6,7}', (7 << 15) + first_place, (7 << 15) + beyond, sign, most) leaf
$$;
select is(pg_temp.common(array[row(array[a, 'none'], null, null), row(array[b], null, null)]::lib.wanted[]),
          case when a ~ 'lb' and b ~ 'lb' then '6 5000 9000' else '6 5000' end, a || ' and ' || b)
  from unnest('{l2,b2,lb2}'::text[]) a, unnest('{l3,b3,lb3}'::text[]) b;
select is(got, expect, what) from (values
    (pg_temp.common(array[row('{l2,b3}', null, null)]::lib.wanted[]),                     '2 3 4 6 8 5000', 'either of two'),
    (pg_temp.common(array[row('{l2,b3}', null, null)]::lib.wanted[], 3, 5000),            '3 4 6 8',        'from here on, and not beyond'),
    (pg_temp.common(array[row('{b2}', null, null)]::lib.wanted[], 3, 5000, -1, 2),        '8 6',            'the last two'),
    (pg_temp.common(array[row('{b2,b3}', null, null)]::lib.wanted[], 0, 32768, -1, 3),    '5000 8 6',       'of several parts'),
    (pg_temp.common(array[row('{b2}', null, null)]::lib.wanted[], 4, 32768, 1, 2),        '4 6',            'in the midst of a part'),
    (pg_temp.common(array[row('{l2}', null, null), row('{none}', null, null)]::lib.wanted[]), null,         'one that nothing has')) t (got, expect, what);

-- A cursor is its question's and its person's
select cursor as mine from op.audit_list(1, 'taud', null, null, null, 'ana', null, null, null, null, null, 1, null, null, null, null, null, null, null, null, null, null) \gset
select is(pg_temp.asked(who => 'ana', cursor => :'mine'), '6 2 1', 'a cursor goes on, with another page size too');
select is(pg_temp.asked(who => 'luz', cursor => :'mine'), 'invalid cursor_refused {}', 'not with another filter');
select is(pg_temp.asked(who => 'ana', oldest_first => true, cursor => :'mine'), 'invalid cursor_refused {}', 'nor in another order');
select is(pg_temp.asked(who => 'ana', cursor => overlay(:'mine' placing '0000000000000001' from 1 for 16)), 'invalid cursor_refused {}', 'nor elsewhere');
select is((select error from op.audit_list(2, 'taud', null, null, null, 'ana', null, null, null, null, null, 1, null, null, null, null, null, null, null, null, null, :'mine')),
          'cursor_refused', 'nor by somebody else');

select results_eq($$ select e.at, e.ref, e.op, e.who, e.name, e.unit, e.key, e.request_id, e.outcome, e.error, e.why, e.before_json, e.after_json, e.roles, e.fields
                       from op.audit_list(1, 'taud', 2026, 1, 2, null, null, null, null, null, 'refused', null, null, null, null, null, null, null, null, null, null, null), unnest(entries) e $$,
                  $$ values (timestamptz '2026-06-16 15:00+00', 'taud/2026/1.2', 'task_done', 'ana', 'Ana Peña', null, 7::bigint, uuid '00000000-0000-0000-0000-000000000001',
                             'invalid'::mejora.outcome, 'field_missing', 'why 6', null::jsonb, null::jsonb, '{planner}'::mejora.role[], '{}'::text[]) $$, 'an entry has it all');
select is((select string_agg(e.ref, ' ') from op.audit_list(1, 'taud', null, null, null, 'ana', null, null, null, null, 'ok', null, null, null, null, null, null, null, null, null, null, null), unnest(entries) e),
          'taud/2026 taud/2026 taud', 'references of plan and institution');

-- One entry, and many of them counted
select seq as entry from written where n = 9 \gset
select is((select string_agg(concat_ws(' ', c.item_no, c.field, c.was, '>', c.now), '; ') from op.audit_show(1, 'taud', :entry), unnest(changes) c),
          'title Plan > Plan de Mejora; 1 objective > La gestión humana de la planificación', 'an import''s changes, by action');
select is((select r.sealed_size > r.leaf from op.audit_show(1, 'taud', :entry) r), true, 'and the checkpoint that covers it');
select is((select error from op.audit_show(1, 'tau2', :entry)), 'no_such_entry', 'not another institution''s');
select is((select error from op.audit_show(1, 'taud', null)), 'no_such_entry', 'no number');
select is((select concat_ws(' ', changes, refused, people, with_reason) from op.audit_report(1, 'taud', 2026, null, null, '2026-06-15', null)), '3 2 2 3', 'a report: how many');
select is((select string_agg(concat_ws(' ', c.by, c.what, c.changes, c.refused), '; ') from op.audit_report(1, 'taud', null, null, 'ti', null, null), unnest(counts) c),
          'person Luz Díaz (luz) 2 1; field percent 1 1; field objective 1 0; week 2026-06-15 2 1; reason why 3 1 0; reason why 4 1 0; reason why 5 0 1', 'of a unit, and of what');
select is((select error from op.audit_report(1, 'taud', null, null, 'finanzas', null, null)), 'no_such_unit', 'of no unit');

-- Who gave each field its value, be it long ago
insert into mejora.plan (institution, year, title) values ('taud', 2027, 'Plan');
insert into mejora.action (institution, plan, item_no, subcriteria, actions, objective, start_period, end_period, start_date, end_date)
values ('taud', 2027, 8, '{4.1}', '{Hacer}', 'Servir', 'T1-2027', 'T4-2027', '2027-01-01', '2027-12-31');
insert into mejora.task (institution, plan, item_no, task_no, text) values ('taud', 2027, 8, 1, 'Una'), ('taud', 2027, 8, 2, 'Otra');
insert into road.audit (institution, plan, item_no, task_no, who, op, outcome, why, before, after) values
    ('taud', 2027, 8, null, 'a', 'action_edit', 'ok', 'first',  '{"objective": "X"}', '{"objective": "Y"}'),
    ('taud', 2027, 8, null, 'a', 'action_edit', 'ok', 'second', '{"objective": "Y"}', '{"objective": "Servir"}'),
    ('taud', 2027, 8, null, 'a', 'action_edit', 'denied', 'no', '{"objective": "Servir"}', '{"objective": "Z"}'),
    ('taud', 2027, 8, 2,    'a', 'task_done',   'ok', 'done',   '{"done": false}', '{"done": true}'),
    ('taud', 2027, null, null, 'a', 'plan_import', 'ok', 'all', '{"actions": {"8": {"title": "A"}, "9": {"indicator": "I"}}}', '{"actions": {"8": {"title": "B"}, "9": {"indicator": "J"}}, "added": [8]}');
insert into road.audit (institution, plan, item_no, who, op, outcome, why, before, after)
select 'taud', 2027, 8, 'a', 'action_edit', 'ok', 'often ' || n, jsonb_build_object('end_date', n), jsonb_build_object('end_date', n + 1) from generate_series(1, 250) n;
create function pg_temp.told() returns text language sql as $$
    select string_agg(concat_ws(' ', nullif(f.task_no, 0), f.field, f.why), '; ' order by f.task_no nulls first, f.field)
      from op.audit_who(1, 'taud', 2027, 8, null), unnest(fields) f where f.field in ('objective', 'end_date', 'indicator', 'start_date', 'done')
$$;
select is(pg_temp.told(), 'end_date often 250; objective second; start_date all; 2 done done', 'who: behind 250 other changes');
select set_config('mejora.institution', '*', true) as here \gset
select cmp_ok(pg_temp.seal(1000), '>', 0, 'all that is marked');
select set_config('mejora.institution', 'taud', true) as here \gset
select is(pg_temp.told(), 'end_date often 250; objective second; start_date all; 2 done done', 'who: behind 250 other changes (marked)');

-- Somebody of another institution tried something here: the entry is here, the person is not
insert into road.audit (institution, plan, person, who, name, op, outcome, error)
select 'taud', 2026, id, 'tau2/ana', name, 'plan_import', 'denied', 'not_your_institution' from mejora.person where institution = 'tau2' and code = 'ana';
set local role mejora_server;
select string_agg(e.op || ' ' || e.error, ' ') as stranger from op.audit_list(1, 'taud', null, null, null, 'tau2/ana', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null), unnest(entries) e \gset
reset role;
select is(:'stranger'::text, 'plan_import not_your_institution', 'a stranger is found by institution and code');

-- Over all institutions, and as the server sees it
select set_config('mejora.institution', '*', true) as here \gset
select is(pg_temp.asked(institution => '*', since => '2026-06-14', until => '2026-06-16', page_size => 500), '8 7 6 5 4 3 2 1', 'the whole system');
select is(pg_temp.asked(institution => '*', who => 'tau2/ana'), '8', 'somebody of one institution');
select is(pg_temp.asked(institution => '*', who => 'ana'), '9 8 6 2 1', 'everybody of that code');
select is(pg_temp.asked(institution => '*', unit => 'ti', until => '2026-06-16'), '5 4 3', 'a unit by its code');
select set_config('mejora.institution', 'taud', true) as here \gset
set local role mejora_server;
select count(*) filter (where e.ref !~ '^taud') as seen, count(*) > 8 as some
  from op.audit_list(1, 'taud', null, null, null, null, null, null, null, null, null, 500, null, null, null, null, null, null, null, null, null, null), unnest(entries) e \gset
select coalesce(cardinality(entries), 0) as foreign_entries, outcome as foreign_outcome
  from op.audit_list(1, 'tau2', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null) \gset
select count(*) as foreign_marks from road.mark where institution = 'tau2' \gset
reset role;
select is(:'seen' || :'some'::text, '0t', 'nothing of another institution is seen');
select is(:foreign_marks, 0, 'nor what is marked of it');
select is(:'foreign_outcome' || :foreign_entries, 'not_found0', 'nor can it be asked for');
prepare change as update road.audit set why = 'other' where institution = 'taud';
select throws_ok('change', 'P0001', 'the audit trail is only ever added to', 'what is written stays');
select throws_ok('delete from road.audit where institution = ''taud''', 'P0001', 'the audit trail is only ever added to', 'all of it');
select * from finish();
rollback;
