create type op.tally as (code text, name text, actions int, not_reported int, in_progress int, done int, due_soon int,
                         overdue int, percent int);

-- The board of a plan; without one, of the current one. Annulled actions do not count. The
-- percentage is the mean over all others, and one that nobody reported counts as nothing done: silence must not make
-- a plan look better. An action of several units counts for each of them, and once in the total.
create function op.status(
    me int, institution text, about_plan int,
    out plan text, out title text, out today date, out total op.tally, out criteria op.tally[], out units op.tally[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    year int;
    totals op.tally[];
begin
    select * into outcome, error, error_args from lib.missing(institution, about_plan, null);
    if outcome is not null then
        return;
    end if;
    select p.year, lib.ref(institution, p.year), p.title into year, plan, title
      from mejora.plan p
     where (p.institution, p.year) = (institution, coalesce(about_plan, lib.current_plan(institution, lib.today(institution))));
    if not found then
        select 'not_found', 'no_plan_yet', array[institution] into outcome, error, error_args;
        return;
    end if;
    today := lib.today(institution);
    with action as materialized (
        select a.item_no, lib.criterion(a.subcriteria)::text as criterion, l.percent,
               lib.action_state(l.percent, a.end_date, null, today, false) as state
          from mejora.action a
          left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
         where a.institution = institution and a.plan = year and a.annulled_at is null
    ), place as (
        select 'total' as kind, null as code, null as name, a.* from action a
        union all
        select 'criterion', a.criterion, c.title_es, a.*
          from action a left join mejora.caf2020 c on c.number = a.criterion
        union all
        select 'unit', u.unit, u.name, a.*
          from action a
          join mejora.action_owner o on (o.institution, o.plan, o.item_no) = (institution, year, a.item_no)
          join mejora.unit u on u.institution = o.institution and u.unit = o.unit
    ), tally as (
        select kind, code, name,
               row(code, name, count(*), count(*) filter (where percent is null), count(*) filter (where percent < 100),
                   count(*) filter (where percent = 100), count(*) filter (where state = 'due_soon'),
                   count(*) filter (where state = 'overdue'), round(avg(coalesce(percent, 0))))::op.tally as t
          from place group by kind, code, name
    )
    select (select array_agg(t) from tally where kind = 'total'),
           (select array_agg(t order by code) from tally where kind = 'criterion'),
           (select array_agg(t order by lib.fold(name), code) from tally where kind = 'unit')
      into totals, criteria, units;
    total := coalesce(totals[1], row(null, null, 0, 0, 0, 0, 0, 0, null)::op.tally);
    outcome := 'ok';
end $$;
