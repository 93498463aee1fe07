-- The third signature of the plan, by somebody who neither prepared nor reviewed it. From here on a change is an amendment: it needs a reason, and an import is refused.
create function op.plan_approve(
    me int, institution text, about_plan int, why text,
    out plan op.plan,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, about_plan, null);
    if outcome is not null then
        return;
    end if;
    perform from mejora.plan p where (p.institution, p.year) = (institution, about_plan) for update;
    select p.* into plan from lib.plans(institution, about_plan) p;
    if plan.state = 'approved' then
        select 'conflict', 'already_approved', array[plan.ref] into outcome, error, error_args;
        return;
    elsif plan.state = 'carried' then
        select 'conflict', 'plan_carried', array[plan.ref, plan.carried_to] into outcome, error, error_args;
        return;
    elsif plan.actions = 0 then
        select 'conflict', 'plan_empty', array[plan.ref] into outcome, error, error_args;
        return;
    elsif exists (select from mejora.import i where (i.institution, i.plan, i.person) = (institution, about_plan, me))
          or exists (select from mejora.plan p, jsonb_array_elements(p.signatures) s
                      where (p.institution, p.year) = (institution, about_plan) and s ->> 'role' <> 'approves'
                        and lib.fold(s ->> 'name') = lib.fold(lib.person_name(me))) then
        select 'denied', 'approver_prepared', array[plan.ref] into outcome, error, error_args;
        return;
    end if;
    update mejora.plan p
       set approved_at = now(), approved_by = me,
           signatures = coalesce((select jsonb_agg(s) from jsonb_array_elements(p.signatures) s where s ->> 'role' <> 'approves'), '[]')
                        || jsonb_build_object('role', 'approves', 'name', lib.person_name(me), 'date', lib.today(institution))
     where (p.institution, p.year) = (institution, about_plan);
    select p.* into plan from lib.plans(institution, about_plan) p;
    before := jsonb_build_object('state', 'draft');
    after := jsonb_build_object('state', 'approved', 'to_decide', plan.to_decide);
    outcome := 'ok';
end $$;
