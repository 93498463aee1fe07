-- How a person wants the reminders, within the policy: later in the day than it says, never earlier. Everybody for
-- themselves, Planificación for everybody. What is absent stays; with nothing to change it says how it is.
create function op.reminder_prefer(
    me int, institution text, inout person text, inout language text, inout plain boolean, inout weekly boolean,
    inout hour int, out name text, out address text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    may boolean := (select p.roles && '{admin,planner}' from mejora.person p where p.id = me);
    was mejora.person;
    wrong text := case when language not in ('es', 'en') then 'language' when hour not between 0 and 23 then 'hour' end;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    select p.* into was from mejora.person p
     where case when person is null then p.id = me else (p.institution, p.code) = (institution, person) end for update;
    if was.id is null then
        select 'not_found', 'no_such_person', array[person] into outcome, error, error_args;
        return;
    elsif was.id <> me and not may then
        select 'denied', 'role_denied', '{}'::text[] into outcome, error, error_args;
        return;
    elsif wrong is not null then
        select 'invalid', 'field_invalid', array[wrong] into outcome, error, error_args;
        return;
    end if;
    language := coalesce(language, was.language);
    plain := coalesce(plain, was.plain);
    weekly := coalesce(weekly, was.weekly);
    hour := coalesce(hour, was.hour);
    select was.code, was.name, was.email into person, name, address;
    if (language, plain, weekly, hour) is distinct from (was.language, was.plain, was.weekly, was.hour) then
        update mejora.person p set (language, plain, weekly, hour) = (select language, plain, weekly, hour) where p.id = was.id;
        before := jsonb_build_object('person', person, 'language', was.language, 'plain', was.plain,
                                     'weekly', was.weekly, 'hour', was.hour);
        after := jsonb_build_object('person', person, 'language', language, 'plain', plain, 'weekly', weekly, 'hour', hour);
    end if;
    outcome := 'ok';
end $$;
