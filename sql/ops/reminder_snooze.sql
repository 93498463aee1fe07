-- Not before that day, and on it once. At most up to the end; where that is reached, a week.
create function op.reminder_snooze(
    me int, institution text, plan int, item_no int, inout until date, why text,
    out ref text, out next_on date,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    today date := lib.today(institution);
    furthest date := (select case when a.end_date > today then a.end_date else today + 7 end from mejora.action a
                       where (a.institution, a.plan, a.item_no) = (institution, plan, item_no));
begin
    ref := lib.ref(institution, plan, item_no);
    select * into outcome, error, error_args from lib.answer_refuse(me, institution, plan, item_no);
    if outcome is not null then
        return;
    elsif until is null then
        select 'invalid', 'field_missing', array['until'] into outcome, error, error_args;
        return;
    elsif until not between today + 1 and furthest then
        select 'invalid', 'snooze_range', array[ref, (today + 1)::text, furthest::text] into outcome, error, error_args;
        return;
    end if;
    select x.next_on, x.before, x.after into next_on, before, after
      from lib.answer_put(me, institution, plan, item_no, 'snooze', until, why) x;
    outcome := 'ok';
end $$;
