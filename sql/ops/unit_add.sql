-- Adding a unit that a plan has already named confirms it.
create function op.unit_add(
    me int, institution text, code text, name text,
    out unit op.unit,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    there text;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif lib.absent('name', name) is not null then
        select 'invalid', 'field_missing', array['name'] into outcome, error, error_args;
        return;
    end if;
    code := coalesce(nullif(code, ''), lib.slug(name));
    if lib.code_ok(code) is not true then
        select 'invalid', 'code_malformed', array[coalesce(code, name)] into outcome, error, error_args;
        return;
    end if;
    there := coalesce(lib.unit_find(institution, name), lib.unit_find(institution, code));
    if there is null then
        insert into mejora.unit (institution, unit, name) values (institution, code, name);
        after := jsonb_build_object('unit', code, 'name', name);
    else
        select u.* into unit from lib.units(institution, there) u;
        if there <> code or unit.name <> name then
            select 'conflict', 'already_exists', array[unit.name] into outcome, error, error_args;
            return;
        elsif unit.provisional then
            update mejora.unit u set provisional = false where (u.institution, u.unit) = (institution, code);
            before := jsonb_build_object('unit', code, 'provisional', true);
            after := jsonb_build_object('unit', code, 'provisional', false);
        end if;
    end if;
    select u.* into unit from lib.units(institution, code) u;
    outcome := 'ok';
end $$;
