create function op.unit_alias(
    me int, institution text, name text, alias text,
    out unit op.unit,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    absent text := lib.absent('name', name, 'alias', lib.fold(alias));
    code text := lib.unit_find(institution, name);
    taken text := lib.unit_find(institution, alias);
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
        return;
    elsif code is null then
        select 'not_found', 'no_such_unit', array[name] into outcome, error, error_args;
        return;
    elsif taken <> code then
        select 'conflict', 'already_exists', array[alias] into outcome, error, error_args;
        return;
    elsif taken is null then
        insert into mejora.unit_alias (institution, alias, unit, written) values (institution, lib.fold(alias), code, alias);
        after := jsonb_build_object('unit', code, 'alias', alias);
    end if;
    select u.* into unit from lib.units(institution, code) u;
    outcome := 'ok';
end $$;
