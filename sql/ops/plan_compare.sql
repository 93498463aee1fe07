create type op.difference_kind as enum ('added', 'annulled', 'restored', 'changed');
create type op.difference as (item_no int, ref text, kind op.difference_kind, field text, was text, now text);

-- What became of a plan from one instant to another, field by field. The past is asked twice, each time as everything stood then: also
-- what units were called.
create function op.plan_compare(
    me int, institution text, plan int, since text, until text,
    out differences op.difference[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    first record;
    second record;
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is null and coalesce(since, '') = '' then
        select 'invalid', 'field_missing', array['since'] into outcome, error, error_args;
    end if;
    if outcome is not null then
        return;
    end if;
    until := coalesce(nullif(until, ''), lib.today(institution)::text);
    select * into first from lib.plan_then(institution, plan, since);
    select * into second from lib.plan_then(institution, plan, until);
    select 'invalid', e.error, e.args into outcome, error, error_args
      from (values (1, first.error, first.args), (2, second.error, second.args),
                   (3, case when first.instant > second.instant then 'dates_reversed' end, array[since, until])) e (n, error, args)
     where e.error is not null order by e.n limit 1;
    if found then
        outcome := case when error like 'no\_%' then 'not_found' else 'invalid' end;
        return;
    end if;
    select array_agg(d order by d.item_no nulls first, d.kind, d.field), 'ok' into differences, outcome
      from lib.plan_differences(institution, plan, first.fields, second.fields) d;
end $$;

create function lib.plan_then(institution text, plan int, as_of text,
                              out instant timestamptz, out fields jsonb, out error text, out args text[])
stable language plpgsql as $$
#variable_conflict use_variable
begin
    select b.error, b.args into error, args from lib.go_back(institution, as_of) b;
    if error is null then
        instant := current_setting('mejora.as_of');
        select s.error, s.args into error, args
          from lib_past.missing(institution, plan, null) m, lib.missing_then(institution, plan, null, as_of, m.error, m.error_args) s;
        fields := (select jsonb_agg(f) from lib_past.plan_fields(institution, plan) f);
    end if;
end $$;

-- Every field of a plan and its actions, as it is and in a person's words.
create function lib.plan_fields(institution text, plan int) returns table (item_no int, field text, value jsonb, words text)
stable language sql as $$
    select d.item_no, f.key, nullif(f.value, 'null'), lib.value_text(institution, f.key, f.value)
      from (select null::int as item_no, lib.stored_document(institution, plan, null) || jsonb_build_object('state', p.state) as document
              from lib.plans(institution, plan) p
            union all
            select a.item_no, lib.stored_document(institution, plan, a.item_no) - 'line'
                              || jsonb_build_object('annulled', a.annulled_at is not null, 'annulled_why', a.annulled_why,
                                                    'tasks_done', (select coalesce(jsonb_agg(t.task_no order by t.task_no), '[]')
                                                                     from mejora.task t
                                                                    where t.done_at is not null and (t.institution, t.plan, t.item_no)
                                                                        = (a.institution, a.plan, a.item_no)))
              from mejora.action a where (a.institution, a.plan) = (plan_fields.institution, plan_fields.plan)) d,
           jsonb_each(d.document) f
$$;

-- What was added is told by its name; annulled, by why.
create function lib.plan_differences(institution text, plan int, have jsonb, want jsonb) returns setof op.difference
stable language sql as $$
    with old as (
        select * from jsonb_to_recordset(have) o (item_no int, field text, value jsonb, words text)
    ), pair as (
        select n.item_no, n.field, o.words as was, n.words as now,
               n.item_no is not null and not exists (select from old a where a.item_no = n.item_no) as added,
               o.value is distinct from n.value as differs, n.value = 'true' as holds,
               max(n.words) filter (where n.field = 'annulled_why') over item as why,
               coalesce(max(n.words) filter (where n.field = 'title') over item,
                        max(n.words) filter (where n.field = 'actions') over item) as name
          from jsonb_to_recordset(want) n (item_no int, field text, value jsonb, words text)
          left join old o on o.item_no is not distinct from n.item_no and o.field = n.field
        window item as (partition by n.item_no)
    )
    select p.item_no, lib.ref(institution, plan, p.item_no),
           case when p.added then 'added' when p.field <> 'annulled' then 'changed' when p.holds then 'annulled' else 'restored'
           end::op.difference_kind,
           case when p.field <> 'annulled' then p.field end, case when p.field <> 'annulled' then p.was end,
           case when p.added then p.name when p.field <> 'annulled' then p.now when p.holds then p.why end
      from pair p where p.differs and p.field <> 'annulled_why' and (not p.added or p.field = 'annulled')
$$;
