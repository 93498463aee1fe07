-- What a relay refused, or never took, goes out again with the next mail: of several about one action the latest.
create function op.reminder_resend(
    me int, institution text, plan int, item_no int, person text, why text, out again int,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    elsif person is not null and not exists (select from mejora.person p where (p.institution, p.code) = (institution, person)) then
        select 'not_found', 'no_such_person', array[person] into outcome, error, error_args;
        return;
    end if;
    with dead as (
        select distinct on (r.plan, r.item_no, r.person) r.*
          from mejora.reminder r
          join mejora.person w on w.id = r.person
         where r.institution = institution and (plan is null or r.plan = plan) and (item_no is null or r.item_no = item_no)
           and (person is null or w.code = person) and r.state = 'failed'
           and not exists (select from lib.reminder_gone(r, lib.today(institution)))
         order by r.plan, r.item_no, r.person, r.due_on desc, r.rule desc
    ), revived as (
        update mejora.reminder r
           set state = 'pending', reason = null, mail = null, asked = true, due_on = lib.today(institution), changed_at = now()
          from dead d
         where (r.institution, r.plan, r.item_no, r.kind, r.base, r.rule, r.dates_version, r.person)
             = (d.institution, d.plan, d.item_no, d.kind, d.base, d.rule, d.dates_version, d.person)
        returning r.person)
    select count(*) into again from revived;
    if again > 0 then
        after := jsonb_build_object('again', again, 'person', person);
    end if;
    outcome := 'ok';
end $$;
