-- The person knows: nothing more before the end, nor about what is overdue until its next turn.
create function op.reminder_ack(
    me int, institution text, plan int, item_no int, why text,
    out ref text, out next_on date,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    ref := lib.ref(institution, plan, item_no);
    select * into outcome, error, error_args from lib.answer_refuse(me, institution, plan, item_no);
    if outcome is null then
        select x.next_on, x.before, x.after into next_on, before, after
          from lib.answer_put(me, institution, plan, item_no, 'ack', lib.today(institution), why) x;
        outcome := 'ok';
    end if;
end $$;
