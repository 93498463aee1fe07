-- The ledger of reminders: one row by action, rule and person. It follows from plan, policy, calendar, people and what
-- was done, so anything that changes one of these calls lib.reminders_refresh in the same transaction.
-- docs/reminders.md has the rules in words.

-- The day on which a reminder goes out that falls on `day`: where only working days count, the next (step 1) or the
-- previous one (step -1). works_at: the institution whose calendar counts; null: every day will do.
create function lib.reminder_day(works_at text, day date, step int) returns date stable language sql as $$
    select case when works_at is null or lib.is_working_day(works_at, day) then day
                else lib.working_days_after(works_at, day, step) end
$$;

-- The rules that an action still needs, and their days. A rule is a number of days from the end. Needed are all to come
-- up to the end and the next of the overdue ones (after `until`, where one looks ahead); of those whose day has come
-- only the latest, so that after an outage one message goes out instead of five; and of several on one day only the
-- latest. On a day that is not worked, what leads up to the end comes earlier, so that it still helps, and what speaks
-- of the start or of being overdue later. The start is not spoken of any more when it is a week past.
create function lib.reminder_rules(days_before int[], days_after_start int[], overdue_every int, works_at text,
                                   start_date date, end_date date, today date, until date default null,
                                   out rules int[], out due date[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    last int := (today - end_date) / overdue_every;
    ahead int := (coalesce(until, today) - end_date) / overdue_every;
begin
    with rule as (
        select r.rule, max(r.step) as step
          from (select -d, -1 from unnest(days_before) d
                union all
                select n * overdue_every, 1 from generate_series(greatest(last, 1), greatest(ahead, 0) + 1) n
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

-- The same for silence: a report is asked for every so many weeks without one, counted from the last or from the start,
-- until the day before the end.
create function lib.silence_rules(weeks int, works_at text, base date, end_date date, today date, until date)
returns table (rule int, due date) stable language sql as $$
    with of_day as (
        select k * weeks as rule, lib.reminder_day(works_at, base + 7 * weeks * k, 1) as day
          from generate_series(greatest((today - base) / nullif(7 * weeks, 0), 1),
                               greatest((coalesce(until, today) - base) / nullif(7 * weeks, 0), 0) + 1) k
         where base + 7 * weeks * k < end_date and today < end_date)
    select o.rule, o.day from of_day o
     where o.day > today or o.day = (select max(p.day) from of_day p where p.day <= today)
$$;

-- Why nothing more is said of an action; null: it is not over.
create function lib.action_over(a mejora.action, carried_to int, percent int) returns text immutable language sql as $$
    select case when a.annulled_at is not null then 'annulled' when percent = 100 then 'done'
                when carried_to is not null then 'carried' end
$$;

-- The civil day on which something last happened to an action.
create function lib.last_activity(institution text, touched_on date, reported_at timestamptz) returns date
stable language sql as $$
    select greatest(touched_on, (reported_at at time zone i.time_zone)::date)
      from mejora.institution i where i.institution = last_activity.institution
$$;

-- What each rule of these actions counts from and when it is due; of item_no 0 those of the plan's deadlines. step:
-- whom an escalation goes to. until: as far as one looks ahead.
create function lib.reminder_days(institution text, plans int[], items int[], today date, until date)
returns table (plan int, item_no int, kind mejora.reminder_kind, base date, rule int, dates_version int, due date,
               step mejora.hears_as, works_at text)
stable language sql as $$
    with topic as materialized (
        select a.plan, a.item_no, a.dates_version, a.start_date, a.end_date, y.days_before, y.days_after_start,
               y.overdue_every, y.escalation, y.silent_weeks,
               case when y.working_days then a.institution::text end as works_at,
               greatest(a.start_date, lib.last_activity(a.institution, null, l.at)) as reported,
               greatest(a.end_date, lib.last_activity(a.institution, a.touched_on, l.at)) as active
          from unnest(plans, items) u (plan, item_no)
          join mejora.action a on (a.institution, a.plan, a.item_no) = (reminder_days.institution, u.plan, u.item_no)
          join mejora.plan p on (p.institution, p.year) = (a.institution, a.plan)
         cross join lateral lib.policy(a.institution, a.plan) y
          left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
         where lib.action_over(a, p.carried_to, l.percent) is null
    ), step as materialized (
        select t.plan, t.item_no, t.active, e.step, e.days from topic t, lib.escalation(t.escalation) e
    ), step_day as materialized (
        select d.active, d.days, lib.working_days_after(reminder_days.institution, d.active, d.days) as due
          from (select distinct s.active, s.days from step s) d
    )
    select t.plan, t.item_no, 'term'::mejora.reminder_kind, '-infinity'::date, n.rule, t.dates_version, n.due,
           null::mejora.hears_as, t.works_at
      from topic t, lib.reminder_rules(t.days_before, t.days_after_start, t.overdue_every, t.works_at, t.start_date,
                                       t.end_date, today, until) r, unnest(r.rules, r.due) n (rule, due)
    union all
    select t.plan, t.item_no, 'silence', t.reported, n.rule, 0, n.due, null, t.works_at
      from topic t, lib.silence_rules(t.silent_weeks, t.works_at, t.reported, t.end_date, today, until) n
     where t.silent_weeks > 0
    union all
    select t.plan, t.item_no, 'escalation', t.active, s.days, t.dates_version, d.due, s.step, t.works_at
      from topic t join step s using (plan, item_no) join step_day d on (d.active, d.days) = (s.active, s.days)
    union all
    select d.plan, 0, 'deadline', d.due_on, n.rule, 0, n.due, null, case when y.working_days
        then p.institution::text end
      from unnest(plans, items) u (plan, item_no)
      join mejora.plan p on (p.institution, p.year) = (reminder_days.institution, u.plan) and p.carried_to is null
      join (select distinct x.plan, x.due_on from mejora.deadline x
             where x.institution = reminder_days.institution and x.done_on is null) d on d.plan = u.plan
     cross join lateral lib.policy(p.institution, p.year) y
     cross join lateral lib.reminder_rules(y.days_before, '{}', y.overdue_every,
                                           case when y.working_days then p.institution::text end,
                                           d.due_on, d.due_on, today, until) r
     cross join unnest(r.rules, r.due) n (rule, due)
     where u.item_no = 0
$$;

-- What the ledger ought to say of these actions and plans: to whom, by which rule, when. Who hears is who is there on
-- the day it goes out. Nothing is said about what is over. A person without an address is among them: that a reminder
-- could not be sent has to be seen. Escalation does not reach who hears anyway, does not begin with a step whose day is
-- past, and of several steps on one day a person hears the last.
create function lib.reminders_wanted(institution text, plans int[], items int[], today date, until date default null)
returns table (plan int, item_no int, kind mejora.reminder_kind, base date, rule int, dates_version int, due date,
               person int, unit text, hears_as mejora.hears_as)
stable language plpgsql as $$
#variable_conflict use_column
begin
    return query with rule as materialized (
        select r.*, o.unit::text as unit, coalesce(o.position, 0) as position,
               lib.reminder_day(r.works_at, greatest(r.due, today), 1) as day
          from lib.reminder_days(institution, plans, items, today, until) r
          left join mejora.action_owner o
            on (o.institution, o.plan, o.item_no) = (reminders_wanted.institution, r.plan, r.item_no)
         where r.item_no = 0 or o.unit is not null
    ), hears as materialized (
        select d.unit, d.day, h.person, h.hears_as
          from (select distinct r.unit, r.day from rule r) d, lib.hearers(institution, d.unit, d.day) h
    ), reached as materialized (
        select d.unit, d.step, d.day, p.person
          from (select distinct r.unit, r.step, r.day from rule r where r.step is not null) d,
               lib.step_people(institution, d.unit, d.step, d.day) p (person)
    ), told as (
        select r.*, h.person, h.hears_as from rule r
          join hears h on h.unit is not distinct from r.unit and h.day = r.day
         where r.step is null
        union all
        select r.*, h.person, r.step from rule r
          join reached h on (h.unit, h.step, h.day) = (r.unit, r.step, r.day)
         where (r.due >= today
                or exists (select from mejora.reminder x
                            where (x.institution, x.plan, x.item_no, x.kind, x.base, x.rule, x.dates_version)
                                = (reminders_wanted.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version)
                              and x.unit = r.unit and x.state in ('pending', 'leased', 'sent')))
           and not exists (select from mejora.action_owner o join hears x on (x.unit, x.day) = (o.unit, r.day)
                            where (o.institution, o.plan, o.item_no)
                                = (reminders_wanted.institution, r.plan, r.item_no) and x.person = h.person)
    ), once as (
        select distinct on (t.plan, t.item_no, t.kind, t.base, t.person, t.day) t.*
          from told t
         order by t.plan, t.item_no, t.kind, t.base, t.person, t.day, t.due desc, t.rule desc, t.position)
    select o.plan, o.item_no, o.kind, o.base, o.rule, o.dates_version, o.due, o.person, o.unit, o.hears_as from once o;
end $$;

-- Why a reminder that was wanted is so no more, as far as the reminder alone can tell; no row: it still is. In SQL and a
-- table, so that it becomes part of the query that asks.
create function lib.reminder_gone(r mejora.reminder, today date) returns table (why text) stable language sql as $$
    select g.why
      from (select coalesce(
                case when r.item_no = 0 then (
                    select case when p.carried_to is not null then 'carried' when d.n = 0 then 'dates_changed'
                                when d.open = 0 then 'done' end
                      from mejora.plan p,
                           lateral (select count(*) as n, count(*) filter (where d.done_on is null) as open
                                      from mejora.deadline d
                                     where (d.institution, d.plan, d.due_on) = (r.institution, r.plan, r.base)) d
                     where (p.institution, p.year) = (r.institution, r.plan))
                else (
                    select coalesce(lib.action_over(a, p.carried_to, l.percent),
                                    case when r.kind in ('term', 'escalation') and r.dates_version <> a.dates_version
                                         then 'dates_changed' end)
                      from mejora.action a
                      join mejora.plan p on (p.institution, p.year) = (a.institution, a.plan)
                      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
                     where (a.institution, a.plan, a.item_no) = (r.institution, r.plan, r.item_no))
                end,
                case when exists (select from mejora.person p
                                   where p.id = r.person and p.last_day < greatest(r.due_on, today)) then 'left'
                     when exists (select from lib.away(r.institution, r.person, greatest(r.due_on, today))) then 'away' end)
            as why) g
     where g.why is not null
$$;

-- Makes the ledger of these actions equal to what is wanted. What was sent is never asked for again, nor of somebody
-- else in the unit that heard it; what was cancelled is, when it holds again (reopened after 100 %). What a person asked
-- for stays whatever the rules say, and what one answered against does not come. What a worker is sending now is left
-- alone: it is looked at again when its mail is.
create function lib.reminders_settle(institution text, plans int[], items int[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    here text := institution;
    today date := lib.today(institution);
begin
    with wanted as materialized (
        select w.*, lib.answered(here, w.plan, w.item_no, w.person, w.kind, w.rule, w.due) as answered
          from lib.reminders_wanted(here, plans, items, today) w
    ), dropped as (
        update mejora.reminder r
           set state = 'cancelled', mail = null, changed_at = now(), reason = coalesce((select g.why from lib.reminder_gone(r, today) g), lib.answered(r), case
                   when exists (select from wanted w where (w.plan, w.item_no, w.kind) = (r.plan, r.item_no, r.kind)
                                                       and w.base <> r.base and r.kind <> 'deadline') then 'activity'
                   when exists (select from wanted w where (w.plan, w.item_no, w.kind, w.base, w.rule)
                                                         = (r.plan, r.item_no, r.kind, r.base, r.rule))
                        or not exists (select from wanted w where (w.plan, w.item_no, w.person)
                                                                = (r.plan, r.item_no, r.person)) then 'owner_changed'
                   when r.due_on > today then 'policy_changed' else 'superseded' end)
          from unnest(plans, items) u (plan, item_no)
         where (r.institution, r.plan, r.item_no) = (here, u.plan, u.item_no) and r.state = 'pending'
           and not exists (select from wanted w
                            where (w.plan, w.item_no, w.kind, w.base, w.rule, w.dates_version, w.person)
                                = (r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version, r.person)
                              and w.answered is null)
           and not (r.asked and not exists (select from lib.reminder_gone(r, today))
                    and exists (select from wanted w where (w.plan, w.item_no, w.person) = (r.plan, r.item_no, r.person)))
    ), moved as (
        update mejora.reminder r
           set due_on = w.due, unit = w.unit, hears_as = w.hears_as, changed_at = now(), reason = null,
               state = 'pending'
          from wanted w
         where (r.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version, r.person)
             = (here, w.plan, w.item_no, w.kind, w.base, w.rule, w.dates_version, w.person)
           and w.answered is null
           and (r.state = 'pending' and (r.due_on, r.unit, r.hears_as) is distinct from (w.due, w.unit, w.hears_as)
                or r.state = 'cancelled' and not lib.unit_told(here, r))
    ), forgotten as (                                             -- what is over and comes back starts anew
        delete from mejora.reminder_answer x
         using unnest(plans, items) u (plan, item_no)
          join mejora.action a on (a.plan, a.item_no) = (u.plan, u.item_no) and a.institution = here
          join mejora.plan p on (p.institution, p.year) = (a.institution, a.plan)
          left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
         where (x.institution, x.plan, x.item_no) = (a.institution, a.plan, a.item_no)
           and lib.action_over(a, p.carried_to, l.percent) is not null
    )
    insert into mejora.reminder (institution, plan, item_no, kind, base, rule, dates_version, person, due_on, unit,
                                 hears_as)
    select here, w.plan, w.item_no, w.kind, w.base, w.rule, w.dates_version, w.person, w.due, w.unit, w.hears_as
      from wanted w
     where w.answered is null
       and not exists (select from mejora.reminder r
                        where (r.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version)
                            = (here, w.plan, w.item_no, w.kind, w.base, w.rule, w.dates_version)
                          and (r.person = w.person or r.state in ('sent', 'leased') and r.unit = w.unit
                                                      and r.hears_as <> 'member'))
        on conflict do nothing;
end $$;

-- Whether somebody else of the unit heard this, or is hearing it.
create function lib.unit_told(institution text, r mejora.reminder) returns boolean stable language sql as $$
    select exists (select from mejora.reminder o
                    where (o.institution, o.plan, o.item_no, o.kind, o.base, o.rule, o.dates_version)
                        = (unit_told.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version)
                      and o.unit = r.unit and o.hears_as <> 'member' and o.person <> r.person
                      and o.state in ('sent', 'leased'))
$$;

-- Null for plan or item_no means every one.
create function lib.reminders_refresh(institution text, plan int, item_no int) returns void
language plpgsql as $$
#variable_conflict use_variable
declare
    plans int[];
    items int[];
begin
    if plan is not null and item_no is not null then
        plans := array[plan];
        items := array[item_no];
    else
        select array_agg(t.plan), array_agg(t.item_no) into plans, items
          from (select a.plan, a.item_no from mejora.action a
                 where a.institution = institution and (plan is null or a.plan = plan)
                union all
                select p.year, 0 from mejora.plan p where p.institution = institution
                    and (plan is null or p.year = plan)) t;
    end if;
    perform lib.reminders_settle(institution, plans, items);
end $$;

-- Something happened to an action: escalation counts from today again, and so does silence after a report. touch: it
-- leaves no row of its own with its day. before: the report before this one; the second of a day changes nothing.
create function lib.action_active(institution text, plan int, item_no int, touch boolean,
    before timestamptz default null)
returns void language plpgsql as $$
#variable_conflict use_variable
declare
    today date;
begin
    if touch then
        update mejora.action a set touched_on = lib.today(institution)
         where (a.institution, a.plan, a.item_no) = (institution, plan, item_no)
           and a.touched_on is distinct from lib.today(institution);
        if not found then
            return;
        end if;
    end if;
    if exists (select from mejora.reminder r
                where (r.institution, r.plan, r.item_no) = (institution, plan, item_no)
                  and r.kind in ('silence', 'escalation')) then
        today := lib.today(institution);
        if lib.last_activity(institution, null, before) is distinct from today
           and exists (select from mejora.reminder r
                        where (r.institution, r.plan, r.item_no) = (institution, plan, item_no)
                          and r.kind in ('silence', 'escalation') and r.base < today) then
            perform lib.reminders_refresh(institution, plan, item_no);
        end if;
    end if;
end $$;
