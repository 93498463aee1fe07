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
    stale text;
begin
    select lib.ref(r.institution, r.plan, nullif(r.item_no, 0)) into stale
      from mejora.reminder r
     where r.mail = mail and r.state = 'leased'
       and (lib.reminder_gone(r, lib.today(r.institution)) is not null or lib.paused(r.institution, r.plan)
            or lib.answered(r) is not null)
     limit 1;
    if not exists (select from mejora.mail m where m.mail = mail and m.token = token and m.leased_until > now()
                                               and (m.institution = mejora.here() or mejora.sees_all())) then
        select 'lease_lost', array[coalesce(mail::text, '')] into error, args;
    elsif stale is not null then
        select 'mail_stale', array[mail::text, stale] into error, args;
    end if;
end $$;
