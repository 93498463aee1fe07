create type op.due as (ref text, action text, end_date date, days_left int, percent int, state mejora.state,
                       owners op.owner[]);

-- What ends soon or has ended and is not done, the longest overdue first. A plan that was carried on owes nothing
-- any more.
create function op.due(
    me int, institution text, plan int, within_days int,
    out today date, out actions op.due[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    days int := coalesce(within_days, 30);
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    elsif days not between 0 and 36500 then
        select 'invalid', 'field_invalid', array['within_days'] into outcome, error, error_args;
        return;
    end if;
    today := lib.today(institution);
    select array_agg(row(lib.ref(a.institution, a.plan, a.item_no), coalesce(a.title, a.actions[1]), a.end_date,
                         a.end_date - today, l.percent,
                         lib.action_state(l.percent, a.end_date, l.done_on, today, false),
                         o.owners)::op.due
                     order by a.end_date, a.plan, a.item_no)
      into actions
      from mejora.action a
      join mejora.plan p on p.institution = a.institution and p.year = a.plan and p.carried_to is null
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     cross join lateral lib.owners(a.institution, a.plan, a.item_no) o
     where a.institution = institution and (plan is null or a.plan = plan)
       and a.annulled_at is null and a.end_date <= today + days and l.percent is distinct from 100;
    outcome := 'ok';
end $$;
