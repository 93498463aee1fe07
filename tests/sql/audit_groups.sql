-- Questions over closed groups: the same entries as a plain WHERE finds, while a group is being closed, afterwards, and when some are pruned.
begin;                                                            -- alone of those who make leaves
select pg_advisory_xact_lock(hashtext('mejora.seal')), pg_advisory_xact_lock(hashtext('mejora.index')) as alone \gset
select no_plan();
set local jit = off;                                              -- as the server's sessions
set local enable_seqscan = off;
set local plan_cache_mode = force_generic_plan;

insert into mejora.institution values ('tgrp', 'Instituto de Prueba', 'America/Santo_Domingo'), ('tgr2', 'Otro', 'America/Santo_Domingo');
insert into mejora.person (institution, code, name, roles)
select 'tgrp', 'p' || n, 'Ana Peña', '{planner}' from generate_series(0, 9) n;
select set_config('mejora.institution', '*', true) \g /dev/null

-- 1300 entries side by side and as many far apart: in two groups that are whole and a third that is not
create temp table given as
select n, case when n <= 1300 then 40000 + n else 90000 + (n - 1300) * 1700 end as leaf from generate_series(1, 2600) n;
insert into road.audit (seq, at, institution, plan, person, who, name, roles, key, op, outcome, error, why, before, after)
overriding system value
select 1000000 + g.n, now() - make_interval(days => (2600 - g.n) / 2), case when g.n % 11 = 0 then 'tgr2' else 'tgrp' end, 2000 + g.n % 3, p.id, p.code, p.name,
       p.roles, g.n % 700, case g.n % 2 when 0 then 'progress_report' else 'action_edit' end, case when g.n % 97 = 0 then 'denied' else 'ok' end::mejora.outcome,
       case when g.n % 97 = 0 then 'not_your_action' end,
       (array['acta firmada', 'acto firmado', 'licitación desierta', 'acta de licitaciones'])[1 + g.n / 3 % 4]
       || case when g.n = 79 then ' secretisima' when g.n % 500 = 0 then ' extraordinaria' when g.n % 300 = 0 then ' actas' else '' end,
       case when g.n % 97 > 0 then case g.n % 2 when 0 then '{"percent": 25}' else '{"objective": "Uno"}' end::jsonb end,
       case when g.n % 97 > 0 then case g.n % 2 when 0 then '{"percent": 50}' else '{"objective": "Otro"}' end::jsonb end
  from given g join mejora.person p on (p.institution, p.code) = ('tgrp', 'p' || g.n * 7 % 10);
select coalesce(max(leaf), -1) < 40000 as room from road.leaf \gset
select ok(:'room', 'the log has room');
insert into road.leaf (leaf, seq, about, nodes) select g.leaf, a.seq, a.institution, '\x00' from given g join road.audit a on a.seq = 1000000 + g.n;
insert into road.checkpoint (size, xid, note) select max(leaf) + 1, pg_current_xact_id(), 'test' from road.leaf;
do $$ begin
    while lib.audit_index(1, 32768) > 0 loop
    end loop;
end $$;

create temp table question as select * from (values
    ('{}'::jsonb, 'true'),
    ('{"who": "p3"}', $$ who = 'p3' $$),
    ('{"key": 33}', 'key = 33'),
    ('{"op": "action_edit"}', $$ op = 'action_edit' $$),
    ('{"op": "action_edit", "result": "refused"}', $$ op = 'action_edit' and outcome <> 'ok' $$),
    ('{"op": "action_edit", "field": "percent"}', 'false'),
    ('{"plan": 2001, "field": "percent"}', $$ plan = 2001 and before ? 'percent' $$),
    ('{"key": 34, "op": "progress_report"}', $$ key = 34 and op = 'progress_report' $$),
    ('{"reason": "extraordinarias"}', $$ why ~ 'extraordinaria' $$),
    ('{"reason": "actas"}', $$ why ~ 'acta' $$),
    ('{"reason": "actas licitacion"}', $$ why ~ 'acta de licitaciones' $$),
    ('{"reason": "actas", "key": 35}', $$ why ~ 'acta' and key = 35 $$),
    ('{"reason": "actas", "refusal": "denied"}', $$ why ~ 'acta' and outcome = 'denied' $$),
    ('{"text": "secretisimo"}', $$ why ~ 'secretisima' $$),
    ('{"text": "secretisimo", "op": "action_edit"}', $$ why ~ 'secretisima' $$),
    ('{"op": "progress_report", "since": 400, "until": 300}', $$ op = 'progress_report' and at >= lib.day_begins('tgrp', lib.today('tgrp') - 400)
                                                              and at < lib.day_begins('tgrp', lib.today('tgrp') - 299) $$)) q (asked, plain);

-- All that an answer has, page by page.
create function pg_temp.asked(institution text, asked jsonb, oldest_first boolean, page_size int) returns bigint[] language plpgsql as $$
declare
    r record;
    ret bigint[] := '{}';
    cursor text;
    args text := (select string_agg(format('%I => %s', a, case when asked ? a and a in ('since', 'until') then format('lib.today(''tgrp'') - %s', asked ->> a)
                                                               else format('%L', asked ->> a) end), ', ')
                    from pg_proc p, unnest(proargnames, proargmodes) u (a, m)
                   where p.oid = 'op.audit_list'::regproc and m in ('i', 'b') and a not in ('me', 'institution', 'oldest_first', 'page_size', 'cursor'));
