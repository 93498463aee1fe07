create type op.audit_seal as (size bigint, note text);

-- The entries asked for in the order of the log, with what a verifier needs to build the whole tree over them: the subtrees
-- that the others are in, and a checkpoint now and then. A page looks at 16384 leaves and ends after 1024 entries or some MiB.
create function op.audit_export(
    me int, institution text, plan int, item_no int, task_no int,
    who text, unit text, op text, since date, until date, result mejora.audit_outcome, leaf bigint, inout size bigint, beyond bigint, inout cursor text,
    out key text, out leaves bytea, out checkpoints op.audit_seal[], out next bigint, out skipped bytea,
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql
set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_variable
declare
    zone text := coalesce((select i.time_zone from mejora.institution i where i.institution = institution), 'UTC');
    since_at timestamptz := since::timestamp at time zone zone;
    until_at timestamptz := (until + 1)::timestamp at time zone zone;
    people int[] := (select array_agg(p.id) from mejora.person p where who in (p.code, p.institution || '/' || p.code));
    unit_code text := case institution when '*' then unit else lib.unit_find(institution, unit) end;
    done bigint := coalesce(leaf, 0);                             -- so many leaves stand before this page
    entries int := 1024;
    n int;
    question text;
    last bigint;
begin
    select m.* into outcome, error, error_args
      from (select * from lib.missing(institution, null, null)
            union all select 'not_found', 'no_such_person', array[who] where who !~ '/' and people is null
            union all select 'not_found', 'no_such_unit', array[unit] where unit is not null and unit_code is null) m
     where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    outcome := 'ok';
    key := lib.log_key();
    size := coalesce((select max(c.size) from road.checkpoint c where c.size <= coalesce(size, c.size)), 0);
    question := jsonb_build_array('export', institution, plan, item_no, task_no, who, unit, op, since, until, result, size);
    if cursor is null then
        cursor := lib.cursor_make(0, clock_timestamp(), me, question);
    elsif not exists (select from lib.cursor_read(cursor, me, question) c where c.at is not null) then
        outcome := 'invalid';
        error := 'cursor_refused';
        return;
    end if;
    if leaf is null and since is not null then                    -- what was sealed before that is from before that
        leaf := (select max(c.size) from road.checkpoint c where c.at < since_at and c.size <= size);
    end if;
    leaf := coalesce(leaf, 0);
    beyond := least(beyond, leaf + 16384, size);
    loop
        select string_agg(int8send(e.leaf) || case when e.leaf > e.after then lib.tree_span(e.after, e.leaf) else '' end
                          || e.hash || e.bytes, ''), count(*), max(e.leaf)
          into leaves, n, last
          from (select l.leaf, lag(l.leaf + 1, 1, done) over (order by l.leaf) as after,
                       substring(l.nodes for 32) as hash, case when a.seq is not null then lib.audit_bytes(a) else '\x00' end as bytes
                  from road.leaf l left join road.audit a on a.seq = l.seq
                 where l.leaf >= leaf and l.leaf < beyond
                   and (institution = '*' or l.about = institution)
                   and (a.seq is null or a.op = 'audit_prune' or lib.audit_matches(a, plan, item_no, task_no, who, people, unit_code, op,
                                                           since_at, until_at, result))
                 order by l.leaf limit entries) e;
        exit when n <= 1 or octet_length(leaves) < 4000000;
        entries := entries / 8;
    end loop;
    next := case n when entries then last + 1 else beyond end;
    skipped := lib.tree_span(coalesce(last + 1, done), next);
    checkpoints := (select array_agg(row(c.size, c.note)::op.audit_seal order by c.size)
                      from (select distinct on (c.size / 256) c.* from road.checkpoint c
                             where c.size > leaf and c.size <= next order by c.size / 256, c.size desc) c);
end $$;
