create type op.signature as (role text, name text, date text);
create type op.coverage as (criterion int, title text, actions int);

-- Coverage counts an action for every criterion that one of its subcriteria belongs to; a criterion that none does is shown too.
create function op.plan_show(
    me int, institution text, about_plan int,
    out plan op.plan, out signatures op.signature[], out coverage op.coverage[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, about_plan, null);
    if outcome is not null then
        return;
    end if;
    select p.* into plan from lib.plans(institution, about_plan) p;
    select array_agg(s.s order by s.n) into signatures
      from mejora.plan p, jsonb_array_elements(p.signatures) with ordinality e (j, n),
           lateral (select jsonb_populate_record(null::op.signature, e.j) as s, e.n) s
     where (p.institution, p.year) = (institution, about_plan);
    select array_agg(row(c.criterion, c.title_es, coalesce(a.actions, 0))::op.coverage order by c.criterion) into coverage
      from mejora.caf2020 c
      left join (select substring(s from '^\d+')::int as criterion, count(distinct a.item_no) as actions
                   from mejora.action a, unnest(a.subcriteria) s
                  where (a.institution, a.plan) = (institution, about_plan) and a.annulled_at is null group by 1) a
        on a.criterion = c.criterion
     where c.kind = 'criterion';
    outcome := 'ok';
end $$;
