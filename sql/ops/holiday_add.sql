create function op.holiday_add(
    me int, institution text, "date" date, name text,
    out holiday op.holiday,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    absent text := lib.absent('date', "date"::text, 'name', btrim(name));
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
        return;
    elsif extract(year from "date") not between 2009 and 2199 then
        select 'invalid', 'field_invalid', array['date'] into outcome, error, error_args;
        return;
    elsif exists (select from lib.holidays(extract(year from "date")::int) h where h.date = "date") then
        select 'conflict', 'already_holiday', array["date"::text] into outcome, error, error_args;
        return;
    end if;
    insert into mejora.holiday (institution, date, name) values (institution, "date", name) on conflict do nothing;
    if found then
        after := jsonb_build_object('date', "date", 'name', name);
        perform lib.reminders_refresh(institution, null, null);
    elsif not exists (select from mejora.holiday h
                       where (h.institution, h.date, h.name) = (institution, "date", name)) then
        select 'conflict', 'already_holiday', array["date"::text] into outcome, error, error_args;
        return;
    end if;
    holiday := row("date", 'own', name, null)::op.holiday;
    outcome := 'ok';
end $$;
