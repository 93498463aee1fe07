create type op.audit_seal as (size bigint, note text);
create type op.audit_skip as (leaf bigint, next bigint, nodes bytea);

-- The entries asked for in the order of the log, with what a verifier needs to build the whole tree over them: the subtrees
-- that the others are in, and a checkpoint now and then. A page looks at 16384 leaves and ends after 1024 entries or some MiB.
create function op.audit_export(
    me int, institution text, plan int, item_no int, task_no int,
    who text, unit text, op text, since date, until date, result mejora.audit_outcome, leaf bigint, inout size bigint, beyond bigint, inout cursor text,
    out key text, out leaves bytea, out skips op.audit_skip[], out checkpoints op.audit_seal[], out next bigint,
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    done bigint := coalesce(leaf, 0);                             -- so many leaves stand before this page
    entries int := 1024;
    numbers bigint[];
    seqs int8range;
    question text;
begin
    select m.* into outcome, error, error_args from lib.audit_refuse(institution, who, unit) m where m.outcome is not null limit 1;
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
    beyond := least(beyond, done + 16384, size);
    loop
        select array_agg(l.leaf order by l.leaf), int8range(min(l.seq), max(l.seq), '[]') into numbers, seqs
          from (select l.leaf, l.seq from road.leaf l
                 where l.leaf >= done and l.leaf < beyond and (institution = '*' or l.about = institution)
                 order by l.leaf limit entries) l;
        leaves := case when upper(seqs) - lower(seqs) <= 2 * cardinality(numbers)
                       then lib.leaves_together(numbers, lower(seqs), upper(seqs) - 1) else lib.leaves_apart(numbers) end;
        exit when octet_length(leaves) < 4000000 or cardinality(numbers) <= 1 or numbers is null;
        entries := entries / 8;
    end loop;
    next := case cardinality(numbers) when entries then numbers[entries] + 1 else beyond end;
    if next - done > coalesce(cardinality(numbers), 0) then
        skips := (select array_agg(row(s.after, s.n, lib.tree_span(s.after, s.n))::op.audit_skip order by s.n)
                    from (select n, lag(n + 1, 1, done) over (order by n) as after from unnest(numbers || next) n) s where s.n > s.after);
    end if;
    checkpoints := (select array_agg(row(c.size, c.note)::op.audit_seal order by c.size)
                      from (select distinct on (c.size / 256) c.* from road.checkpoint c
                             where c.size > done and c.size <= next order by c.size / 256, c.size desc) c);
end $$;
