-- The ledger of reminders: one row by action, person, rule and version of the dates. It follows from plan, policy and
-- membership alone, so anything that changes one of these calls lib.reminders_refresh in the same transaction.

-- The rules that an action still needs when so many days of its end have passed (negative: are left): every one to
-- come before the end and the next of the overdue ones; of those whose day has come only the latest, so that after
-- an outage one message goes out instead of five.
create function lib.reminder_rules(days_before int[], overdue_every int, elapsed int) returns int[]
immutable language plpgsql as $$
declare
    last int := elapsed / overdue_every;
begin
    return (with rule as (
                select -d as rule from unnest(days_before) d
                union
                select n * overdue_every from generate_series(greatest(last, 1), greatest(last, 0) + 1) n)
            select array_agg(rule order by rule) from rule
             where rule > elapsed or rule = (select max(rule) from rule where rule <= elapsed));
end $$;

-- What the ledger ought to say of each action: these rules for these people. Nothing is said about what is over:
-- annulled, done, or carried into another year. A person without an address is among them: that a reminder could not
-- be sent has to be seen. Null for plan, item_no or people means every one; plan and item_no are asked for as
-- ranges, so that one plan of the statement serves an action and an institution (and not with coalesce, which
-- row-level security keeps from an index).
create function lib.reminders_wanted(institution text, plan int, item_no int, today date, people int[] default null)
returns table (plan int, item_no int, dates_version int, end_date date, over text, rules int[], people int[])
stable language sql as $$
    select a.plan, a.item_no, a.dates_version, a.end_date, o.over,
           case when o.over is null then lib.reminder_rules(coalesce(y.days_before, '{30,15,7,3,1,0}'),
                                                            coalesce(y.overdue_every, 7), today - a.end_date)
                else '{}' end,
           array(select distinct m.person
                   from mejora.action_owner w
                   join mejora.member m on m.institution = w.institution and m.unit = w.unit
                  where (w.institution, w.plan, w.item_no) = (a.institution, a.plan, a.item_no)
                    and (reminders_wanted.people is null or m.person = any (reminders_wanted.people)))
      from mejora.action a
      join mejora.plan p on p.institution = a.institution and p.year = a.plan
      left join mejora.reminder_policy y on y.institution = a.institution
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     cross join lateral (select case when a.annulled_at is not null then 'annulled'
                                     when l.percent = 100 then 'done'
                                     when p.carried_to is not null then 'carried' end as over) o
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
    ), again as (
        update mejora.reminder r
           set state = 'pending', reason = null, changed_at = now()
          from wanted w
         where (r.institution, r.plan, r.item_no) = (here, w.plan, w.item_no) and r.state = 'cancelled'
           and r.dates_version = w.dates_version and r.person = any (w.people) and r.rule = any (w.rules)
    )
    insert into mejora.reminder (institution, plan, item_no, person, rule, dates_version, due_on)
    select here, w.plan, w.item_no, p.person, n.rule, w.dates_version, w.end_date + n.rule
      from wanted w, unnest(w.people) p (person), unnest(w.rules) n (rule)
     where not exists (select from mejora.reminder r
                        where (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version)
                            = (here, w.plan, w.item_no, p.person, n.rule, w.dates_version))
        on conflict do nothing;
end $$;
