-- What became of a mail. Only the worker that holds it now may say so, and only once. And may the one go that leaves next,
-- as of reminder_check?
create function op.reminder_report(
    me int, institution text,
    inout mail bigint, token int, result mejora.mail_outcome, smtp_code int, smtp_text text,
    address_refused boolean, leaving bigint default null, leaving_token int default null,
    out next_attempt_at timestamptz, out leaving_error text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    was mejora.mail;
    uncertain boolean;      -- it may have arrived
    late boolean;           -- it has been tried for long enough
    ends mejora.reminder_state;
    reason text;
begin
    if mail is null or token is null or result is null then
        outcome := 'invalid';
        error := 'field_missing';
        error_args := array[case when mail is null then 'mail' when token is null then 'token' else 'result' end];
        return;
    end if;
    select * into was from mejora.mail m
     where m.mail = mail and (m.institution = mejora.here() or mejora.sees_all()) for update;
    if was.mail is null or was.ended_at is not null or was.token <> token then
        select 'conflict', 'lease_lost', array[mail::text] into outcome, error, error_args;
        return;
    end if;
    uncertain := was.outcome is not distinct from 'unknown';
    late := lib.now() >= was.created_at + interval '5 days';
    if result = 'sent' then
        ends := 'sent';
    elsif result = 'never' then
        select 'failed', 'refused_by_relay' into ends, reason;
    elsif uncertain and (late or result = 'unknown') then
        select 'sent', 'delivery_uncertain' into ends, reason;
    elsif late then
        select 'failed', 'relay_silent' into ends, reason;
    else
        next_attempt_at := lib.now() + case result when 'unknown' then interval '15 min'
                                                   else (array[1, 5, 15, 60])[least(token, 4)] * interval '1 min' end;
    end if;
    update mejora.mail m
       set outcome = case when uncertain and result = 'later' then 'unknown' else result end, leased_until = null,
           not_before = coalesce(next_attempt_at, m.not_before),
           ended_at = case when ends is not null then lib.now() end,
           smtp_code = smtp_code, smtp_text = smtp_text
     where m.mail = mail;
    insert into mejora.mail_attempt (institution, mail, attempt, at, address, result, smtp_code, smtp_text)
    values (was.institution, mail, token, lib.now(), was.address, result, smtp_code, smtp_text);
    perform lib.address_judge(was, result, address_refused, smtp_code, smtp_text);
    update mejora.reminder r set state = coalesce(ends, 'pending'), reason = reason, changed_at = now()
     where r.mail = mail and r.state = 'leased';
    if leaving is not null then
        select x.error into leaving_error from lib.mail_gone(leaving, leaving_token) x;
    end if;
    after := jsonb_build_object('mail', mail, 'attempt', token, 'result', result, 'smtp_code', smtp_code);
    outcome := 'ok';
end $$;

-- An address that a relay refuses for good is remembered until it takes a mail for it, or the person has another.
create function lib.address_judge(mail mejora.mail, result mejora.mail_outcome, refused boolean, smtp_code int, smtp_text text)
returns void language plpgsql as $$
begin
    if exists (select from mejora.address_fault f where f.person = mail.person) then -- hardly ever, and a DELETE has a trigger
        delete from mejora.address_fault f
         where f.person = mail.person and (result = 'sent' or f.email is distinct from mail.address);
    end if;
    if refused and result = 'never' and mail.address is not null then
        insert into mejora.address_fault as f (institution, person, email, since, smtp_code, smtp_text)
        values (mail.institution, mail.person, mail.address, lib.now(), address_judge.smtp_code, address_judge.smtp_text)
            on conflict (person) do update set (smtp_code, smtp_text) = (excluded.smtp_code, excluded.smtp_text);
    end if;
end $$;
