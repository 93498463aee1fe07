-- What reminders did and will do, for people to see.

-- Every reminder that would go out if nothing changed from today on: to whom, when, about what, by which rule. The
-- ledger's rules are asked as far ahead as one looks. What is due already goes on the first day that is worked, where
-- that counts, and on which its person has had no mail, unless a later rule takes its place by then.
create function lib.reminders_foreseen(institution text, plan int, today date, until date)
returns table (day date, person int, plan int, item_no int, kind mejora.reminder_kind, rule int,
              hears_as mejora.hears_as, base date, unit text)
stable language sql as $$
    with topic as (
        select a.plan, a.item_no from mejora.action a
         where a.institution = reminders_foreseen.institution
        union all
        select p.year, 0 from mejora.plan p where p.institution = reminders_foreseen.institution
    ), asked as (
        select array_agg(t.plan) as plans, array_agg(t.item_no) as items from topic t
         where (reminders_foreseen.plan is null or t.plan = reminders_foreseen.plan)
           and not lib.paused(reminders_foreseen.institution, t.plan)
    ), foreseen as (
        select g.day, w.*
          from asked k
         cross join lateral lib.reminders_wanted(reminders_foreseen.institution, k.plans, k.items, today, until) w
         cross join lateral lib.policy(reminders_foreseen.institution, w.plan) y
         cross join lateral (select exists (select from lib.mailed_today() m
                                             where m.institution = reminders_foreseen.institution
                                               and m.person = w.person) as mailed) m
          join mejora.person p on p.id = w.person
         cross join lateral (select lib.reminder_goes(w.due, w.rule, p.weekly) as goes) d
         cross join lateral (select case when d.goes > today then d.goes
                                         else lib.reminder_day(case when y.working_days
                                             then reminders_foreseen.institution end,
                                                               today + m.mailed::int, 1) end as day) g
         where g.day <= until
           and lib.answered(reminders_foreseen.institution, w.plan, w.item_no, w.person, w.kind, w.rule, w.due) is null
    )
    select f.day, f.person, f.plan, f.item_no, f.kind, f.rule, f.hears_as, f.base, f.unit
      from foreseen f
     where not exists (select from foreseen l
                        where (l.plan, l.item_no, l.kind, l.base, l.person) = (f.plan, f.item_no, f.kind, f.base,
                            f.person)
                          and l.due > f.due and l.due <= f.day)
       and not exists (select from mejora.reminder r
                        where (r.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version)
                            = (reminders_foreseen.institution, f.plan, f.item_no, f.kind, f.base, f.rule,
                                f.dates_version)
                          and (r.person = f.person and r.state in ('sent', 'failed')
                               or r.person <> f.person and r.state in ('sent', 'leased') and r.unit = f.unit
                                  and r.hears_as <> 'member'))
    union all
    select greatest(r.due_on, today), r.person, r.plan, r.item_no, r.kind, r.rule, r.hears_as, r.base, r.unit  -- what people asked for
      from mejora.reminder r
     where r.institution = reminders_foreseen.institution and r.asked and r.state = 'pending' and r.due_on <= until
       and (reminders_foreseen.plan is null or r.plan = reminders_foreseen.plan)
       and not lib.paused(r.institution, r.plan)
$$;

-- Why a reminder is as it is: a code and its arguments. address: where its person can be reached.
create function lib.reminder_why(r mejora.reminder, mail mejora.mail, address text, out code text, out args text[])
stable language plpgsql as $$
declare
    policy record;
    goes date;
    hour int;
    today date := lib.today(r.institution);
    zone text := (select i.time_zone from mejora.institution i where i.institution = r.institution);
begin
    select * into policy from lib.policy(r.institution, r.plan);
    select lib.reminder_goes(r.due_on, r.rule, w.weekly), greatest(policy.hour, w.hour) into goes, hour
      from mejora.person w where w.id = r.person;
    code := case when r.reason is not null then r.reason
                 when r.state = 'sent' then 'relay_took_it'
                 when r.state = 'leased' then 'being_sent'
                 when lib.paused(r.institution, r.plan) then 'paused'
                 when address is null then 'no_address'
                 when r.mail is not null then 'tried_again'
                 when (goes + make_interval(hours => hour)) at time zone zone > lib.now() then 'not_yet'
                 when policy.working_days and not lib.is_working_day(r.institution, today) then 'not_working_day'
                 when exists (select from mejora.mail m where (m.institution, m.person) = (r.institution, r.person)
                                                          and m.ended_at is null and m.token > 0) then 'after_another'
                 when exists (select from lib.mailed_today() m
                               where (m.institution, m.person) = (r.institution, r.person)) then 'one_a_day'
                 else 'waits_for_worker' end;
    args := case code when 'relay_took_it' then array[mail.mail::text]
                      when 'being_sent' then array[mail.mail::text, mail.token::text]
                      when 'tried_again' then array[mail.token::text]
                      when 'not_yet' then array[goes::text, hour::text]
                      else array[lib.ref(r.institution, r.plan, r.item_no)] end;
end $$;
