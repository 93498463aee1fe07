create type op.attempt as (attempt int, at timestamptz, address text, result mejora.mail_outcome, relay_code int, relay_text text);
create type op.told as (ref text, rule int, due_on date, state mejora.reminder_state, code text, args text[], reason text,
                      kind mejora.reminder_kind, hears_as mejora.hears_as);

-- One mail: to whom, what it spoke of, each attempt and what the relay said.
create function op.reminder_show(
    me int, institution text, inout mail bigint,
    out person text, out name text, out address text, out message_id text, out created_at timestamptz,
    out next_attempt_at timestamptz, out ended_at timestamptz, out result mejora.mail_outcome,
    out reminders op.told[], out attempts op.attempt[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    m mejora.mail;
begin
    select x.* into m from mejora.mail x where (x.institution, x.mail) = (institution, mail);
    if m.mail is null then
        select 'not_found', 'no_such_mail', array[coalesce(mail::text, '')] into outcome, error, error_args;
        return;
    end if;
    select w.code, w.name, coalesce(m.address, lib.address(w, lib.today(institution))) into person, name, address from mejora.person w where w.id = m.person;
    message_id := lib.message_id(m);
    created_at := m.created_at;
    ended_at := m.ended_at;
    result := m.outcome;
    next_attempt_at := case when m.ended_at is null and m.leased_until is null then m.not_before end;
    select array_agg(row(lib.ref(r.institution, r.plan, nullif(r.item_no, 0)), r.rule, r.due_on, r.state, y.code, y.args, null,
                         r.kind, r.hears_as)::op.told
                     order by r.plan, r.item_no, r.rule)
      into reminders
      from mejora.reminder r cross join lateral lib.reminder_why(r, m, address) y where r.mail = m.mail;
    select array_agg(row(t.attempt, t.at, t.address, t.result, t.smtp_code, t.smtp_text)::op.attempt order by t.attempt)
      into attempts from mejora.mail_attempt t where t.mail = m.mail;
    outcome := 'ok';
end $$;
