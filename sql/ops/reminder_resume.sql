-- What became due in the meantime goes out, gathered and without what is stale. The answer says what is paused still.
create function op.reminder_resume(
    me int, institution text, plan int, why text, out ref text, out paused op.pause[],
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    end if;
    ref := lib.ref(institution, plan);
    delete from mejora.reminder_pause z where z.institution = institution and z.plan = coalesce(plan, 0);
    if found then
        before := jsonb_build_object('paused', ref);
        perform lib.reminders_refresh(institution, plan, null);
    end if;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    outcome := 'ok';
end $$;
