-- Mails: one digest for one person, with everything that is due. At most one is on the way, and one is sent in a day.

-- The reminders whose hour has come, in what the caller may see. A civil date and hour become an instant only here, so new
-- time-zone rules count from the moment they are installed. The comparison of days is there for the index.
create function lib.reminders_due() returns setof mejora.reminder stable language plpgsql as $$
begin
    return query
    select r.*
      from mejora.reminder r
      join mejora.institution i on i.institution = r.institution
      left join mejora.reminder_policy y on y.institution = r.institution
     where r.state = 'pending' and r.mail is null and mejora.here() in ('*', r.institution)
       and r.due_on <= (lib.now() at time zone 'UTC')::date + 1
       and (r.due_on + make_interval(hours => coalesce(y.hour, 8))) at time zone i.time_zone <= lib.now();
end $$;

-- Mails to work on, at most so many: those whose worker fell silent or whose next attempt has come, else new ones, for people
-- who have something due, none on the way and had none today.
create function lib.mails_ready(at_most int) returns bigint[] language plpgsql as $$
declare
    ready bigint[];
begin
    ready := array(select m.mail from mejora.mail m
                    where m.ended_at is null and mejora.here() in ('*', m.institution)
                      and (m.leased_until < now() or (m.leased_until is null and m.not_before <= lib.now()))
                    order by m.not_before, m.mail limit at_most for update skip locked);
    if ready <> '{}' then
        return ready;
    end if;
    with opened as (
        insert into mejora.mail (institution, person, created_at, not_before)
        select distinct d.institution, d.person, lib.now(), lib.now()
          from lib.reminders_due() d
          join mejora.institution i on i.institution = d.institution
         where not exists (select from mejora.mail m
                            where m.institution = d.institution and m.person = d.person
                              and (m.ended_at is null or (m.outcome in ('sent', 'unknown')
                                   and (m.ended_at at time zone i.time_zone)::date = lib.today(d.institution))))
         order by d.institution, d.person limit at_most
            on conflict do nothing
        returning mail)
    select coalesce(array_agg(mail), '{}') into ready from opened;
    return ready;
end $$;

-- Puts into each of these mails what is due to its person as things stand now, and ends those that have nothing left to say.
-- Answers the others. A mail that may have arrived already goes out again as it was, so that the receiver can tell.
create function lib.mails_fill(mails bigint[]) returns bigint[] language plpgsql as $$
begin
    update mejora.reminder r set state = 'pending', changed_at = now() where r.mail = any (mails) and r.state = 'leased';
    perform lib.reminders_refresh(m.institution, null, null, m.person) from mejora.mail m where m.mail = any (mails);
    update mejora.reminder r set mail = m.mail
      from mejora.mail m, lib.reminders_due() d
     where m.mail = any (mails) and m.outcome is distinct from 'unknown'
       and (d.institution, d.person) = (m.institution, m.person)
       and (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version)
         = (d.institution, d.plan, d.item_no, d.person, d.rule, d.dates_version);
    update mejora.mail m set ended_at = lib.now(), leased_until = null
     where m.mail = any (mails) and not exists (select from mejora.reminder r where r.mail = m.mail and r.state = 'pending');
    return array(select m.mail from mejora.mail m where m.mail = any (mails) and m.ended_at is null);
end $$;

-- Gives at most so many mails to the caller for a while. The time of a lease is real time even in a rehearsal: a worker counts it.
create function lib.mails_lease(at_most int, lease interval) returns bigint[] language plpgsql as $$
declare
    mails bigint[] := '{}';
    ready bigint[];
begin
    perform pg_advisory_xact_lock(hashtextextended('mejora.mails_lease', 0));   -- one after another: nobody goes away with nothing while there is work
    update mejora.reminder r set state = 'failed', reason = 'no_address', changed_at = now()
      from lib.reminders_due() d join mejora.person p on p.id = d.person
     where p.email is null and (r.institution, r.plan, r.item_no, r.person, r.rule, r.dates_version)
                             = (d.institution, d.plan, d.item_no, d.person, d.rule, d.dates_version);
    loop
        ready := lib.mails_ready(at_most - cardinality(mails));
        exit when ready = '{}';
        ready := lib.mails_fill(ready);
        update mejora.mail m set leased_until = now() + lease, token = m.token + 1 where m.mail = any (ready);
        update mejora.reminder r set state = 'leased', changed_at = now() where r.mail = any (ready) and r.state = 'pending';
        mails := mails || ready;
    end loop;
    return mails;
end $$;
