-- It was delivered: nobody is reminded of it any more. undo: it was not.
create function op.deadline_done(
    me int, institution text, plan int, name text, undo boolean, why text,
    out deadline op.deadline,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    end if;
    select d.* into deadline from lib.deadlines(institution, plan, coalesce(name, '')) d;
    if deadline.name is null then
        select 'not_found', 'no_such_deadline', array[coalesce(name, '')] into outcome, error, error_args;
        return;
    elsif (deadline.done_on is null) <> (undo is true) then
        update mejora.deadline d set done_on = case when undo is not true then lib.today(institution) end
         where (d.institution, d.plan, d.name) = (institution, plan, deadline.name);
        before := jsonb_build_object('name', deadline.name, 'done', undo is true);
        after := jsonb_build_object('name', deadline.name, 'done', undo is not true);
        perform lib.reminders_refresh(institution, plan, 0);
        select d.* into deadline from lib.deadlines(institution, plan, name) d;
    end if;
    outcome := 'ok';
end $$;
