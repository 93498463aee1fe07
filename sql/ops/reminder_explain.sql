create type op.explained as (person text, name text, address text, rule int, due_on date, state mejora.reminder_state,
                             code text, args text[], reason text, mail bigint, attempts int, sent_at timestamptz,
                             next_attempt_at timestamptz, relay_code int, relay_text text,
                             kind mejora.reminder_kind, unit text, hears_as mejora.hears_as);

-- Why it went to whom, or why not: of the whole action, then of each of its reminders.
create function op.reminder_explain(
    me int, institution text, plan int, item_no int,
    out ref text, out action text, out end_date date, out percent int, out today date,
    out code text, out args text[], out reason text,
    out policy op.reminder_policy, out paused op.pause[], out reminders op.explained[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    end if;
    today := lib.today(institution);
    ref := lib.ref(institution, plan, item_no);
    select coalesce(a.title, a.actions[1]), a.end_date, l.percent,
           coalesce(lib.action_over(a, p.carried_to, l.percent),
                    case when lib.paused(institution, plan) then 'paused'
                         when not exists (select from mejora.action_owner o, lib.hearers(o.institution, o.unit, today)
                                           where (o.institution, o.plan, o.item_no) = (institution, plan, item_no))
                         then 'nobody_to_tell' end)
      into action, end_date, percent, code
      from mejora.action a
      join mejora.plan p on (p.institution, p.year) = (a.institution, a.plan)
      left join lateral lib.last_progress(institution, plan, item_no) l on true
     where (a.institution, a.plan, a.item_no) = (institution, plan, item_no);
    args := case when code is not null then array[ref] end;
    select y.* into policy from lib.reminder_policies(institution, plan) y;
    select array_agg(z) into paused from lib.pauses(institution, plan) z;
    select array_agg(row(w.code, w.name, e.address, r.rule, r.due_on, r.state, y.code, y.args, null, m.mail, m.token,
                         case when r.state = 'sent' then m.ended_at end,
                         case when r.state = 'pending' then m.not_before end, m.smtp_code, m.smtp_text, r.kind, u.name,
                         r.hears_as)::op.explained
                     order by r.due_on desc, w.code, r.dates_version desc, r.rule)
      into reminders
      from mejora.reminder r
      join mejora.person w on w.id = r.person
      left join mejora.mail m on m.mail = r.mail
      left join mejora.unit u on (u.institution, u.unit) = (r.institution, r.unit)
     cross join lateral (select lib.address(w, today) as address) e
     cross join lateral lib.reminder_why(r, m, e.address) y
     where (r.institution, r.plan, r.item_no) = (institution, plan, item_no);
    outcome := 'ok';
end $$;
