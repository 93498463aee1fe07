-- From the next lease on nothing goes out. What a worker is sending now is sent.
create function op.reminder_pause(
    me int, institution text, plan int, why text, out paused op.pause[],
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    end if;
    insert into mejora.reminder_pause (institution, plan, person, why) values (institution, coalesce(plan, 0), me, why)
        on conflict on constraint reminder_pause_pkey do nothing;
    if found then
        after := jsonb_build_object('paused', lib.ref(institution, plan));
    end if;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    outcome := 'ok';
end $$;
