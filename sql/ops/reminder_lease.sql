create type op.mail_item as (ref text, action text, end_date date, days_left int, percent int, indicator text,
                             open_tasks text[], unit text);
create type op.mail as (mail bigint, token int, message_id text, address text, name text, language text,
                        institution text, institution_name text, today date, leased_until timestamptz,
                        items op.mail_item[]);

create function op.reminder_lease(
    me int, institution text, "limit" int, lease_seconds int,
    out mails op.mail[],
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    leased bigint[];
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif coalesce("limit", 10) not between 1 and 1000 then
        select 'invalid', 'field_invalid', array['limit'] into outcome, error, error_args;
        return;
    elsif coalesce(lease_seconds, 120) not between 1 and 86400 then
        select 'invalid', 'field_invalid', array['lease_seconds'] into outcome, error, error_args;
        return;
    end if;
    leased := lib.mails_lease(coalesce("limit", 10), make_interval(secs => coalesce(lease_seconds, 120)));
    select array_agg(row(m.mail, m.token, format('<mail.%s@%s.mejora>', m.mail, m.institution), w.email, w.name,
                         w.language, m.institution, i.name, t.today, m.leased_until,
                         lib.mail_items(m, t.today))::op.mail order by m.mail),
           case when count(*) > 0 then jsonb_build_object('mails', jsonb_agg(m.mail order by m.mail)) end
      into mails, after
      from mejora.mail m
      join mejora.person w on w.id = m.person
      join mejora.institution i on i.institution = m.institution
     cross join lateral (select lib.today(m.institution) as today) t
     where m.mail = any (leased);
    outcome := 'ok';
end $$;

-- What a mail speaks of, the earliest end first. The unit is the one that makes the action this person's.
create function lib.mail_items(mail mejora.mail, today date) returns op.mail_item[] stable language sql as $$
    select array_agg(row(lib.ref(a.institution, a.plan, a.item_no), coalesce(a.title, a.actions[1]), a.end_date,
                         a.end_date - today, l.percent, a.indicator, t.open_tasks, u.name)::op.mail_item
                     order by a.end_date, a.plan, a.item_no)
      from mejora.reminder r
      join mejora.action a on (a.institution, a.plan, a.item_no) = (r.institution, r.plan, r.item_no)
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     cross join lateral (select array_agg(t.text order by t.task_no) as open_tasks
                           from (select t.text, t.task_no from mejora.task t
                                  where (t.institution, t.plan, t.item_no) = (a.institution, a.plan, a.item_no)
                                    and t.done_at is null
                                  order by t.task_no limit 5) t) t
      left join lateral (select u.name
                           from mejora.action_owner o
                           join mejora.member m on (m.institution, m.unit, m.person) = (o.institution, o.unit, r.person)
                           join mejora.unit u on u.institution = o.institution and u.unit = o.unit
                          where (o.institution, o.plan, o.item_no) = (a.institution, a.plan, a.item_no)
                          order by o.position limit 1) u on true
     where r.mail = mail.mail and r.state = 'leased'
$$;
