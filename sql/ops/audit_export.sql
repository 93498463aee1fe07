create type op.audit_seal as (size bigint, note text);
create type op.audit_skip as (leaf bigint, next bigint, nodes bytea);

-- The entries asked for in the order of the log, with what a verifier needs to build the whole tree over them: the subtrees
-- that the others are in, and a checkpoint now and then. What is asked for is what op.audit_list finds. In addition there are those leaves
-- whose entries are gone, and the entries that account for them. A page ends after 2048 entries, some MiB, or so many leaves.
create function op.audit_export(
    me int, institution text, plan int, item_no int, task_no int,
    who text, unit text, op text, since date, until date, result mejora.audit_outcome, key bigint, role mejora.role,
    field text, was text, now text, reason text, text text, refusal mejora.outcome,
    leaf bigint, inout size bigint, beyond bigint, inout cursor text,
    out log_key text, out leaves bytea, out rows bytea, out skips op.audit_skip[], out checkpoints op.audit_seal[], out next bigint,
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    asked boolean := num_nonnulls(plan, who, unit, op, since, until, result, key, role, field, was, now, reason, text, refusal) > 0;
    done bigint := coalesce(leaf, 0);                             -- so many leaves stand before this page
    from_leaf bigint := done;
    entries int := 2048;
    numbers bigint[];
    question text;
begin
    select m.* into outcome, error, error_args
      from lib.audit_refuse(institution, who, unit, was, now, reason, text) m where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    outcome := 'ok';
    log_key := lib.log_key();
    size := coalesce((select max(c.size) from road.checkpoint c where c.size <= coalesce(size, c.size)), 0);
    question := jsonb_build_array('export', institution, plan, item_no, task_no, who, unit, op, since, until, result, key, role, field, was,
                                  now, reason, text, refusal, size);
    if cursor is null then
        cursor := lib.cursor_make(0, clock_timestamp(), me, question);
    elsif not exists (select from lib.cursor_read(cursor, me, question) c where c.at is not null) then
        outcome := 'invalid';
        error := 'cursor_refused';
        return;
    end if;
    if leaf is null and since is not null then                    -- what was sealed before that is from before that
        from_leaf := coalesce((select max(c.size) from road.checkpoint c
                                where c.at < lib.day_begins(institution, since) and c.size <= size), 0);
    end if;
    beyond := least(beyond, from_leaf + case when asked then 262144 else 16384 end, size);
    numbers := case when asked
                    then lib.leaves_wanted(institution, lib.audit_wanted(institution, plan, item_no, task_no, who, unit, op, result, key, role, field,
                                                                         was, now, reason, text, refusal),
                                           lib.day_begins(institution, since), lib.day_begins(institution, until + 1), from_leaf, beyond, entries)
                    else array(select l.leaf from road.leaf l
                                where l.leaf >= from_leaf and l.leaf < beyond and (institution = '*' or l.about = institution)
                                order by l.leaf limit entries) end;
    loop
        select * into leaves, rows from lib.leaves_read(institution, not asked, numbers);
        exit when cardinality(numbers) <= 1 or coalesce(octet_length(rows), 0) < 4000000;
        entries := cardinality(numbers) / 8 + 1;
        numbers := numbers[:entries];
    end loop;
    next := case cardinality(numbers) when entries then numbers[entries] + 1 else beyond end;
    if next - done > cardinality(numbers) then
        skips := (select array_agg(row(s.after, s.n, lib.tree_span(s.after, s.n))::op.audit_skip order by s.n)
                    from (select n, lag(n + 1, 1, done) over (order by n) as after from unnest(numbers || next) n) s where s.n > s.after);
    end if;
    checkpoints := (select array_agg(row(c.size, c.note)::op.audit_seal order by c.size)
                      from (select distinct on (c.size / 256) c.* from road.checkpoint c
                             where c.size > done and c.size <= next order by c.size / 256, c.size desc) c);
end $$;
