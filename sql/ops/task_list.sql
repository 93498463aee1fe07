create function op.task_list(
    me int, institution text, plan int, item_no int, out tasks op.task[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is null then
        select array_agg(t order by t.task_no), 'ok' into tasks, outcome from lib.tasks(institution, plan, item_no, null) t;
    end if;
end $$;
