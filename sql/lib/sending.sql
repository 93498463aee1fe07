-- Sending: a mail is one digest for one person, with everything that is due. One at most is on the way, and one in a
-- day.

-- The day for a person who wants everything of a week on its Monday: but for the last two days, which would be late by then.
create function lib.reminder_goes(due_on date, rule int, weekly boolean) returns date immutable language sql as $$
    select case when weekly and rule not in (-1, 0) then due_on + (8 - extract(isodow from due_on)::int) % 7 else due_on end
$$;

-- The last day, anywhere, of which something may be due by now.
create function lib.due_by() returns date stable language sql as $$
    select (lib.now() at time zone 'UTC')::date + 1
$$;

-- The reminders whose hour has come and that are in no mail yet, in what the caller may see. A civil date and hour
-- become an instant only here, so new time-zone rules count from the moment they are installed. Whatever is late waits
-- for a working day too, where only these count. The comparison of days is there for the index.
create function lib.reminders_due() returns setof mejora.reminder stable language sql as $$
    select r.*
      from mejora.reminder r
      join mejora.institution i on i.institution = r.institution
      join mejora.person w on w.id = r.person
     cross join lateral lib.policy(r.institution, r.plan) y
     where r.state = 'pending' and r.mail is null and (r.institution = mejora.here() or mejora.sees_all())
       and r.due_on <= lib.due_by()
       and (lib.reminder_goes(r.due_on, r.rule, w.weekly) + make_interval(hours => greatest(y.hour, w.hour)))
           at time zone i.time_zone <= lib.now()
       and not exists (select from mejora.reminder_pause z
                        where z.institution = r.institution and z.plan in (0, r.plan))
       and (not y.working_days or lib.is_working_day(r.institution, (lib.now() at time zone i.time_zone)::date))
$$;

-- The mails that reached, or may have reached, their people today.
create function lib.mailed_today() returns setof mejora.mail stable language sql as $$
    select m.*
      from mejora.mail m
      join mejora.institution i on i.institution = m.institution
     where m.outcome in ('sent', 'unknown')
       and m.ended_at >= (lib.now() at time zone i.time_zone)::date::timestamp at time zone i.time_zone
$$;

-- Planners who have had no mail since a relay refused somebody's address, at an hour at which reminders go out.
create function lib.planners_to_tell() returns table (institution text, person int) stable language sql as $$
    select f.institution, w.id
      from (select f.institution, max(f.since) as since from mejora.address_fault f
             where f.institution = mejora.here() or mejora.sees_all() group by f.institution) f
      join mejora.institution i on i.institution = f.institution
      join mejora.person w on w.institution = f.institution and 'planner' = any (w.roles) and w.email is not null
     cross join lateral lib.policy(f.institution, 0) y
     cross join lateral (select lib.now() at time zone i.time_zone as at) l
     where extract(hour from l.at) >= greatest(y.hour, w.hour) and not lib.paused(f.institution, 0)
       and (not y.working_days or lib.is_working_day(f.institution, l.at::date))
       and not exists (select from mejora.mail m where (m.institution, m.person) = (f.institution, w.id)
                                                   and m.outcome is not null and m.ended_at >= f.since)
$$;

-- Opens mails for people who have something due, none on the way and had none today. Goes through what is due from
-- its oldest until it has as many rows as mails are asked for, however many there are: who has several comes at
-- once, so the caller asks again for the rest.
create function lib.mails_open(at_most int) returns bigint[]
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    opened bigint[];
begin
    with due as (
        select d.institution, d.person
          from lib.reminders_due() d
         where (select min(r.due_on) from mejora.reminder r          -- if none is, an index says so; else all that is to come may be read
                 where r.state = 'pending' and r.mail is null) <= lib.due_by()
           and not exists (select from mejora.mail m
                            where m.institution = d.institution and m.person = d.person and m.ended_at is null)
           and not exists (select from lib.mailed_today() m
                            where m.institution = d.institution and m.person = d.person)
         order by d.due_on, d.institution, d.person limit at_most
    ), told as (
        select t.institution, t.person
          from lib.planners_to_tell() t
         where not exists (select from mejora.mail m
                            where m.institution = t.institution and m.person = t.person and m.ended_at is null)
           and not exists (select from lib.mailed_today() m
                            where m.institution = t.institution and m.person = t.person)
         limit at_most
    ), new as (
        insert into mejora.mail (institution, person, created_at, not_before)
        select p.institution, p.person, lib.now(), lib.now()
          from (select * from due union select * from told) p order by p.institution, p.person limit at_most
            on conflict do nothing
        returning mail)
    select coalesce(array_agg(mail), '{}') into opened from new;
    return opened;
end $$;

