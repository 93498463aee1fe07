-- By when the plan itself owes something. The same name again moves it.
create function op.deadline_add(
    me int, institution text, plan int, name text, due_on date, points text, why text,
    out deadline op.deadline,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    absent text := lib.absent('name', btrim(name), 'due_on', due_on::text);
    was mejora.deadline;
    made mejora.deadline;
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    elsif absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
        return;
    elsif extract(year from due_on) not between 1970 and 2199 then
        select 'invalid', 'field_invalid', array['due_on'] into outcome, error, error_args;
        return;
    end if;
    select d.* into was from mejora.deadline d
     where (d.institution, d.plan, lib.fold(d.name)) = (institution, plan, lib.fold(name)) for update;
    insert into mejora.deadline as d (institution, plan, name, due_on, points)
    values (institution, plan, coalesce(was.name, name), due_on, nullif(points, ''))
        on conflict on constraint deadline_pkey do update
       set due_on = excluded.due_on, points = coalesce(excluded.points, d.points), done_on = case
           when d.due_on = excluded.due_on then d.done_on end
    returning d.* into made;
    if made is distinct from was then
        before := case when was.name is not null then to_jsonb(was) - '{institution,plan}'::text[] end;
        after := to_jsonb(made) - '{institution,plan}'::text[];
        perform lib.reminders_refresh(institution, plan, 0);
    end if;
    select d.* into deadline from lib.deadlines(institution, plan, name) d;
    outcome := 'ok';
end $$;
