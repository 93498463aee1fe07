-- What is unfinished goes on in another year's plan under the same numbers; its history stays where it is, one carried_from away.
create function op.plan_carry(
    me int, institution text, about_plan int, year int, start_date date, why text,
    out plan text, out carried int, out left_done int,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    items int[];
    months int;
begin
    select * into outcome, error, error_args from lib.missing(institution, about_plan, null);
    if outcome is null then
        perform from mejora.plan p where (p.institution, p.year) = (institution, about_plan) for update;
        select array_agg(a.item_no order by a.item_no),
               coalesce((extract(year from start_date) - extract(year from min(a.start_date))) * 12
                        + extract(month from start_date) - extract(month from min(a.start_date)), (year - about_plan) * 12)
          into items, months
          from mejora.action a left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
         where (a.institution, a.plan) = (institution, about_plan) and a.annulled_at is null and l.percent is distinct from 100;
        select * into outcome, error, error_args from lib.carry_refuse(institution, about_plan, year, start_date, items);
    end if;
    if outcome is not null then
        return;
    end if;
    plan := lib.ref(institution, year);
    carried := cardinality(items);
    select count(*) - carried into left_done from mejora.action a where (a.institution, a.plan) = (institution, about_plan);
    perform lib.carry(institution, about_plan, year, items, months);
    after := jsonb_build_object('carried_to', year, 'actions', items);
    outcome := 'ok';
end $$;

create function lib.carry_refuse(institution text, plan int, year int, start_date date, items int[],
                                 out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    source mejora.plan;
    taken int;
begin
    select p.* into source from mejora.plan p where (p.institution, p.year) = (institution, plan);
    if year is null then
        select 'invalid', 'field_missing', array['year'] into outcome, error, error_args;
    elsif year = plan or year not between 1970 and 2199 then
        select 'invalid', 'field_invalid', array['year'] into outcome, error, error_args;
    elsif extract(year from start_date) not between 1970 and 2199 then
        select 'invalid', 'field_invalid', array['start_date'] into outcome, error, error_args;
    elsif source.carried_to <> year then
        select 'conflict', 'plan_carried', array[lib.ref(institution, plan), lib.ref(institution, source.carried_to)]
          into outcome, error, error_args;
    elsif items is null then
        select 'conflict', 'nothing_to_carry', array[lib.ref(institution, plan)] into outcome, error, error_args;
    elsif exists (select from mejora.plan p where (p.institution, p.year) = (institution, year)
                                              and (p.approved_at is not null or p.carried_to is not null)) then
        select 'conflict', 'plan_approved', array[lib.ref(institution, year)] into outcome, error, error_args;
    else
        select min(a.item_no) into taken from mejora.action a
         where (a.institution, a.plan) = (institution, year) and a.item_no = any (items);
        if taken is not null then
            select 'conflict', 'already_exists', array[lib.ref(institution, year, taken)] into outcome, error, error_args;
        end if;
    end if;
end $$;

create function lib.carry(institution text, plan int, year int, items int[], months int) returns void language plpgsql as $$
#variable_conflict use_variable
declare
    t_means text;
begin
    insert into mejora.plan (institution, year, title, caf, t_means, signatures)
    select institution, year, replace(p.title, plan::text, year::text), p.caf, p.t_means,
           (select coalesce(jsonb_agg(s || '{"name": null, "date": null}'), '[]') from jsonb_array_elements(p.signatures) s)
      from mejora.plan p where (p.institution, p.year) = (institution, plan)
        on conflict on constraint plan_pkey do nothing;
    select p.t_means into t_means from mejora.plan p where (p.institution, p.year) = (institution, year);
    insert into mejora.action (institution, plan, item_no, subcriteria, improvement_areas, caf_example_no, title, actions, objective,
                               start_period, end_period, start_date, end_date, resources, indicator, owner_text, comments, carried_from,
                               touched_on)
    select institution, year, a.item_no, a.subcriteria, a.improvement_areas, a.caf_example_no, a.title, a.actions, a.objective,
           lib.period_text(d.start_date, false, a.start_period, t_means), lib.period_text(d.end_date, true, a.end_period, t_means),
           d.start_date, d.end_date, a.resources, a.indicator, a.owner_text, a.comments, plan, lib.today(institution)
      from mejora.action a,
           lateral (select lib.month_shift(a.start_date, months) as start_date, lib.month_shift(a.end_date, months) as end_date) d
     where (a.institution, a.plan) = (institution, plan) and a.item_no = any (items);
    insert into mejora.action_owner (institution, plan, item_no, unit, position)
    select institution, year, o.item_no, o.unit, o.position from mejora.action_owner o
     where (o.institution, o.plan) = (institution, plan) and o.item_no = any (items);
    insert into mejora.task (institution, plan, item_no, task_no, printed_no, text)
    select institution, year, t.item_no, t.task_no, t.printed_no, t.text from mejora.task t
     where (t.institution, t.plan) = (institution, plan) and t.item_no = any (items) and t.done_at is null;
    insert into mejora.deadline (institution, plan, name, due_on, points)      -- what is owed every year
    select institution, year, d.name, (d.due_on + make_interval(years => year - plan))::date, d.points
      from mejora.deadline d where (d.institution, d.plan) = (institution, plan)
        on conflict do nothing;
    update mejora.plan p set carried_to = year where (p.institution, p.year) = (institution, plan);
    perform lib.reminders_refresh(institution, plan, null);
    perform lib.reminders_refresh(institution, year, null);
end $$;
