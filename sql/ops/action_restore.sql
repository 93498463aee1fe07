-- What was annulled by mistake counts again. Its reports and texts were never gone.
create function op.action_restore(
    me int, institution text, plan int, item_no int, why text,
    out ref text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
begin
    ref := lib.ref(institution, plan, item_no);
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    elsif coalesce(why, '') = '' then
        select 'invalid', 'field_missing', array['why'] into outcome, error, error_args;
        return;
    end if;
    update mejora.action a set annulled_at = null, annulled_why = null
     where (a.institution, a.plan, a.item_no) = (institution, plan, item_no) and a.annulled_at is not null;
    if not found then
        select 'conflict', 'not_annulled', array[ref] into outcome, error, error_args;
        return;
    end if;
    perform lib.reminders_refresh(institution, plan, item_no);
    before := jsonb_build_object('annulled', true);
    after := jsonb_build_object('annulled', false);
    outcome := 'ok';
end $$;
