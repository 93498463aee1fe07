create function op.person_add(
    me int, institution text, code text, name text, email text, roles mejora.role[], units text[],
    out person op.person,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    codes text[];
    new_person int;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    email := nullif(email, '');
    roles := array(select distinct r from unnest(roles) r order by r);
    codes := array(select distinct coalesce(lib.unit_find(institution, u), u) from unnest(units) u order by 1);
    select * into outcome, error, error_args from lib.person_refuse(me, institution, code, name, email, roles, codes);
    if outcome is not null then
        return;
    end if;
    insert into mejora.person (institution, code, name, email, roles) values (institution, code, name, email, roles)
        on conflict on constraint person_institution_code_key do nothing returning id into new_person;
    if new_person is not null then
        insert into mejora.member (institution, person, unit) select institution, new_person, u from unnest(codes) u;
        after := jsonb_build_object('code', code, 'name', name, 'email', email, 'roles', roles, 'units', codes);
        if codes <> '{}' or roles && '{planner,authority}' then
            perform lib.reminders_refresh(institution, null, null);
        end if;
    end if;
    select p.* into person from lib.people(institution, code) p;
    if (person.name, person.email, person.roles, person.units) is distinct from (name, email, roles, codes) then
        select 'conflict', 'already_exists', array[code] into outcome, error, error_args;
        return;
    end if;
    outcome := 'ok';
end $$;

create function lib.person_refuse(me int, institution text, code text, name text, email text, roles mejora.role[], units text[],
                                  out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    absent text := lib.absent('code', code, 'name', name, 'roles', array_to_string(roles, ' '));
    unknown text := lib.unit_unknown(institution, units);
begin
    if absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
    elsif not lib.code_ok(code) then
        select 'invalid', 'code_malformed', array[code] into outcome, error, error_args;
    elsif not lib.email_ok(email) then
        select 'invalid', 'email_malformed', array[email] into outcome, error, error_args;
    elsif 'invited' = any (roles) then
        select 'invalid', 'field_invalid', array['roles'] into outcome, error, error_args;
    elsif not lib.may_grant(me, institution, roles) then
        select 'denied', 'grant_denied', array[array_to_string(roles, ', ')] into outcome, error, error_args;
    elsif unknown is not null then
        select 'not_found', 'no_such_unit', array[unknown] into outcome, error, error_args;
    end if;
end $$;
