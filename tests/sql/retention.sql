-- How long the audit trail is kept: decided with a reason, pruned by one function that can do nothing else, hashes left as they were.
begin;                                                            -- alone of those who make leaves
select pg_advisory_xact_lock(hashtext('mejora.seal')), pg_advisory_xact_lock(hashtext('mejora.index')) as alone \gset
select plan(41);
\ir support/ask.psql

insert into mejora.institution values ('tret', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tre2', 'Otro', 'America/Santo_Domingo'), ('tre3', 'Para siempre', 'America/Santo_Domingo');
insert into mejora.person (institution, code, name, roles) values ('tret', 'adm', 'Ada Administra', '{admin}');
select set_config('mejora.institution', 'tret', true) as here \gset

select pg_temp.asks(call, expect, says) from (values
    ($$ op.audit_retention_show(pg_temp.me('adm'), 'tret') $$, '{"outcome": "ok", "retention": {"years": null, "at": null, "name": null, "why": null}}'::jsonb, 'nothing said: for ever'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 10, null) $$, '{"outcome": "invalid", "error": "field_missing", "error_args": ["why"]}', 'why?'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 10, '') $$, '{"outcome": "invalid", "error": "field_missing"}', 'an empty reason is none'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', null, 'x') $$, '{"error": "field_missing", "error_args": ["years"]}', 'how long?'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', -1, 'x') $$, '{"error": "field_invalid", "error_args": ["years"]}', 'not less than nothing'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 101, 'x') $$, '{"error": "field_invalid"}', 'nor more than a life'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'nada', 10, 'x') $$, '{"outcome": "not_found"}', 'of no institution'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 10, 'Resolución 1') $$, '{"outcome": "ok", "before": {"years": null}, "after": {"years": 10}}', 'decided'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 10, 'Otra vez') $$, '{"outcome": "ok", "before": null, "after": null}', 'the same again'),
    ($$ (select (s.retention).years, (s.retention).name, (s.retention).why from op.audit_retention_show(pg_temp.me('adm'), 'tret') s) $$,
     '{"years": 10, "name": "Ada Administra", "why": "Resolución 1"}', 'by whom and why'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 0, 'Para siempre') $$, '{"outcome": "ok", "before": {"years": 10}, "after": {"years": null}}', 'for ever again'),
    ($$ op.audit_retention_set(pg_temp.me('adm'), 'tret', 2, 'Resolución 2') $$, '{"outcome": "ok", "before": {"years": null}, "after": {"years": 2}}', 'two years')) c (call, expect, says);
insert into mejora.audit_retention (institution, years, person, why) values ('tre2', 5, pg_temp.me('adm'), 'Otra');

-- n: leaf; those of 900 on are after the last checkpoint. In the order in which they are kept.
create temp table given (n int, institution text, age interval, op text, seq bigint);
insert into given values (1, 'tret', '5 years', 'unit_add'), (2, 'tre2', '5 years 1 day', 'unit_add'), (3, 'tre3', '50 years', 'unit_add'), (4, 'tret', '4 years', 'progress_report'),
    (5, 'tret', '4 years', 'audit_retention_set'), (6, 'tret', '3 years', 'audit_prune'), (7, 'tret', '2 years 1 day', 'unit_add'), (8, 'tret', '1 year 364 days', 'unit_add'),
    (9, 'tre2', '4 years 364 days', 'unit_add'), (900, 'tre2', '9 years', 'unit_add');
do $$
declare
    g given;
    base bigint := coalesce((select max(l.leaf) + 1 from road.leaf l), 0);
begin
    for g in select * from given order by n loop
        insert into road.audit (at, institution, op, outcome, why) values (now() - g.age, g.institution, g.op, 'ok', 'secreto ' || g.n) returning seq into g.seq;
        update given set seq = g.seq where n = g.n;
        insert into road.leaf (leaf, seq, about, nodes) values (base + g.n, g.seq, g.institution, sha256(g.n::text::bytea));
    end loop;
    insert into road.checkpoint (size, xid, note) values (base + 10, pg_current_xact_id(), 'note');
    perform set_config('tret.base', base::text, true);
end $$;
create function pg_temp.left_of() returns text language sql as $$
    select string_agg(g.n::text, ' ' order by g.n) from given g join road.audit a using (seq)
$$;

