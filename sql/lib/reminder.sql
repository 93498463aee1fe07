-- The ledger of reminders: one row by action, person, rule and version of the dates. It follows from plan, policy and
-- membership alone, so anything that changes one of these calls lib.reminders_refresh in the same transaction.

-- The day on which a reminder goes out that falls on `day`: where only working days count, the next (step 1) or the
-- previous one (step -1). works_at: the institution whose calendar counts; null: every day will do.
create function lib.reminder_day(works_at text, day date, step int) returns date stable language sql as $$
    select case when works_at is null or lib.is_working_day(works_at, day) then day
                else lib.working_days_after(works_at, day, step) end
$$;

-- The rules that an action still needs, and their days. A rule is a number of days from the end. Needed are all to
-- come up to the end and the next of the overdue ones; of those whose day has come only the latest, so that after an
-- outage one message goes out instead of five; and of several on one day only the latest. On a day that is not worked, what
-- leads up to the end comes earlier, so that it still helps, and what speaks of the start or of being overdue later. The
-- start is not spoken of any more when it is a week past.
create function lib.reminder_rules(days_before int[], days_after_start int[], overdue_every int, works_at text,
                                   start_date date, end_date date, today date, out rules int[], out due date[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    last int := (today - end_date) / overdue_every;
begin
    with rule as (
        select r.rule, max(r.step) as step
          from (select -d, -1 from unnest(days_before) d
                union all
                select n * overdue_every, 1 from generate_series(greatest(last, 1), greatest(last, 0) + 1) n
                union all
                select start_date + d - end_date, 1 from unnest(days_after_start) d
                 where start_date + d between today - 6 and end_date) r (rule, step)
         group by r.rule
    ), of_day as (
        select distinct on (d.day) r.rule, d.day
          from rule r, lateral (select lib.reminder_day(works_at, end_date + r.rule, r.step) as day) d
         order by d.day, r.rule desc)
    select array_agg(o.rule order by o.rule), array_agg(o.day order by o.rule) into rules, due
      from of_day o
     where o.day > today or o.day = (select max(p.day) from of_day p where p.day <= today);
end $$;

-- What the ledger ought to say of each action: these rules for these people. Nothing is said about what is over:
-- annulled, done, or carried into another year. A person without an address is among them: that a reminder could not
-- be sent has to be seen. Null for plan, item_no or people means every one; plan and item_no are asked for as
-- ranges, so that one plan of the statement serves an action and an institution (and not with coalesce, which
-- row-level security keeps from an index).
create function lib.reminders_wanted(institution text, plan int, item_no int, today date, people int[] default null)
returns table (plan int, item_no int, dates_version int, end_date date, over text, rules int[], due date[],
               people int[])
stable language sql as $$
    select a.plan, a.item_no, a.dates_version, a.end_date, o.over, coalesce(n.rules, '{}'), coalesce(n.due, '{}'),
           array(select distinct m.person
                   from mejora.action_owner w
                   join mejora.member m on m.institution = w.institution and m.unit = w.unit
                  where (w.institution, w.plan, w.item_no) = (a.institution, a.plan, a.item_no)
                    and (reminders_wanted.people is null or m.person = any (reminders_wanted.people)))
      from mejora.action a
      join mejora.plan p on p.institution = a.institution and p.year = a.plan
     cross join lateral lib.policy(a.institution, a.plan) y
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     cross join lateral (select case when a.annulled_at is not null then 'annulled'
                                     when l.percent = 100 then 'done'
                                     when p.carried_to is not null then 'carried' end as over) o
      left join lateral lib.reminder_rules(y.days_before, y.days_after_start, y.overdue_every,
                                           case when y.working_days then a.institution::text end,
                                           a.start_date, a.end_date, today) n on o.over is null
     where a.institution = reminders_wanted.institution
       and a.plan >= case when reminders_wanted.plan is null then 0 else reminders_wanted.plan end
       and a.plan <= case when reminders_wanted.plan is null then 9999 else reminders_wanted.plan end
       and a.item_no >= case when reminders_wanted.item_no is null then 0 else reminders_wanted.item_no end
       and a.item_no <= case when reminders_wanted.item_no is null then 2147483647 else reminders_wanted.item_no end
$$;

-- Makes the ledger equal to what is wanted. What was sent is never asked for again; what was cancelled is, when it
-- holds again (reopened after 100 %). What a worker is sending now is left alone: it is looked at again when its
-- mail is.
create function lib.reminders_refresh(institution text, plan int, item_no int, people int[] default null) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    here text := institution;
    today date := lib.today(institution);
begin
    with wanted as materialized (
        select * from lib.reminders_wanted(here, reminders_refresh.plan, reminders_refresh.item_no, today,
                                           reminders_refresh.people)
    ), dropped as (
        update mejora.reminder r
           set state = 'cancelled', mail = null, changed_at = now(),
               reason = coalesce(w.over, case when r.dates_version <> w.dates_version then 'dates_changed'
                                              when r.person <> all (w.people) then 'owner_changed'
                                              else 'superseded' end)
          from wanted w
         where (r.institution, r.plan, r.item_no) = (here, w.plan, w.item_no) and r.state = 'pending'
           and (reminders_refresh.people is null or r.person = any (reminders_refresh.people))
           and (r.dates_version <> w.dates_version or r.person <> all (w.people) or r.rule <> all (w.rules))
    ), moved as (
        update mejora.reminder r
           set due_on = w.due[array_position(w.rules, r.rule)], changed_at = now()
          from wanted w
         where (r.institution, r.plan, r.item_no) = (here, w.plan, w.item_no) and r.state = 'pending'
           and r.dates_version = w.dates_version and r.person = any (w.people)
           and r.due_on <> w.due[array_position(w.rules, r.rule)]
    ), again as (
        update mejora.reminder r
           set state = 'pending', reason = null, due_on = w.due[array_position(w.rules, r.rule)], changed_at = now()
          from wanted w
         where (r.institution, r.plan, r.item_no) = (here, w.plan, w.item_no) and r.state = 'cancelled'
           and r.dates_version = w.dates_version and r.person = any (w.people) and r.rule = any (w.rules)
    )
    insert into mejora.reminder (institution, plan, item_no, person, rule, dates_version, due_on)
    select here, w.plan, w.item_no, p.person, n.rule, w.dates_version, n.due
      from wanted w, unnest(w.people) p (person), unnest(w.rules, w.due) n (rule, due)
     where not exists (select from mejora.reminder r
                        where (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version)
                            = (here, w.plan, w.item_no, p.person, n.rule, w.dates_version))
        on conflict do nothing;
end $$;
