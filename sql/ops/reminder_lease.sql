create type op.mail_item as (ref text, action text, end_date date, days_left int, percent int, indicator text,
                             open_tasks text[], unit text, kind mejora.reminder_kind, hears_as mejora.hears_as,
                             asks mejora.ask[], points text);
create type op.mail_unreached as (name text, address text, since date, relay_code int, relay_text text);
create type op.mail as (mail bigint, token int, message_id text, address text, name text, language text,
                        institution text, institution_name text, today date, leased_until timestamptz,
                        items op.mail_item[], plain boolean, unreached op.mail_unreached[], again boolean);
create type lib.mail_about as (mail bigint, institution text, today date, plan int, item_no int, kind mejora.reminder_kind, base date, due_on date, unit text,
                               hears_as mejora.hears_as);

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
    select array_agg(row(m.mail, m.token, lib.message_id(m), m.address, w.name, w.language, m.institution, i.name, t.today,
                         m.leased_until, x.items, w.plain,
                         case when 'planner' = any (w.roles) then lib.mail_unreached(m.institution, m.person) end,
                         m.outcome is not distinct from 'unknown')::op.mail order by m.mail),
           case when count(*) > 0 then jsonb_build_object('mails', jsonb_agg(m.mail order by m.mail)) end
      into mails, after
      from mejora.mail m
      join mejora.person w on w.id = m.person
      join mejora.institution i on i.institution = m.institution
     cross join lateral (select (lib.now() at time zone i.time_zone)::date as today) t
      left join lib.mails_items(array(
               select row(r.mail, r.institution, (lib.now() at time zone i.time_zone)::date, r.plan, r.item_no, r.kind, r.base, r.due_on,
                          r.unit, r.hears_as)::lib.mail_about
                 from mejora.reminder r join mejora.institution i on i.institution = r.institution
                where r.mail = any (leased) and r.state = 'leased')) x on x.mail = m.mail
     where m.mail = any (leased);
    outcome := 'ok';
end $$;

create function lib.message_id(mail mejora.mail) returns text stable language sql as $$
    select format('<mail.%s@%s.mejora>', mail.mail, mail.institution)
$$;

-- Whose addresses relays refuse.
create function lib.unreached(institution text) returns setof op.mail_unreached stable language sql as $$
    select w.name, f.email, (f.since at time zone i.time_zone)::date, f.smtp_code, f.smtp_text
      from mejora.address_fault f
      join mejora.institution i on i.institution = f.institution
      join mejora.person w on w.id = f.person and lib.address(w, lib.today(f.institution)) = f.email
     where f.institution = unreached.institution
$$;

-- The same for a planner; null for anybody else, and when there are none.
create function lib.mail_unreached(institution text, person int) returns op.mail_unreached[] stable language sql as $$
    select array_agg(u order by u.name, u.address)
      from lib.unreached(mail_unreached.institution) u
     where exists (select from mejora.person w where w.id = mail_unreached.person and 'planner' = any (w.roles))
$$;

-- What mails speak of, the earliest end first, each thing once. The unit is the one for which the person hears of it.
-- The deadlines of a plan on one day are one thing.
create function lib.mails_items(about lib.mail_about[]) returns table (mail bigint, items op.mail_item[])
stable language plpgsql as $$
#variable_conflict use_column
begin
    return query with told as (
        select distinct on (r.mail, r.institution, r.plan, r.item_no, d.day) r.*, d.day
          from unnest(about) r, lateral (select case when r.item_no = 0 then r.base end as day) d
         order by r.mail, r.institution, r.plan, r.item_no, d.day, r.kind, r.due_on desc
    ), item as (
        select t.mail, t.institution, t.today, t.plan, t.item_no, t.kind, t.hears_as, t.unit, a.end_date,
               coalesce(a.title, a.actions[1]) as action, l.percent, a.indicator, null::text as points,
               array(select k from unnest(y.asks) k
                      where k <> 'evidence' or not exists (select from mejora.progress e
                                                            where (e.institution, e.plan, e.item_no, e.version)
                                                                = (t.institution, t.plan, t.item_no, l.version)
                                                              and e.evidence <> '')) as asks,
               array(select k.text from mejora.task k
                      where (k.institution, k.plan, k.item_no) = (t.institution, t.plan, t.item_no) and k.done_at is null
                      order by k.task_no limit 5) as open_tasks
          from told t
          join mejora.action a on (a.institution, a.plan, a.item_no) = (t.institution, t.plan, t.item_no)
         cross join lateral lib.policy(t.institution, t.plan) y
          left join lateral lib.last_progress(t.institution, t.plan, t.item_no) l on true
        union all
        select t.mail, t.institution, t.today, t.plan, t.item_no, t.kind, t.hears_as, t.unit, t.base, d.name, null, null,
               d.points, null, null
          from told t
         cross join lateral (select string_agg(d.name, ' · ' order by d.name) as name,
                                    string_agg(d.points, ' · ' order by d.name) as points
                               from mejora.deadline d
                              where (d.institution, d.plan, d.due_on) = (t.institution, t.plan, t.base)
                                and d.done_on is null) d
         where t.item_no = 0
    )
    select i.mail,
           array_agg(row(lib.ref(i.institution, i.plan, nullif(i.item_no, 0)), i.action, i.end_date, i.end_date - i.today,
                         i.percent, i.indicator, nullif(i.open_tasks, '{}'), u.name, i.kind, i.hears_as,
                         nullif(i.asks, '{}'), i.points)::op.mail_item order by i.end_date, i.plan, i.item_no)
      from item i
      left join mejora.unit u on (u.institution, u.unit) = (i.institution, i.unit)
     group by i.mail;
end $$;
