-- Who hears of what a unit answers for. Posts, absences and departures are asked for a day, so the same question about
-- a day to come says who will hear then, as far as is known.

create function lib.away(institution text, person int, day date) returns setof mejora.absence stable language sql as $$
    select a.* from mejora.absence a
     where (a.institution, a.person) = (away.institution, away.person) and day between a.first_day and a.last_day
$$;

create function lib.present(institution text, person int, day date) returns boolean stable language plpgsql as $$
begin
    return exists (select from mejora.person p
                    where p.id = present.person and (p.last_day is null or p.last_day >= day))
       and not exists (select from lib.away(present.institution, present.person, day));
end $$;

-- Who has a post on a day: the last one who came to it, unless he has gone from it or left. Away is not gone.
create function lib.post_on(institution text, unit text, kind mejora.post_kind, day date) returns int
stable language plpgsql as $$
begin
    return (select p.person
              from (select o.person, o.last_day from mejora.post o
                     where (o.institution, o.unit, o.kind) = (post_on.institution, post_on.unit, post_on.kind)
                       and o.first_day <= day
                     order by o.first_day desc limit 1) p
              join mejora.person w on w.id = p.person
             where coalesce(p.last_day >= day, true) and coalesce(w.last_day >= day, true));
end $$;

create function lib.role_people(institution text, role mejora.role, day date) returns setof int stable language sql
    as $$
    select p.id from mejora.person p
     where p.institution = role_people.institution and role_people.role = any (p.roles)
       and lib.present(p.institution, p.id, day)
$$;

-- Those of the unit itself: the secretary of a committee, else the holder, else the deputy; where nobody has any of
-- these posts, everybody in the unit. Nobody where those who have one are away.
create function lib.unit_people(institution text, unit text, day date)
returns table (person int, hears_as mejora.hears_as) stable language plpgsql as $$
#variable_conflict use_column
begin
    return query
        with came as (
            select distinct on (o.kind) o.kind, o.person, o.last_day from mejora.post o
             where (o.institution, o.unit) = (unit_people.institution, unit_people.unit) and o.first_day <= day
             order by o.kind, o.first_day desc
        ), stands as materialized (
            select c.kind, c.person from came c join mejora.person w on w.id = c.person
             where coalesce(c.last_day >= day, true) and coalesce(w.last_day >= day, true)
        ), first as (
            select s.person, s.kind from stands s where lib.present(unit_people.institution, s.person, day)
             order by s.kind <> 'secretary', s.kind limit 1
        )
        select f.person, f.kind::text::mejora.hears_as from first f
        union all
        select m.person, 'member' from mejora.member m
         where (m.institution, m.unit) = (unit_people.institution, unit_people.unit)
           and not exists (select from stands) and lib.present(unit_people.institution, m.person, day);
end $$;

-- Those above it: its manager, else the people of the unit above, and so on upwards.
create function lib.unit_above(institution text, unit text, day date) returns setof int stable language plpgsql as $$
#variable_conflict use_variable
declare
    here text := unit;
    above record;
begin
    for step in 1..10 loop                                        -- a circle ends too
        select u.manager, u.parent into above from mejora.unit u where (u.institution, u.unit) = (institution, here);
        if lib.present(institution, above.manager, day) then
            return next above.manager;
            return;
        end if;
        here := above.parent;
        exit when here is null;
        return query select p.person from lib.unit_people(institution, here, day) p;
        exit when found;
    end loop;
end $$;

-- Whom a step of the escalation reaches.
create function lib.step_people(institution text, unit text, step mejora.hears_as, day date) returns setof int
stable language plpgsql as $$
#variable_conflict use_variable
begin
    case step
    when 'deputy' then
        return query select d.person from lib.post_on(institution, unit, 'deputy', day) d (person)
                      where lib.present(institution, d.person, day);
    when 'manager' then return query select * from lib.unit_above(institution, unit, day);
    when 'planner' then return query select * from lib.role_people(institution, 'planner', day);
    else return query select * from lib.role_people(institution, 'authority', day);
    end case;
end $$;

-- Who hears for a unit, so that somebody does: its people, those above, Planificación, the authority. With no unit it
-- is a matter of the plan itself: Planificación's.
create function lib.hearers(institution text, unit text, day date)
returns table (person int, hears_as mejora.hears_as) stable language plpgsql as $$
#variable_conflict use_column
declare
    step mejora.hears_as;
begin
    if hearers.unit is not null then
        return query select * from lib.unit_people(hearers.institution, hearers.unit, day);
    end if;
    if not found or hearers.unit is null then
        foreach step in array case when hearers.unit is null then '{planner,authority}'
                                   else '{manager,planner,authority}' end::mejora.hears_as[] loop
            return query select p, step from lib.step_people(hearers.institution, hearers.unit, step, day) p;
            exit when found;
        end loop;
    end if;
end $$;

-- Where a person can be reached: the own address, else that of a unit whose post the person has.
create function lib.address(person mejora.person, day date) returns text stable language sql as $$
    select coalesce(person.email,
                    (select u.email from mejora.post o
                       join mejora.unit u on (u.institution, u.unit) = (o.institution, o.unit)
                      where o.person = person.id and u.email is not null
                        and lib.post_on(o.institution, o.unit, o.kind, day) = person.id
                      order by o.unit limit 1))
$$;
