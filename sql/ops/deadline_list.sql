create function op.deadline_list(
    me int, institution text, plan int,
    out deadlines op.deadline[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is null then
        select array_agg(d order by d.due_on, d.name), 'ok' into deadlines, outcome from lib.deadlines(institution,
            plan, null) d;
    end if;
end $$;
