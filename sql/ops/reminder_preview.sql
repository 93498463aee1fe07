-- The person's next mail as it would be composed if nothing changed until its day: what is due now, or else what will
-- be due first. Everybody their own, Planificación everybody's.
create function op.reminder_preview(
    me int, institution text, person text, out date date, out mail op.mail,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    may boolean := (select p.roles && '{admin,planner}' from mejora.person p where p.id = me);
    today date := lib.today(institution);
    w mejora.person;
    items op.mail_item[];
    faults op.mail_unreached[];
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    select p.* into w from mejora.person p
     where case when person is null then p.id = me else (p.institution, p.code) = (institution, person) end;
    if w.id is null then
        select 'not_found', 'no_such_person', array[person] into outcome, error, error_args;
        return;
    elsif w.id <> me and not may then
        select 'denied', 'role_denied', '{}'::text[] into outcome, error, error_args;
        return;
    end if;
    select f.day, (select x.items from lib.mails_items(array_agg(row(0, institution, f.day, f.plan, f.item_no, f.kind, f.base, f.day,
                                                                      f.unit, f.hears_as)::lib.mail_about)) x)
      into date, items
      from lib.reminders_foreseen(institution, null, today, today + 366) f
     where f.person = w.id group by f.day order by f.day limit 1;
    faults := lib.mail_unreached(institution, w.id);
    if items is null and faults is null then
        select 'not_found', 'nothing_foreseen', array[w.code] into outcome, error, error_args;
        return;
    end if;
    date := coalesce(date, today);
    mail := row(null, null, '<preview@' || institution || '.mejora>', lib.address(w, date), w.name, w.language, institution,
                (select i.name from mejora.institution i where i.institution = institution), date, null, items, w.plain, faults,
                null)::op.mail;
    outcome := 'ok';
end $$;
