create function op.institution_add(
    me int, code text, name text, time_zone text,
    out institution op.institution,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    absent text := lib.absent('code', code, 'name', name);
    added boolean;
begin
    time_zone := coalesce(nullif(time_zone, ''), 'America/Santo_Domingo');
    if mejora.here() <> '*' then
        select 'denied', 'role_denied', array['institution_add'] into outcome, error, error_args;
    elsif absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
    elsif not lib.code_ok(code) then
        select 'invalid', 'code_malformed', array[code] into outcome, error, error_args;
    elsif not exists (select from pg_timezone_names z where z.name = time_zone) then
        select 'invalid', 'field_invalid', array['time_zone'] into outcome, error, error_args;
    end if;
    if outcome is not null then
        return;
    end if;
    insert into mejora.institution (institution, name, time_zone) values (code, name, time_zone) on conflict do nothing;
    added := found;
    select i.* into institution from lib.institutions(code) i;
    if added then
        after := jsonb_build_object('code', code, 'name', name, 'time_zone', time_zone);
    elsif (institution.name, institution.time_zone) is distinct from (name, time_zone) then
        select 'conflict', 'already_exists', array[code] into outcome, error, error_args;
        return;
    end if;
    outcome := 'ok';
end $$;
