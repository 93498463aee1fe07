-- Away from one day to another, both included: holidays, leave. The same first day again corrects; cancel takes it
-- back.
create function op.person_absent(
    me int, institution text, code text, first_day date, last_day date, cancel boolean, why text,
    out person op.person,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    who int := lib.person_find(institution, code);
    was mejora.absence;
begin
    first_day := coalesce(first_day, lib.today(institution));
    if who is null then
        select 'not_found', 'no_such_person', array[coalesce(code, '')] into outcome, error, error_args;
        return;
    elsif last_day is null and cancel is not true then
        select 'invalid', 'field_missing', array['last_day'] into outcome, error, error_args;
        return;
    elsif last_day < first_day then
        select 'invalid', 'dates_reversed', array[first_day::text, last_day::text] into outcome, error, error_args;
        return;
    end if;
    select a.* into was from mejora.absence a where (a.institution, a.person, a.first_day) = (institution, who,
        first_day);
    if cancel and was.person is null then
        select 'not_found', 'no_such_absence', array[code, first_day::text] into outcome, error, error_args;
        return;
    elsif cancel then
        delete from mejora.absence a where (a.institution, a.person, a.first_day) = (institution, who, first_day);
    else
        insert into mejora.absence as a (institution, person, first_day, last_day, why)
        values (institution, who, first_day, last_day, why)
            on conflict on constraint absence_pkey do update set last_day = excluded.last_day, why = excluded.why;
        after := jsonb_build_object('person', code, 'first_day', first_day, 'last_day', last_day);
    end if;
    if was.person is not null then
        before := jsonb_build_object('person', code, 'first_day', was.first_day, 'last_day', was.last_day);
    end if;
    if before is distinct from after then
        perform lib.reminders_refresh(institution, null, null);
    else
        select null, null into before, after;
    end if;
    select x.* into person from lib.people(institution, code) x;
    outcome := 'ok';
end $$;
