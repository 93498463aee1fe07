-- What is absent stays; an empty text takes it away.
create function op.unit_set(
    me int, institution text, name text, new_name text, email text, parent text, manager text, why text,
    out unit op.unit,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    here text := lib.unit_find(institution, name);
    was jsonb;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is null then
        select * into outcome, error, error_args from lib.unit_refuse(institution, name, here, new_name, email, parent,
            manager);
    end if;
    if outcome is not null then
        return;
    end if;
    was := lib.unit_fields(institution, here);
    update mejora.unit u
       set name = coalesce(nullif(new_name, ''), u.name), email = nullif(coalesce(email, u.email), ''),
           parent = case when parent is null then u.parent else lib.unit_find(institution, nullif(parent, '')) end,
           manager = case when manager is null then u.manager else lib.person_find(institution, manager) end
     where (u.institution, u.unit) = (institution, here);
    select d.before, d.after into before, after from lib.difference(was, lib.unit_fields(institution, here)) d;
    if after ?| '{parent,manager}' then
        perform lib.reminders_refresh(institution, null, null);
    end if;
    select u.* into unit from lib.units(institution, here) u;
    outcome := 'ok';
end $$;

create function lib.unit_fields(institution text, unit text) returns jsonb stable language sql as $$
    select jsonb_build_object('name', u.name, 'email', u.email, 'parent', u.parent, 'manager',
        lib.person_code(u.manager))
      from mejora.unit u where (u.institution, u.unit) = (unit_fields.institution, unit_fields.unit)
$$;

create function lib.unit_refuse(institution text, name text, here text, new_name text, email text, parent text,
    manager text,
                                out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
begin
    if coalesce(name, '') = '' then
        select 'invalid', 'field_missing', array['name'] into outcome, error, error_args;
    elsif here is null then
        select 'not_found', 'no_such_unit', array[name] into outcome, error, error_args;
    elsif num_nonnulls(nullif(new_name, ''), email, parent, manager) = 0 then
        select 'invalid', 'nothing_to_change' into outcome, error;
    elsif not lib.email_ok(nullif(email, '')) then
        select 'invalid', 'email_malformed', array[email] into outcome, error, error_args;
    elsif parent <> '' and lib.unit_find(institution, parent) is null then
        select 'not_found', 'no_such_unit', array[parent] into outcome, error, error_args;
    elsif lib.unit_below(institution, lib.unit_find(institution, nullif(parent, '')), here) then
        select 'invalid', 'unit_circle', array[here, parent] into outcome, error, error_args;
    elsif manager <> '' and lib.person_find(institution, manager) is null then
        select 'not_found', 'no_such_person', array[manager] into outcome, error, error_args;
    end if;
end $$;

-- Whether a unit is another one or below it.
create function lib.unit_below(institution text, unit text, above text) returns boolean stable language sql as $$
    with recursive up as (
        select unit_below.unit collate "C" as unit
        union
        select u.parent::text from mejora.unit u join up on u.unit = up.unit
         where u.institution = unit_below.institution and u.parent is not null)
    select exists (select from up where up.unit = above)
$$;
