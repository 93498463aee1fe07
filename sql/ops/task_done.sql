-- Done again stays done when and by whom it was. What is open again needs a reason.
create function op.task_done(
    me int, institution text, plan int, item_no int, task_no int, undo boolean, why text,
    out task op.task,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    is_done boolean := undo is not true;
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    elsif exists (select from mejora.action a where (a.institution, a.plan, a.item_no) = (institution, plan, item_no)
                                                and a.annulled_at is not null) then
        select 'conflict', 'annulled', array[lib.ref(institution, plan, item_no)] into outcome, error, error_args;
        return;
    elsif not is_done and coalesce(why, '') = '' then
        select 'invalid', 'reopen_why_missing', array[lib.ref(institution, plan, item_no, task_no)] into outcome, error, error_args;
        return;
    end if;
    update mejora.task t set done_at = case when is_done then now() end, done_by = case when is_done then me end
     where (t.institution, t.plan, t.item_no, t.task_no) = (institution, plan, item_no, task_no) and (t.done_at is null) = is_done;
    if found then
        perform lib.action_active(institution, plan, item_no, true);
        before := jsonb_build_object('done', not is_done);
        after := jsonb_build_object('done', is_done);
    end if;
    select t.* into task from lib.tasks(institution, plan, item_no, task_no) t;
    if task.ref is null then
        select 'not_found', 'no_such_task', array[lib.ref(institution, plan, item_no, task_no)] into outcome, error, error_args;
        return;
    end if;
    outcome := 'ok';
end $$;
