create function op.plan_list(
    me int, institution text, out plans op.plan[], out current text,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is null then
        select array_agg(p order by p.ref), 'ok' into plans, outcome from lib.plans(nullif(institution, '*'), null) p;
        select lib.ref(institution, y) into current from lib.current_plan(institution, lib.today(institution)) y where y is not null;
    end if;
end $$;
