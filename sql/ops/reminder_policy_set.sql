-- What is not named stays as it was. The first change to a plan's policy makes it the plan's own; reset gives it back.
create function op.reminder_policy_set(
    me int, institution text, plan int,
    days_before text, days_after_start text, overdue_every int, hour int, working_days boolean,
    reset boolean, why text, escalation text default null, silent_weeks int default null, asks text default null,
    out policy op.reminder_policy,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    here int := coalesce(plan, 0);
    was op.reminder_policy;
    wrong text := case when lib.days_read(days_before) is null and days_before is not null then 'days_before'
                       when lib.days_read(days_after_start) is null and days_after_start is not null
                       then 'days_after_start'
                       when overdue_every not between 1 and 366 then 'overdue_every'
                       when hour not between 0 and 23 then 'hour'
                       when lib.escalation_read(escalation) is null and escalation is not null then 'escalation'
                       when silent_weeks not between 0 and 52 then 'silent_weeks'
                       when lib.asks_read(asks) is null and asks is not null then 'asks' end;
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    elsif wrong is not null then
        select 'invalid', 'field_invalid', array[wrong] into outcome, error, error_args;
        return;
    elsif reset is not true and num_nonnulls(days_before, days_after_start, overdue_every, hour, working_days,
        escalation,
                                                 silent_weeks, asks) = 0 then
        select 'invalid', 'nothing_to_change' into outcome, error;
        return;
    end if;
    select y.* into was from lib.reminder_policies(institution, plan) y;
    if reset then
        delete from mejora.reminder_policy y where y.institution = institution and y.plan = here;
    else
        insert into mejora.reminder_policy as y
               (institution, plan, days_before, days_after_start, overdue_every, hour, working_days, escalation,
                silent_weeks, asks)
        select institution, here, coalesce(lib.days_read(days_before), e.days_before),
               coalesce(lib.days_read(days_after_start), e.days_after_start), coalesce(overdue_every, e.overdue_every),
               coalesce(hour, e.hour), coalesce(working_days, e.working_days),
               coalesce(lib.escalation_read(escalation), e.escalation), coalesce(silent_weeks, e.silent_weeks),
               coalesce(lib.asks_read(asks), e.asks)
          from lib.policy(institution, here) e
            on conflict on constraint reminder_policy_pkey do update
           set days_before = excluded.days_before, days_after_start = excluded.days_after_start,
               overdue_every = excluded.overdue_every, hour = excluded.hour, working_days = excluded.working_days,
               escalation = excluded.escalation, silent_weeks = excluded.silent_weeks, asks = excluded.asks;
    end if;
    select y.* into policy from lib.reminder_policies(institution, plan) y;
    if policy is distinct from was then
        select to_jsonb(was), to_jsonb(policy) into before, after;
        perform lib.reminders_refresh(institution, plan, null);
    end if;
    outcome := 'ok';
end $$;
