create function op.deadline_remove(
    me int, institution text, plan int, inout name text, why text, out due_on date,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    was mejora.deadline;
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    end if;
    delete from mejora.deadline d where (d.institution, d.plan, lib.fold(d.name)) = (institution, plan, lib.fold(name))
    returning d.* into was;
    if was.name is null then
        select 'not_found', 'no_such_deadline', array[coalesce(name, '')] into outcome, error, error_args;
        return;
    end if;
    name := was.name;
    due_on := was.due_on;
    before := to_jsonb(was) - '{institution,plan}'::text[];
    perform lib.reminders_refresh(institution, plan, 0);
    outcome := 'ok';
end $$;