begin
    loop
        execute format('select * from op.audit_list(me => 1, institution => %L, oldest_first => %L, page_size => %s, cursor => $1, %s)',
                       institution, oldest_first, page_size, args) into r using cursor;
        ret := ret || coalesce((select array_agg(e.seq order by e.ordinality) from unnest(r.entries) with ordinality e), '{}');
        cursor := r.cursor;
        exit when cursor is null;
    end loop;
    return ret;
end $$;
create function pg_temp.plain(scope text, plain text, oldest_first boolean) returns bigint[] language plpgsql as $$
declare
    ret bigint[];
begin
    execute format('select coalesce(array_agg(seq order by seq %s), ''{}'') from road.audit where (institution = %L or %2$L = ''*'') and seq > 1000000 and seq <= 1002600 and (%s)',
                   case when oldest_first then '' else 'desc' end, scope, plain) into ret;
    return ret;
end $$;
create function pg_temp.all_asked(state text) returns setof text language sql as $$
    select is(array(select s from unnest(pg_temp.asked(scope, q.asked, oldest_first, page_size)) s where s > 1000000 and s <= 1002600),
              pg_temp.plain(scope, q.plain, oldest_first), concat_ws(' ', state, scope, q.asked, case when oldest_first then 'oldest first' end))
      from question q,
           (values ('tgrp', false, 170), ('tgrp', true, 290), ('*', false, 500)) o (scope, oldest_first, page_size)
$$;
create function pg_temp.closed_until(phases text) returns void language plpgsql as $$
begin
    while (select string_agg(c.phase::text, ' ' order by c.nth) from road.mark_closing c) is distinct from phases loop
        if not lib.audit_close(500, 0) then
            raise exception 'nothing is left to be closed';
        end if;
    end loop;
end $$;

select pg_temp.all_asked('in stretches:');
select is(lib.audit_close(500, 0), true, 'there is a group to be closed');
select pg_temp.all_asked('being merged:');
select pg_temp.closed_until('sweeping');
select pg_temp.all_asked('merged:');
select lib.audit_close(500, 0) \g /dev/null
select is((select string_agg(c.phase::text, ' ') from road.mark_closing c), 'sweeping', 'it takes several goes');
select pg_temp.all_asked('being swept:');
select pg_temp.closed_until('done merging');
select pg_temp.all_asked('one closed, one being merged:');
select pg_temp.closed_until('done done');
select is(lib.audit_close(500, 0), false, 'what is not whole is not closed');
select is((select count(*) from road.mark where stretch < 64), 0::bigint, 'what is closed is in groups only');
select is((select string_agg(concat_ws(' ', g.nth, g.n, num_nonnulls(g.leaves), num_nonnulls(g.bits)), '; ' order by g.nth)
             from road.mark_group g where (g.institution, g.mark) = ('tgrp', '')), '0 1694 1 1; 1 561 1 0', 'as leaves, and as bits where there are many');
select pg_temp.all_asked('closed:');

-- What never meets is found out once, of marks that many have
update road.mark_group g
   set leaves = null, bits = null,
       dense = coalesce(g.bits, (select bit_or(set_bit(0::bit(1048576), p, 1)) from unnest(g.leaves) p))
 where g.institution = 'tgrp' and g.mark ~ '^((op|field|plan|outcome):|refused$)';
do $$ begin
    while lib.audit_close(500, 0) loop
    end loop;
end $$;
select is((select string_agg(g.nth || ' ' || g.apart::text, '; ' order by g.nth) from road.mark_group g where (g.institution, g.mark) = ('tgrp', 'op:progress_report')),
          '0 {field:objective,op:action_edit}; 1 {field:objective,op:action_edit}', 'what no entry has that has this');
select is((select string_agg(cardinality(u.units)::text, ' ' order by n)
             from (values (1, 'op:action_edit', 'field:percent'), (2, 'field:percent', 'op:action_edit'), (3, 'op:action_edit', 'field:objective')) q (n, a, b),
                  lib.mark_units('{tgrp}', array[row(array[a], null, null), row(array[b], null, null)]::lib.wanted[], 0, 64 << 15, 1, 51) u),
          '0 0 2', 'is not looked for');
select pg_temp.all_asked('compared:');

-- What is pruned goes from groups, too: with its words
insert into mejora.audit_retention (institution, years, person, why) select 'tgrp', 3, id, 'Resolución' from mejora.person where (institution, code) = ('tgrp', 'p0');
select cmp_ok(road.prune(5000), '>', 300, 'some are pruned');
select pg_temp.all_asked('pruned:');
create function pg_temp.traces() returns bigint language sql as $$
    select count(*)
      from road.mark_group g
     cross join lateral (select unnest(g.leaves) union all select lib.places(coalesce(g.dense, g.bits)) where g.leaves is null) p (place)
      left join road.leaf l on l.leaf = (g.nth::bigint << 20) + p.place
     where g.institution = 'tgrp' and not exists (select from road.audit a where a.seq = l.seq)
$$;
select is(pg_temp.traces(), 0::bigint, 'nothing is marked that is gone');
select is((select count(*) from road.mark_group g where g.n is distinct from coalesce(bit_count(coalesce(g.dense, g.bits)), cardinality(g.leaves)) or g.n = 0), 0::bigint, 'and what is left is counted');
select is((select count(*) from road.word where word = 'secretisima'), 0::bigint, 'its words go with it');
select is((select count(*) from road.word where word = 'extraordinaria'), 1::bigint, 'if no other has them');
select * from finish();
rollback;
