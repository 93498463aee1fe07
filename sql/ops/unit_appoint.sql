-- Whoever comes ends who was there the day before, and is one of the unit's people, so that what is asked for can be
-- done. Without a person it ends who is there, on last_day.
create function op.unit_appoint(
    me int, institution text, name text, post mejora.post_kind, person text, first_day date, last_day date, why text,
    out unit op.unit,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    here text := lib.unit_find(institution, name);
    who int := lib.person_find(institution, person);
    absent text := lib.absent('name', name, 'post', post::text);
    was mejora.post;
    made mejora.post;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif absent is not null or (coalesce(person, '') = '' and last_day is null) then
        select 'invalid', 'field_missing', array[coalesce(absent, 'person')] into outcome, error, error_args;
        return;
    elsif here is null then
        select 'not_found', 'no_such_unit', array[name] into outcome, error, error_args;
        return;
    elsif person <> '' and who is null then
        select 'not_found', 'no_such_person', array[person] into outcome, error, error_args;
        return;
    end if;
    first_day := coalesce(first_day, lib.today(institution));
    select p.* into was from mejora.post p
     where (p.institution, p.unit, p.kind) = (institution, here, post) and p.first_day <= first_day
     order by p.first_day desc limit 1;
    if last_day < coalesce(case when who is null then was.first_day else first_day end, last_day) then
        select 'invalid', 'dates_reversed', array[coalesce(case when who is null then was.first_day
            else first_day end)::text, last_day::text]
          into outcome, error, error_args;
        return;
    elsif who is null then
        update mejora.post p set last_day = last_day
         where (p.institution, p.unit, p.kind, p.first_day) = (institution, here, post,
             was.first_day) returning p.* into made;
    elsif (was.person, was.last_day) is distinct from (who, last_day) then
        insert into mejora.post as p (institution, unit, kind, first_day, last_day, person)
        values (institution, here, post, first_day, last_day, who)
            on conflict on constraint post_pkey do update set person = excluded.person, last_day = excluded.last_day
        returning p.* into made;
    end if;
    if made is distinct from was and made.unit is not null then
        insert into mejora.member (institution, person, unit) values (institution, made.person,
            here) on conflict do nothing;
        before := case when was.unit is not null then lib.post_fields(was) end;
        after := lib.post_fields(made);
        perform lib.reminders_refresh(institution, null, null);
    end if;
    select u.* into unit from lib.units(institution, here) u;
    outcome := 'ok';
end $$;

create function lib.post_fields(p mejora.post) returns jsonb stable language sql as $$
    select jsonb_build_object('unit', p.unit, 'post', p.kind, 'person', lib.person_code(p.person), 'first_day',
        p.first_day,
                              'last_day', p.last_day)
$$;
