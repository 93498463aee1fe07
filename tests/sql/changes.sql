-- The stream of changes: in the log's order, page by page, and what of it one may see.
begin;
select plan(25);

insert into mejora.institution values ('tchg', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tch2', 'Otro', 'America/Santo_Domingo');
insert into mejora.plan (institution, year, title) values ('tchg', 2026, 'Plan'), ('tchg', 2027, 'Plan');
create temp table given (n int, institution text, plan int, item_no int, op text, outcome mejora.outcome, before jsonb, after jsonb);
insert into given values
    (1, 'tchg', 2026, null, 'plan_import',     'ok',     '{}', '{"added": [1]}'),
    (2, 'tch2', 2026, 1,    'progress_report', 'ok',     null, '{"percent": 25}'),           -- of others
    (3, 'tchg', 2026, 1,    'progress_report', 'ok',     '{"percent": 25}', '{"percent": 50}'),
    (4, 'tchg', 2026, 1,    'progress_report', 'denied', null, null),                          -- changed nothing
    (5, 'tchg', null, null, 'person_add',      'ok',     null, '{"code": "ana", "email": "ana@x.do"}'),
    (6, 'tchg', null, null, 'person_invite',   'ok',     null, '{"key": 7}'),
    (7, 'tchg', null, null, 'join',            'ok',     null, '{"key": 8}'),
    (8, 'tchg', null, null, 'key_revoke',      'ok',     null, '{"key": 8}'),
    (9, 'tchg', null, null, 'reminder_report', 'ok',     null, '{"mail": 1}'),
    (10, 'tchg', 2025, 3,   'action_annul',    'ok',     '{"annulled": false}', '{"annulled": true}');
create temp table log (n int, seq bigint);
do $$
declare
    g given;
begin
    for g in select * from given order by n loop
        with w as (insert into road.audit (at, institution, plan, item_no, who, name, op, outcome, before, after)
                   values (now(), g.institution, g.plan, g.item_no, 'ana', 'Ana Peña', g.op, g.outcome, g.before, g.after) returning seq)
        insert into log select g.n, seq from w;
    end loop;
end $$;
-- The log's order is not that of the entries' numbers: 3 was written before 1 was, and sealed after it. Places from 5000000001 on.
insert into road.leaf (leaf, seq, about, nodes)
select 5000000000 + case g.n when 3 then 0 when 1 then 2 else g.n - 1 end, l.seq, g.institution, '' from given g join log l using (n);

select set_config('mejora.institution', 'tchg', true) as here \gset
create function pg_temp.told(since bigint, institution text default 'tchg', plan int default null, page_size int default null) returns text language sql as $$
    select case when r.outcome = 'ok'
                then concat_ws(' ', (select string_agg((e.n - 5000000000)::text, ' ' order by e.ordinality) from unnest(r.entries) with ordinality e),
                               '>', r.since - 5000000000, case when r.more then 'more' end)
                else concat_ws(' ', r.outcome, r.error, r.error_args) end
      from op.change_list(1, institution, plan, 5000000000 + since, page_size) r
$$;
select is(got, expect, what)
  from (values
    (pg_temp.told(0),                             '1 3 5 10 > 10',   'all of the institution''s, in the order of the log, without what is nobody''s business'),
    (pg_temp.told(1),                             '3 5 10 > 10',     'from a place on'),
    (pg_temp.told(3),                             '5 10 > 10',       'behind a change that was seen'),
    (pg_temp.told(10),                            '> 10',            'nothing new'),
    (pg_temp.told(11),                            'not_found no_such_change {5000000011}', 'a place that the log has not reached'),
    (pg_temp.told(-5000000001),                   'invalid field_invalid {since}', 'a place that cannot be'),
    (pg_temp.told(0, page_size => 0),             'invalid field_invalid {page_size}', 'an empty page'),
    (pg_temp.told(0, page_size => 2),             '1 3 > 3 more',    'a page'),
    (pg_temp.told(3, page_size => 2),             '5 > 5 more',      'the next one: what is not told counts'),
    (pg_temp.told(5, page_size => 3),             '> 8 more',        'a page of which nothing is told still goes on'),
    (pg_temp.told(8, page_size => 3),             '10 > 10',         'the last one'),
    (pg_temp.told(0, plan => 2026),               '1 3 > 10',        'a plan'),
    (pg_temp.told(0, plan => 2031),               'not_found no_such_plan {tchg/2031}', 'a plan that is not there'),
    (pg_temp.told(0, plan => 2027),               '> 10',            'a plan of which nothing is told'),
    (pg_temp.told(0, institution => 'nope'),      'not_found no_such_institution {nope}', 'no such institution')
  ) c (got, expect, what);

select is(entries, null, 'whoever does not say since when wants what is still to come')
  from op.change_list(1, 'tchg', null, null, null);
select is(since, 5000000010, 'and is told where that begins') from op.change_list(1, 'tchg', null, null, null);
select results_eq($$ select e.ref, e.op, e.who, e.name, e.fields, e.before_json, e.after_json
                       from op.change_list(1, 'tchg', null, 5000000000, 1), unnest(entries) e $$,
                  $$ values ('tchg/2026/1', 'progress_report', 'ana', 'Ana Peña', '{percent}'::text[], '{"percent": 25}'::jsonb, '{"percent": 50}'::jsonb) $$,
                  'what is about a plan is told whole');
select results_eq($$ select e.op, e.fields, e.before_json, e.after_json from op.change_list(1, 'tchg', null, 5000000003, 2), unnest(entries) e $$,
                  $$ values ('person_add', '{code,email}'::text[], null::jsonb, null::jsonb) $$, 'of anything else, which fields');

-- A page has some 1 MB, however few entries that is
with big as (insert into road.audit (institution, plan, op, outcome, after)
             select 'tchg', 2026, 'plan_import', 'ok', jsonb_build_object('text', repeat('x', 600000)) from generate_series(1, 3) returning seq)
insert into road.leaf (leaf, seq, about, nodes) select 5000000010 + row_number() over (order by seq) - 1, seq, 'tchg', '' from big;
select is(pg_temp.told(10), '11 12 > 12 more', 'a page ends when it is large');
select is(pg_temp.told(12), '13 > 13', 'and goes on');

-- What waits to be sealed
select is(behind, false, 'nothing waits') from op.change_list(1, 'tchg', null, 5000000013, null);
insert into road.audit (at, institution, op, outcome) values (now() - interval '31 seconds', 'tchg', 'unit_add', 'ok');
select is(behind, true, 'what waits for too long is said') from op.change_list(1, 'tchg', null, 5000000013, null);

-- As the server sees it
set local role mejora_server;
select string_agg((e.n - 5000000000)::text, ' ') as own from op.change_list(1, 'tchg', null, 5000000000, null), unnest(entries) e \gset
select coalesce(cardinality(entries), 0) as foreign_entries from op.change_list(1, 'tch2', null, 5000000000, null) \gset
reset role;
select is(:'own'::text, '1 3 5 10 11 12', 'the own institution''s');
select is(:'foreign_entries'::int, 0, 'nothing of another one');
select * from finish();
rollback;
