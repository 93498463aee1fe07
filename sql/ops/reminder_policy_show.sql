create function op.reminder_policy_show(
    me int, institution text, plan int,
    out policy op.reminder_policy, out paused op.pause[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    end if;
    select y.* into policy from lib.reminder_policies(institution, plan) y;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    outcome := 'ok';
end $$;
