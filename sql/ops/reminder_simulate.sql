create type op.foreseen as (date date, person text, name text, address text, refs text[], code text, args text[],
                            reason text);

create function op.reminder_simulate(
    me int, institution text, plan int,
    inout until date, out today date, out mails op.foreseen[], out paused op.pause[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    end if;
    today := lib.today(institution);
    until := coalesce(until, today + 30);
    if until not between today and today + 366 then
        select 'invalid', 'field_invalid', array['until'] into outcome, error, error_args;
        return;
    end if;
    select array_agg(row(f.day, w.code, w.name, w.email, f.refs, case when w.email is null then 'no_address' end,
                         '{}', null)::op.foreseen order by f.day, w.code)
      into mails
      from (select f.day, f.person,
                   array_agg(lib.ref(institution, f.plan, f.item_no) order by f.plan, f.item_no) as refs
              from lib.reminders_foreseen(institution, plan, today, until) f
             group by f.day, f.person) f
      join mejora.person w on w.id = f.person;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    outcome := 'ok';
end $$;
