create type op.why as (ref text, kind mejora.reminder_kind, rule int, hears_as mejora.hears_as);
create type op.foreseen as (date date, person text, name text, address text, refs text[], code text, args text[],
                            reason text, rules op.why[]);

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
    select array_agg(row(f.day, w.code, w.name, e.address, f.refs,
                         case when e.address is null then 'no_address' end, '{}', null,
                             f.rules)::op.foreseen order by f.day, w.code)
      into mails
      from (select f.day, f.person,
                   array_agg(distinct lib.ref(institution, f.plan, nullif(f.item_no, 0))) as refs,
                   array_agg(row(lib.ref(institution, f.plan, nullif(f.item_no, 0)), f.kind, f.rule,
                                 f.hears_as)::op.why order by f.plan, f.item_no, f.kind, f.rule) as rules
              from lib.reminders_foreseen(institution, plan, today, until) f
             group by f.day, f.person) f
      join mejora.person w on w.id = f.person
     cross join lateral (select lib.address(w, f.day) as address) e;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    outcome := 'ok';
end $$;
