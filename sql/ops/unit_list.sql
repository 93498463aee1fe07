create function op.unit_list(
    me int, institution text, out units op.unit[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is null then
        select array_agg(u order by lib.fold(u.name)), 'ok' into units, outcome from lib.units(institution, null) u;
    end if;
end $$;
