create type op.follow_up as (action_text text, tasks_text text, owner_text text, result text, comments text, line int);

create function op.action_show(
    me int, institution text, plan int, item_no int,
    out action op.action, out tasks op.task[], out history op.progress[], out follow_up op.follow_up, out annulled_why text,
    out carried_from text,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    end if;
    select a.* into action from lib.actions(institution, plan, item_no, lib.today(institution)) a;
    select array_agg(t order by t.task_no) into tasks from lib.tasks(institution, plan, item_no, null) t;
    select array_agg(row(p.version, p.at, who.code, who.name, p.percent, p.why, p.evidence)::op.progress order by p.version)
      into history from mejora.progress p left join mejora.person who on who.id = p.person
     where (p.institution, p.plan, p.item_no) = (institution, plan, item_no);
    select f.action_text, f.tasks_text, f.owner_text, f.result, f.comments, f.line into follow_up from mejora.follow_up f
     where (f.institution, f.plan, f.item_no) = (institution, plan, item_no);
    select a.annulled_why, case when a.carried_from is not null then lib.ref(institution, a.carried_from, item_no) end, 'ok'
      into annulled_why, carried_from, outcome
      from mejora.action a where (a.institution, a.plan, a.item_no) = (institution, plan, item_no);
end $$;
