create function op.decision_list(
    me int, institution text, plan int, "all" boolean, out decisions op.decision[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is null then
        select array_agg(d order by d.decision), 'ok' into decisions, outcome
          from lib.decisions(institution, plan, null) d where d.state = 'open' or "all";
    end if;
end $$;
