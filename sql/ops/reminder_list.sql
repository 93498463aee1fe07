create type op.reminder as (ref text, person text, name text, rule int, due_on date, state mejora.reminder_state,
                            sent_at timestamptz, reason text, kind mejora.reminder_kind, unit text,
                            hears_as mejora.hears_as, mail bigint);

create function op.reminder_list(
    me int, institution text, plan int, item_no int, pending boolean, state mejora.reminder_state,
    out reminders op.reminder[], out paused op.pause[], out unreached op.mail_unreached[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    end if;
    select array_agg(row(lib.ref(r.institution, r.plan, nullif(r.item_no, 0)), w.code, w.name, r.rule, r.due_on, r.state,
                         case when r.state = 'sent' then m.ended_at end, r.reason, r.kind, u.name, r.hears_as,
                         r.mail)::op.reminder
                     order by r.due_on desc, r.plan, r.item_no, w.code)
      into reminders
      from mejora.reminder r
      join mejora.person w on w.id = r.person
      left join mejora.mail m on m.mail = r.mail
      left join mejora.unit u on (u.institution, u.unit) = (r.institution, r.unit)
     where r.institution = institution and (plan is null or r.plan = plan) and (item_no is null or r.item_no = item_no)
       and (pending is not true or r.state = 'pending') and (state is null or r.state = state);
    select array_agg(u order by u.name, u.address) into unreached from lib.unreached(institution) u;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    outcome := 'ok';
end $$;
