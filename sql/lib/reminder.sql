-- The ledger of reminders: one row by action, person, rule and version of the dates. It follows from plan, policy and
-- membership alone, so anything that changes one of these calls lib.reminders_refresh in the same transaction.

-- The rules that an action still needs when so many days of its end have passed (negative: are left): every one to come before
-- the end and the next of the overdue ones; of those whose day has come only the latest, so that after an outage one
-- message goes out instead of five.
create function lib.reminder_rules(days_before int[], overdue_every int, elapsed int) returns setof int
immutable language sql as $$
    with rule as (
        select -d as rule from unnest(days_before) d
        union
        select n * overdue_every
          from generate_series(greatest(elapsed / overdue_every, 1), greatest(elapsed, 0) / overdue_every + 1) n)
    select rule from rule where rule > elapsed or rule = (select max(rule) from rule where rule <= elapsed)
$$;

-- The rows that ought to be there. Nothing is said about what is annulled, finished, or carried into another year. A person
-- without an address gets rows too: that the reminder could not be sent has to be seen.
-- Null for plan, item_no or people means every one.
create function lib.reminders_wanted(institution text, plan int, item_no int, today date, people int[] default null)
returns table (institution text, plan int, item_no int, person int, rule int, dates_version int, due_on date)
stable language sql as $$
    select distinct a.institution::text, a.plan, a.item_no, m.person, r.rule, a.dates_version, a.end_date + r.rule
      from mejora.action a
      join mejora.plan p on p.institution = a.institution and p.year = a.plan and p.carried_to is null
      join mejora.action_owner o on (o.institution, o.plan, o.item_no) = (a.institution, a.plan, a.item_no)
      join mejora.member m on m.institution = o.institution and m.unit = o.unit
      left join mejora.reminder_policy y on y.institution = a.institution
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     cross join lateral lib.reminder_rules(coalesce(y.days_before, '{30,15,7,3,1,0}'), coalesce(y.overdue_every, 7),
                                           reminders_wanted.today - a.end_date) r (rule)
     where a.institution = reminders_wanted.institution
       and (reminders_wanted.plan is null or a.plan = reminders_wanted.plan)
       and (reminders_wanted.item_no is null or a.item_no = reminders_wanted.item_no)
       and (reminders_wanted.people is null or m.person = any (reminders_wanted.people))
       and a.annulled_at is null
       and l.percent is distinct from 100
$$;

-- Makes the ledger equal to what is wanted. What was sent is never asked for again; what was cancelled is, when it holds again
-- (reopened after 100 %). What a worker is sending now is left alone: it is looked at again when its mail is.
-- The plan of the statement depends on which arguments are null.
create function lib.reminders_refresh(institution text, plan int, item_no int, people int[] default null) returns void
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
    with wanted as materialized (
        select * from lib.reminders_wanted(reminders_refresh.institution, reminders_refresh.plan, reminders_refresh.item_no,
                                           lib.today(reminders_refresh.institution), reminders_refresh.people)
    ), dropped as (
        update mejora.reminder r
           set state = 'cancelled', mail = null, changed_at = now(), reason = lib.reminder_why_not(a, r.person, r.dates_version)
          from mejora.action a
         where r.state = 'pending' and r.institution = reminders_refresh.institution
           and (reminders_refresh.plan is null or r.plan = reminders_refresh.plan)
           and (reminders_refresh.item_no is null or r.item_no = reminders_refresh.item_no)
           and (reminders_refresh.people is null or r.person = any (reminders_refresh.people))
           and (a.institution, a.plan, a.item_no) = (r.institution, r.plan, r.item_no)
           and not exists (select from wanted w where (w.plan, w.item_no, w.person, w.rule, w.dates_version)
                                                    = (r.plan, r.item_no, r.person, r.rule, r.dates_version))
    ), again as (
        update mejora.reminder r set state = 'pending', reason = null, changed_at = now()
          from wanted w
         where r.state = 'cancelled' and (w.institution, w.plan, w.item_no, w.person, w.rule, w.dates_version)
                                       = (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version)
    )
    insert into mejora.reminder (institution, plan, item_no, person, rule, dates_version, due_on)
    select w.* from wanted w
     where not exists (select from mejora.reminder r
                        where (w.institution, w.plan, w.item_no, w.person, w.rule, w.dates_version)
                            = (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version))
        on conflict do nothing;
end $$;

-- Why a pending row is not wanted any more: the reason that explains most.
create function lib.reminder_why_not(action mejora.action, person int, dates_version int) returns text
stable language sql as $$
    select case when action.annulled_at is not null then 'annulled'
                when (select l.percent from lib.last_progress(action.institution, action.plan, action.item_no) l) = 100 then 'done'
                when (select p.carried_to from mejora.plan p
                       where (p.institution, p.year) = (action.institution, action.plan)) is not null then 'carried'
                when dates_version <> action.dates_version then 'dates_changed'
                when not exists (select from mejora.action_owner o
                                   join mejora.member m on m.institution = o.institution and m.unit = o.unit
                                  where (o.institution, o.plan, o.item_no) = (action.institution, action.plan, action.item_no)
                                    and m.person = reminder_why_not.person) then 'owner_changed'
                else 'superseded' end
$$;
