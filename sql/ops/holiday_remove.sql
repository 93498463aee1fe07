-- Those of the country stay: the law says them, not the institution.
create function op.holiday_remove(
    me int, institution text, inout "date" date, why text, out name text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif "date" is null then
        select 'invalid', 'field_missing', array['date'] into outcome, error, error_args;
        return;
    end if;
    delete from mejora.holiday h where (h.institution, h.date) = (institution, "date") returning h.name into name;
    if name is null then
        select 'not_found', 'no_such_holiday', array["date"::text] into outcome, error, error_args;
        return;
    end if;
    perform lib.reminders_refresh(institution, null, null);
    before := jsonb_build_object('date', "date", 'name', name);
    outcome := 'ok';
end $$;
