create type op.blame as (task_no int, field text, value text, who text, name text, at timestamptz, why text, op text, seq bigint,
                         file text, line int);

-- Who gave each field the value that it has. What no entry changed came with the action: from the file that brought it, or from the
-- plan that it was carried over from.
create function op.audit_who(
    me int, institution text, plan int, item_no int, field text, out fields op.blame[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    origin road.audit := lib.audit_origin(institution, plan, item_no);
begin
    select m.* into outcome, error, error_args
      from (select * from lib.missing(institution, plan, item_no)
            union all select 'not_found', 'no_such_field', array[field]
                       where field is not null and not exists (select from lib.fields_now(institution, plan, item_no) f where f.field = field)) m
     where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    with field_now as materialized (
        select * from lib.fields_now(institution, plan, item_no) f where field is null or f.field = field
    ), near as materialized (
        select c.* from lib.audit_changed(institution, plan, item_no, null, null, 200) c
    ), missing as materialized (                                  -- what the last of its entries did not change
        select f.task_no, f.field from field_now f
         where (select count(distinct n.n) from near n) = 200
           and not exists (select from near n where (n.task_no, n.field) = (f.task_no, f.field))
    ), change as (
        select distinct on (1, 2) c.task_no, c.field, c.e
          from (select n.task_no, n.field, n.e, n.n from near n
                union all
                select c.task_no, c.field, c.e, c.n
                  from missing m, lib.audit_changed(institution, plan, item_no, nullif(m.task_no, 0), m.field, null) c) c
         order by 1, 2, c.n
    )
    select array_agg(row(nullif(f.task_no, 0), f.field, lib.value_text(institution, f.field, f.value), (b.by).who, (b.by).name, (b.by).at,
                         (b.by).why, (b.by).op, (b.by).seq, i.file_name, case when i.import is not null then f.line end)::op.blame
                     order by f.task_no, f.field)
      into fields
      from field_now f
      left join change c on (c.task_no, c.field) = (f.task_no, f.field)
     cross join lateral (select case when c.e is distinct from null then c.e else origin end as by) b
      left join mejora.import i on (b.by).op = 'plan_import'
                               and (i.institution, i.plan, i.import) = (institution, plan, ((b.by).after ->> 'import')::int)
     where (b.by).seq is not null and (f.task_no = 0 or c.field is not null);
    outcome := 'ok';
end $$;

-- What was changed of an action (without one: of the plan), the newest first; by the last so many entries, also by those which changed
-- nothing of it.
create function lib.audit_changed(institution text, plan int, item_no int, of_task int, of_field text, max_entries int)
returns table (n bigint, task_no int, field text, e road.audit) stable language plpgsql as $$
#variable_conflict use_variable
declare
    about text := case when item_no is null then 'plan:' || plan else 'item:' || plan || '/' || item_no end;
begin
    return query
        select f.n, coalesce((f.entry).task_no, 0), c.field, f.entry
          from lib.audit_find(institution, array[row(array[coalesce('task:' || plan || '/' || item_no || '.' || of_task, about)], null, null),
                                                 row('{outcome:ok}', null, null)]::lib.wanted[]
                                           || case when of_field is null then '{}' else array[row(array['field:' || of_field], null, null)::lib.wanted] end,
                              null, null, null, false, max_entries) with ordinality f (leaf, entry, n)
          left join lateral lib.audit_changes((f.entry).op, (f.entry).before, (f.entry).after) c
            on c.item_no is not distinct from case when (f.entry).item_no is null then item_no end
           and (f.entry).item_no is not distinct from case when c.item_no is null then item_no end
           and (of_field is null or c.field = of_field) and (of_task is null or (f.entry).task_no = of_task);
end $$;

-- What there is now, by fields; task 0: the action, or without one the plan.
create function lib.fields_now(institution text, plan int, item_no int) returns table (task_no int, field text, value jsonb, line int)
stable language sql as $$
    select 0, d.key, d.value, a.line
      from mejora.action a left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true,
           jsonb_each(lib.action_document(a.institution, a.plan, a.item_no)
                      || jsonb_build_object('percent', l.percent, 'annulled', a.annulled_at is not null)) d
     where (a.institution, a.plan, a.item_no) = (fields_now.institution, fields_now.plan, fields_now.item_no)
       and d.value not in ('null', '[]', 'false')
    union all
    select t.task_no, 'done', to_jsonb(t.done_at is not null), null from mejora.task t
     where (t.institution, t.plan, t.item_no) = (fields_now.institution, fields_now.plan, fields_now.item_no)
    union all
    select 0, d.key, d.value, null
      from mejora.plan p, jsonb_each(to_jsonb(p) - '{institution,year,approved_at,approved_by,carried_to}'::text[]
                                     || jsonb_build_object('state', case when p.carried_to is not null then 'carried'
                                                                         when p.approved_at is not null then 'approved' else 'draft' end)) d
     where (p.institution, p.year) = (fields_now.institution, fields_now.plan) and fields_now.item_no is null and d.value <> '[]'
$$;

-- The entry by which an action (a plan) came: the import that added it, or the carrying over.
create function lib.audit_origin(institution text, plan int, item_no int) returns road.audit stable language sql as $$
    select f.entry
      from (select lib.audit_find(institution, array[row(array[coalesce('item:' || plan || '/' || item_no, 'plan:' || plan)], null, null),
                                                     row('{op:plan_import}', null, null), row('{outcome:ok}', null, null)]::lib.wanted[],
                                  null, null, null, true, null) as f
            union all
            select lib.audit_find(institution, array[row(array['new.carried_to:' || plan], null, null), row('{op:plan_carry}', null, null),
                                                     row('{outcome:ok}', null, null)]::lib.wanted[], null, null, null, true, null)) found,
           lateral (select (found.f).*) f
     where item_no is null or (f.entry).after -> 'added' @> to_jsonb(item_no)
        or (f.entry).op = 'plan_carry' and (f.entry).after -> 'actions' @> to_jsonb(item_no)
     order by (f.entry).seq limit 1
$$;
