-- The server prunes what is older, sooner or later after this (road.prune). 0 years: for ever.
create function op.audit_retention_set(
    me int, institution text, years int, why text, out retention op.retention,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    was int;
    absent text := lib.absent('years', years::text, 'why', why);
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
        return;
    elsif years not between 0 and 100 then
        select 'invalid', 'field_invalid', array['years'] into outcome, error, error_args;
        return;
    end if;
    select r.years into was from mejora.audit_retention r where r.institution = institution for update;
    if coalesce(was, 0) <> years then
        delete from mejora.audit_retention r where r.institution = institution;
        insert into mejora.audit_retention (institution, years, person, why) select institution, years, me, why where years > 0;
        before := jsonb_build_object('years', was);
        after := jsonb_build_object('years', nullif(years, 0));
    end if;
    retention := lib.retention(institution);
    outcome := 'ok';
end $$;
