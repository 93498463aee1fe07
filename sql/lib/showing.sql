-- What reminders did and will do, for people to see.

-- Every reminder that would go out if nothing changed from today on: to whom, when, about what. The ledger's rules are
-- asked as they will be, in steps in which no overdue one can hide: a rule says its day before that comes. What is due
-- already goes on the first day that is worked, where that counts, and on which its person has had no mail, unless a
-- later rule takes its place by then.
create function lib.reminders_foreseen(institution text, plan int, today date, until date)
returns table (day date, person int, plan int, item_no int) stable language sql as $$
    select min(g.day), p.person, w.plan, w.item_no
      from mejora.plan a
     cross join lateral lib.policy(a.institution, a.year) y
     cross join generate_series(0, until - today, y.overdue_every) s (ahead)
     cross join lateral lib.reminders_wanted(a.institution, a.year, null, today + s.ahead) w
     cross join unnest(w.people) p (person)
     cross join unnest(w.rules, w.due) n (rule, due)
     cross join lateral (select exists (select from lib.mailed_today() m
                                         where m.institution = a.institution and m.person = p.person) as mailed) m
     cross join lateral (select case when n.due > today then n.due
                                     else lib.reminder_day(case when y.working_days then a.institution::text end,
                                                           today + m.mailed::int, 1) end as day) g
     where a.institution = reminders_foreseen.institution
       and (reminders_foreseen.plan is null or a.year = reminders_foreseen.plan)
       and (s.ahead = 0 or n.due > today + s.ahead) and g.day <= until
       and not exists (select from unnest(w.due) later where later > n.due and later <= g.day)
       and not lib.paused(a.institution, a.year)
       and not exists (select from mejora.reminder r
                        where (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version)
                            = (a.institution, w.plan, w.item_no, p.person, n.rule, w.dates_version)
                          and r.state in ('sent', 'failed'))
     group by p.person, w.plan, w.item_no, n.rule
$$;

-- Why a reminder is as it is: a code and its arguments. address: where its person can be reached.
create function lib.reminder_why(r mejora.reminder, mail mejora.mail, address text, out code text, out args text[])
stable language plpgsql as $$
declare
    policy record;
    today date := lib.today(r.institution);
    zone text := (select i.time_zone from mejora.institution i where i.institution = r.institution);
begin
    select * into policy from lib.policy(r.institution, r.plan);
    code := case when r.reason is not null then r.reason
                 when r.state = 'sent' then 'relay_took_it'
                 when r.state = 'leased' then 'being_sent'
                 when lib.paused(r.institution, r.plan) then 'paused'
                 when address is null then 'no_address'
                 when r.mail is not null then 'tried_again'
                 when (r.due_on + make_interval(hours => policy.hour)) at time zone zone > lib.now() then 'not_yet'
                 when policy.working_days and not lib.is_working_day(r.institution, today) then 'not_working_day'
                 when exists (select from mejora.mail m where (m.institution, m.person) = (r.institution, r.person)
                                                          and m.ended_at is null) then 'after_another'
                 when exists (select from lib.mailed_today() m
                               where (m.institution, m.person) = (r.institution, r.person)) then 'one_a_day'
                 else 'waits_for_worker' end;
    args := case code when 'relay_took_it' then array[mail.mail::text]
                      when 'being_sent' then array[mail.mail::text, mail.token::text]
                      when 'tried_again' then array[mail.token::text]
                      when 'not_yet' then array[r.due_on::text, policy.hour::text]
                      else array[lib.ref(r.institution, r.plan, r.item_no)] end;
end $$;