set local role mejora_server;
select road.prune(2) as pruned \gset
reset role;
select is(:pruned, 3, 'the oldest first, at most so many of an institution');
select is(pg_temp.left_of(), '3 5 6 7 8 9 900', 'what is too old is gone, what is kept for ever and what is not sealed stays');
select is((select string_agg(concat_ws(' ', a.institution, a.outcome, a.why, a.person, a.after - 'before'), '; ' order by a.institution)
             from road.audit a where a.op = 'audit_prune' and a.after is not null),
          format('tre2 ok Otra {"years": 5, "leaves": [[%s, %1$s]], "entries": 1}; tret ok Resolución 2 {"years": 2, "leaves": [[%s, %2$s], [%s, %3$s]], "entries": 2}',
                 base + 2, base + 1, base + 4), 'an entry says what, with the reason of the decision')
  from (select current_setting('tret.base')::int as base) b;
set local role mejora_server;
select road.prune(100) as pruned \gset
select road.prune(100) as again \gset
reset role;
select is(:pruned, 1, 'the rest');
select is(:again, 0, 'then nothing, and no entry for it');
select is(pg_temp.left_of(), '3 5 6 8 9 900', 'nothing younger than decided');
select is((select count(*) from road.audit where op = 'audit_prune' and after is not null), 3::bigint, 'an entry for each time');
select is((select count(*) from given g join road.leaf l using (seq) where l.nodes = sha256(g.n::text::bytea)), 10::bigint, 'every hash is as it was');
select ok((select position(l.nodes || int8send(l.seq) in x.leaves) > 0 and coalesce(position(int8send(l.seq) in x.rows), 0) = 0
             from op.audit_export(1, 'tret', null, null, null, null, null, 'unit_add', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null) x, road.leaf l
            where l.leaf = current_setting('tret.base')::int + 1), 'an export has the hash alone');

-- Nobody else can, nor with it anything else
create function pg_temp.state_of(statement text) returns text language plpgsql as $$
begin
    execute statement;
    return 'done';
exception when others then
    return sqlstate || ' ' || sqlerrm;
end $$;
grant execute on all functions in schema pg_temp to public;
select set_config('mejora.institution', '*', true), set_config('road.pruning', 'on', true) \g /dev/null
set local role mejora_server;
create temp table tried as select t.statement, pg_temp.state_of(t.statement) as said from (values
    ('delete from road.audit'), ('delete from road.audit where op = ''unit_add'''), ('update road.audit set why = null'), ('truncate road.audit'),
    ('alter table road.audit disable trigger only_insert'), ('alter function road.prune(int) security invoker'),
    ('create or replace function road.refuse_change() returns trigger language plpgsql as ''begin return null; end'''),
    ('delete from road.leaf'), ('update road.leaf set nodes = nodes'), ('delete from road.checkpoint'), ('update road.checkpoint set note = note'),
    ('drop function road.prune(int)'), ('create function road.prune(text) returns int language sql as ''select 1''')) t (statement);
reset role;
select alike(said, '42501 %', statement) from tried;
select set_config('road.pruning', 'on', true) \g /dev/null
select alike(pg_temp.state_of(statement), 'P0001 %', 'the owner neither: ' || statement)
  from (values ('update road.audit set why = null'), ('truncate road.audit'), ('delete from road.leaf'), ('delete from road.checkpoint')) t (statement);
select set_config('road.pruning', '', true) \g /dev/null
select alike(pg_temp.state_of('delete from road.audit'), 'P0001 %', 'nor delete as long as it does not say that it prunes');
select throws_ok($$ update mejora.audit_retention set years = 0 $$, '23514', null, 'not even a server that lies keeps less than a year');

-- What was pruned before it was marked for questions holds the marking up no more than anything else
set local jit = off;
insert into road.checkpoint (size, xid, note) select max(leaf) + 1, pg_current_xact_id(), 'note' from road.leaf;
select lib.audit_index(1, 32768) \g /dev/null
insert into road.leaf (leaf, seq, about, nodes)
select (select max(leaf) from road.leaf) + n, -n, 'tret', '\x00' from generate_series(1, 50) n;
insert into road.checkpoint (size, xid, note) select max(leaf) + 1, pg_current_xact_id(), 'note' from road.leaf;
select lib.audit_index(1, 32768) \g /dev/null
select is((select max(upto) from road.marked), (select max(size) from road.checkpoint), 'leaves without entries are done, too');
select * from finish();
rollback;
