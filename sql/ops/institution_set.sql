-- What is absent stays. In another time zone it is another day at the same moment, so all days are worked out anew.
create function op.institution_set(
    me int, institution text, inout name text, inout time_zone text, why text, out code text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    was mejora.institution;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif institution = '*' or num_nonnulls(nullif(name, ''), nullif(time_zone, '')) = 0 then
        select 'invalid', 'nothing_to_change' into outcome, error;
        return;
    elsif time_zone <> '' and not exists (select from pg_timezone_names z where z.name = time_zone) then
        select 'invalid', 'field_invalid', array['time_zone'] into outcome, error, error_args;
        return;
    end if;
    select i.* into was from mejora.institution i where i.institution = institution for no key update;
    code := institution;
    name := coalesce(nullif(name, ''), was.name);
    time_zone := coalesce(nullif(time_zone, ''), was.time_zone);
    if (name, time_zone) is distinct from (was.name, was.time_zone) then
        update mejora.institution i set name = name, time_zone = time_zone where i.institution = institution;
        before := jsonb_build_object('name', was.name, 'time_zone', was.time_zone);
        after := jsonb_build_object('name', name, 'time_zone', time_zone);
        perform lib.reminders_refresh(institution, null, null);
    end if;
    outcome := 'ok';
end $$;
