-- The last day on which the person belongs to the institution; back takes it back.
create function op.person_leave(
    me int, institution text, code text, last_day date, back boolean, why text,
    out person op.person,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    p mejora.person;
begin
    select x.* into p from mejora.person x where (x.institution, x.code) = (institution, code) for update;
    if p.id is null then
        select 'not_found', 'no_such_person', array[coalesce(code, '')] into outcome, error, error_args;
        return;
    elsif (last_day is null) = (back is not true) then
        select 'invalid', 'field_missing', array['last_day'] into outcome, error, error_args;
        return;
    end if;
    update mejora.person x set last_day = last_day where x.id = p.id and x.last_day is distinct from last_day;
    if found then
        before := jsonb_build_object('person', code, 'last_day', p.last_day);
        after := jsonb_build_object('person', code, 'last_day', last_day);
        perform lib.reminders_refresh(institution, null, null);
    end if;
    select x.* into person from lib.people(institution, code) x;
    outcome := 'ok';
end $$;
