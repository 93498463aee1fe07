-- The entries about the reference and everything below it. A stranger (inm/ana) may be named here and yet be no person that row-level
-- security shows. Without a reference people of the whole system (institution *) see all of it.
create function op.audit_list(
    me int, institution text, plan int, item_no int, task_no int,
    who text, unit text, op text, since date, until date, result mejora.audit_outcome, page_size int, key bigint, role mejora.role,
    field text, was text, now text, reason text, text text, refusal mejora.outcome, oldest_first boolean, inout cursor text,
    out entries op.audit_entry[],
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    size int := least(coalesce(page_size, 50), 500);
    question text := jsonb_build_array(institution, plan, item_no, task_no, who, unit, op, since, until, result, key, role, field, was,
                                       now, reason, text, refusal, coalesce(oldest_first, false));
    begun record;
    wanted lib.wanted[];
    past bigint;
begin
    select * into begun from lib.cursor_read(cursor, me, question);
    select m.* into outcome, error, error_args
      from (select * from lib.audit_refuse(institution, who, unit, was, now, reason, text)
            union all select 'invalid', 'field_invalid', array['page_size'] where size < 1
            union all select 'invalid', 'cursor_refused', '{}' where cursor <> '' and begun.seq is null) m
     where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    wanted := lib.audit_wanted(institution, plan, item_no, task_no, who, unit, op, result, key, role, field, was, now, reason, text, refusal);
    select array_agg(lib.audit_entry(f.entry, case when (f.entry).op = 'plan_import'
                                                   then array(select distinct c.field from lib.audit_changes((f.entry).op, (f.entry).before, (f.entry).after) c order by 1)
                                                   else array(select c.field from lib.fields_changed((f.entry).before, (f.entry).after) c order by 1) end)
                     order by f.n) filter (where f.n <= size),
           max((f.entry).seq) filter (where f.n = size and more)
      into entries, past
      from (select f.entry, f.n, count(*) over () > size as more
              from lib.audit_find(institution, wanted, lib.day_begins(institution, since),
                                  least(lib.day_begins(institution, until + 1), begun.at), begun.seq, coalesce(oldest_first, false), size + 1)
                   with ordinality f (leaf, entry, n)) f;
    cursor := lib.cursor_make(past, coalesce(begun.at, clock_timestamp()), me, question);
    outcome := 'ok';
end $$;
