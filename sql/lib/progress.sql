-- How far an action is, and what that means on a day.

-- What to tell a person about an action: the first of these that holds. Annulled and done end every question. Then
-- the calendar speaks before the report: an action whose end has passed or comes within 30 days is overdue or
-- due_soon, whether it was reported at 0, at 75 or never, because that is what somebody has to act on. Only with
-- time left does it matter how far it is, and that nobody has said so (not_reported) is not the same as nothing done
-- (not_started). done_on: the day that 100 % was reported; null counts as in time.
create function lib.action_state(percent int, end_date date, done_on date, today date, annulled boolean)
returns mejora.state immutable language sql as $$
    select case when annulled then 'annulled'::mejora.state
                when percent = 100 and done_on > end_date then 'done_late'
                when percent = 100 then 'done'
                when end_date < today then 'overdue'
                when end_date <= today + 30 then 'due_soon'
                when percent is null then 'not_reported'
                when percent = 0 then 'not_started'
                else 'in_progress' end
$$;

-- The last report of an action; no row: not reported. done_on is the civil day on which it came to the 100 % of now.
-- The planner puts this in the place of its call, so a column that nobody asks for costs nothing.
create function lib.last_progress(institution text, plan int, item_no int)
returns table (version int, percent int, at timestamptz, person int, why text, done_on date) stable language sql as $$
    select p.version, p.percent::int, p.at, p.person, p.why,
           case when p.percent = 100 then (
               select (min(d.at) at time zone (select i.time_zone from mejora.institution i
                                                where i.institution = p.institution))::date
                 from mejora.progress d
                where (d.institution, d.plan, d.item_no) = (p.institution, p.plan, p.item_no)
                  and d.version > coalesce((select max(e.version) from mejora.progress e
                                             where (e.institution, e.plan, e.item_no)
                                                 = (p.institution, p.plan, p.item_no) and e.percent < 100), 0)) end
      from mejora.progress p
     where (p.institution, p.plan, p.item_no)
         = (last_progress.institution, last_progress.plan, last_progress.item_no)
     order by p.version desc limit 1
$$;

-- Whether anybody said something else since that version: a report that brings evidence for what stood already does not.
create function lib.progress_differs(institution text, plan int, item_no int, version int) returns boolean stable language sql as $$
    select progress_differs.version > coalesce(max(p.version), 0)
           or coalesce(bool_or(p.version > progress_differs.version and (p.percent is distinct from p.before or p.evidence = '')), false)
      from (select r.version, r.percent, coalesce(r.evidence, '') as evidence, lag(r.percent) over (order by r.version) as before
              from mejora.progress r
             where (r.institution, r.plan, r.item_no) = (progress_differs.institution, progress_differs.plan, progress_differs.item_no)
               and r.version >= progress_differs.version) p
$$;
