-- Does a mail still say what is true, and is it still the caller's? Asked by the worker just before it hands it over.
create function op.reminder_check(
    me int, institution text, mail bigint, token int,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is null then
        select x.error, x.args into error, error_args from lib.mail_gone(mail, token) x;
        outcome := case when error is null then 'ok' else 'conflict' end;
    end if;
end $$;

-- Why it may not go; null: it may.
create function lib.mail_gone(mail bigint, token int, out error text, out args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    today date;
    stale text;
begin
    select (lib.now() at time zone i.time_zone)::date into today
      from mejora.mail m join mejora.institution i on i.institution = m.institution
     where m.mail = mail and m.token = token and m.leased_until > now() and (m.institution = mejora.here() or mejora.sees_all());
    if today is null then
        select 'lease_lost', array[coalesce(mail::text, '')] into error, args;
        return;
    end if;
    select lib.ref(r.institution, r.plan, nullif(r.item_no, 0)) into stale
      from mejora.reminder r
     where r.mail = mail and r.state = 'leased'
       and (exists (select from lib.reminder_gone(r, today))
            or exists (select from mejora.reminder_pause z where z.institution = r.institution and z.plan in (0, r.plan))
            or (select x.until from mejora.reminder_answer x
                 where (x.institution, x.plan, x.item_no, x.person) = (r.institution, r.plan, r.item_no, r.person)) is not null
               and lib.answered(r) is not null)
     limit 1;
    if stale is not null then
        select 'mail_stale', array[mail::text, stale] into error, args;
    end if;
end $$;