-- Takes the mails whose worker fell silent or whose next attempt has come. One that may have arrived waits for the end
-- of a pause as it is; of one that did not, only what is paused waits.
create function lib.mails_retake(at_most int) returns bigint[]
language sql set enable_sort = off as $$             -- in the order of the index: however many wait, only these are read
    select array(select m.mail from mejora.mail m
                  where m.ended_at is null and (m.institution = mejora.here() or mejora.sees_all())
                    and (m.leased_until < now() or (m.leased_until is null and m.not_before <= lib.now()))
                    and (m.outcome is not distinct from 'later' or not exists (select from mejora.reminder_pause)
                         or not exists (select from mejora.reminder r
                                           join mejora.reminder_pause z
                                             on z.institution = r.institution and z.plan in (0, r.plan)
                                         where r.mail = m.mail))
                  order by m.not_before, m.mail limit at_most for update skip locked)
$$;

-- Puts into each of these mails what is due to its person as things stand now, for the one who leases it, and ends those
-- that have nothing to say or nowhere to go. The ledger is right about what comes before the end on its day: only what is late, was being sent while
-- things changed, or has a next one that follows from it is worked out again. Answers the others. A mail that may have arrived already takes in nothing new: who has it
-- would miss that.
create function lib.mails_fill(mails bigint[]) returns bigint[]
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    said bigint[];          -- those with something to say
begin
    update mejora.reminder r set state = 'pending', changed_at = now()
     where r.mail = any (mails) and r.state = 'leased';
    update mejora.reminder r set mail = null, changed_at = now()
      from mejora.mail m
     where m.mail = any (mails) and m.outcome = 'later' and r.mail = m.mail and r.state = 'pending'
       and lib.paused(r.institution, r.plan);
    perform lib.reminders_settle(t.institution, array_agg(t.plan), array_agg(t.item_no))
       from (select distinct r.institution::text, r.plan, r.item_no
               from mejora.mail m
               join mejora.institution i on i.institution = m.institution
              cross join lateral (select (lib.now() at time zone i.time_zone)::date as today) t
               join mejora.reminder r on (r.institution, r.person, r.state) = (m.institution, m.person, 'pending')
              where m.mail = any (mails) and r.due_on <= t.today
                and not (r.kind = 'term' and r.rule <= 0 and r.due_on = t.today and r.mail is null)) t
      group by t.institution;
    update mejora.reminder r
       set mail = m.mail, changed_at = now(),
           state = case when e.address is null then 'failed' else 'leased' end::mejora.reminder_state,
           reason = case when e.address is null then 'no_address' end
      from mejora.mail m
     cross join lateral (select coalesce(p.email, lib.address(p, lib.today(m.institution))) as address
                           from mejora.person p where p.id = m.person offset 0) e
     cross join lateral (select d.* from lib.reminders_due() d -- of the person alone, however little is known of these tables
                          where d.institution = m.institution and d.person = m.person offset 0) d
     where m.mail = any (mails) and m.outcome is distinct from 'unknown'
       and (r.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version, r.person)
         = (d.institution, d.plan, d.item_no, d.kind, d.base, d.rule, d.dates_version, d.person);
    update mejora.reminder r set state = 'leased', changed_at = now() -- what has been in it since an attempt before
     where r.mail = any (mails) and r.state = 'pending';
    said := array(select distinct r.mail from mejora.reminder r where r.mail = any (mails) and r.state = 'leased');
    if cardinality(said) = cardinality(mails) then
        return said;
    end if;
    update mejora.mail m set ended_at = lib.now(), leased_until = null
     where m.mail = any (mails) and m.mail <> all (said)
       and not exists (select from lib.planners_to_tell() t where (t.institution, t.person) = (m.institution, m.person));
    return array(select m.mail from mejora.mail m where m.mail = any (mails) and m.ended_at is null);
end $$;

-- Gives at most so many mails to the caller for a while: one caller after another, so that nobody goes away with
-- nothing while there is work. A lease is real time even in a rehearsal, because a worker counts it on its own
-- clock.
create function lib.mails_lease(at_most int, lease interval) returns bigint[] language plpgsql as $$
declare
    mails bigint[] := '{}';
    taken bigint[];
begin
    perform pg_advisory_xact_lock(hashtextextended('mejora.mails_lease', 0));
    while cardinality(mails) < at_most loop
        taken := lib.mails_retake(at_most - cardinality(mails));
        if taken = '{}' then
            perform lib.mails_open(10000); -- to look for them costs as much as there is, so for many at once
            taken := lib.mails_retake(at_most - cardinality(mails));
        end if;
        exit when taken = '{}';
        taken := lib.mails_fill(taken);
        update mejora.mail m
           set leased_until = now() + lease, token = m.token + 1,
               address = (select coalesce(w.email, lib.address(w, lib.today(m.institution))) from mejora.person w
                           where w.id = m.person)
         where m.mail = any (taken);
        mails := mails || taken;
    end loop;
    return mails;
end $$;
