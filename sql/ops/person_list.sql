create function op.person_list(
    me int, institution text, out people op.person[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is null then
        select array_agg(p order by lib.fold(p.name), p.code), 'ok' into people, outcome from lib.people(institution, null) p;
    end if;
end $$;
