-- What people answer to their reminders.

-- Why the person wants to hear nothing by this rule; null: nothing was said against it. Who knows of an action is left
-- alone until it ends; who put it off, until that day. An answer holds for the dates that it was given about, and says
-- nothing to those above: that it was given counts as activity.
create function lib.answered(institution text, plan int, item_no int, person int, kind mejora.reminder_kind, rule int,
                             due_on date)
returns text stable language plpgsql as $$
begin
    return (
        select case when a.kind = 'ack' and answered.kind = 'term' and (rule < 0 or due_on <= a.until) then 'acknowledged'
                    when a.kind = 'snooze' and answered.kind in ('term', 'silence') and due_on <= a.until then 'snoozed' end
          from mejora.reminder_answer a
          join mejora.action x using (institution, plan, item_no, dates_version)
         where (a.institution, a.plan, a.item_no, a.person)
             = (answered.institution, answered.plan, answered.item_no, answered.person));
end $$;
create function lib.answered(r mejora.reminder) returns text stable language sql as $$
    select case when not r.asked then lib.answered(r.institution, r.plan, r.item_no, r.person, r.kind, r.rule, r.due_on) end
$$;

-- A person may answer for an action of which the ledger has something to say to them.
create function lib.answer_refuse(me int, institution text, plan int, item_no int,
                                  out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is null and not exists (
        select from mejora.reminder r
          join mejora.action a on (a.institution, a.plan, a.item_no) = (r.institution, r.plan, r.item_no)
         where (r.institution, r.plan, r.item_no, r.person) = (institution, plan, item_no, me)
           and (r.dates_version = a.dates_version or r.kind = 'silence')
           and (r.state <> 'cancelled' or r.reason in ('acknowledged', 'snoozed'))) then
        select 'not_found', 'nothing_to_answer', array[lib.ref(institution, plan, item_no)]
          into outcome, error, error_args;
    end if;
end $$;

-- The answer in the place of the one before, and what follows from it for the ledger. next_on: when the person hears of
-- the action again, as far as the ledger goes.
create function lib.answer_put(me int, institution text, plan int, item_no int, kind mejora.answer_kind, until date,
                               why text, out next_on date, out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    was mejora.reminder_answer;
    a mejora.action;
begin
    select x.* into a from mejora.action x where (x.institution, x.plan, x.item_no) = (institution, plan, item_no) for update;
    select x.* into was from mejora.reminder_answer x
     where (x.institution, x.plan, x.item_no, x.person) = (institution, plan, item_no, me);
    insert into mejora.reminder_answer as x (institution, plan, item_no, person, dates_version, kind, until, why)
    values (institution, plan, item_no, me, a.dates_version, kind, until, why)
        on conflict on constraint reminder_answer_pkey do update
       set (dates_version, kind, until, at, why)
         = (excluded.dates_version, excluded.kind, excluded.until, excluded.at, excluded.why);
    update mejora.reminder r set state = 'cancelled', mail = null, reason = 'superseded', changed_at = now()
     where (r.institution, r.plan, r.item_no, r.person) = (institution, plan, item_no, me) and r.state = 'pending' and r.asked;
    if kind = 'snooze' then
        insert into mejora.reminder as r (institution, plan, item_no, person, rule, dates_version, due_on, asked, unit, hears_as)
        select institution, plan, item_no, me, until - a.end_date, a.dates_version, until, true, l.unit, l.hears_as
          from mejora.reminder l
         where (l.institution, l.plan, l.item_no, l.person) = (institution, plan, item_no, me)
         order by l.unit is null, l.changed_at desc limit 1
            on conflict on constraint reminder_pkey do update
           set state = 'pending', mail = null, reason = null, due_on = until, asked = true, changed_at = now()
         where r.state <> 'leased';
    end if;
    perform lib.action_active(institution, plan, item_no, true);
    perform lib.reminders_refresh(institution, plan, item_no);
    select min(r.due_on) into next_on from mejora.reminder r
     where (r.institution, r.plan, r.item_no, r.person) = (institution, plan, item_no, me) and r.state = 'pending';
    if (was.kind, was.until, was.dates_version) is distinct from (kind, until, a.dates_version) then
        before := case when was.kind is not null then jsonb_build_object('answer', was.kind, 'until', was.until) end;
        after := jsonb_build_object('answer', kind, 'until', until);
    end if;
end $$;
