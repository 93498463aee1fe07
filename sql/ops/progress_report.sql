create function op.progress_report(
    me int, institution text, plan int, item_no int,
    inout percent int, why text, evidence text, if_version int,
    out ref text, out was int, out version int, out changed_by text, out changed_at timestamptz, out changed_why text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    last record;
    to_report int := percent;
begin
    ref := lib.ref(institution, plan, item_no);
    perform pg_advisory_xact_lock(hashtextextended(ref, 0)); -- one report after the other, without a write to the action's row
    select a.annulled_at is not null as annulled, a.end_date into last from mejora.action a
     where (a.institution, a.plan, a.item_no) = (institution, plan, item_no);
    if not found then
        select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
        return;
    elsif last.annulled then
        select 'conflict', 'annulled', array[ref] into outcome, error, error_args;
        return;
    end if;
    select p.percent, p.version, p.at, p.why, p.person into last from mejora.progress p
     where (p.institution, p.plan, p.item_no) = (institution, plan, item_no) order by p.version desc limit 1;
    was := last.percent;
    version := coalesce(last.version, 0);
    if to_report is null and coalesce(evidence, '') <> '' then    -- evidence for what stands
        to_report := was;
    end if;
    if to_report is null then
        select 'invalid', 'field_missing', array['percent'] into outcome, error, error_args;
    elsif to_report not in (0, 25, 50, 75, 100) then
        select 'invalid', 'percent_not_a_step', array[to_report::text] into outcome, error, error_args;
    elsif percent is not null and if_version <> version and lib.progress_differs(institution, plan, item_no, if_version) then
        percent := was;
        select p.percent into was from mejora.progress p
         where (p.institution, p.plan, p.item_no, p.version) = (institution, plan, item_no, version - 1);
        changed_at := last.at;
        changed_why := last.why;
        changed_by := lib.person_name(last.person);
        select 'conflict', 'version_stale', array[ref, coalesce(changed_by, '–')] into outcome, error, error_args;
    elsif to_report < was and coalesce(why, '') = '' then
        select 'invalid', 'why_missing', array[was::text, to_report::text] into outcome, error, error_args;
    elsif to_report = 100 and coalesce(why, '') = '' and coalesce(evidence, '') = '' then
        select 'invalid', 'evidence_missing', '{}'::text[] into outcome, error, error_args;
    else
        version := version + 1;
        percent := to_report;
        insert into mejora.progress (institution, plan, item_no, version, at, person, percent, why, evidence)
        values (institution, plan, item_no, version, lib.now(), me, percent, why, evidence);
        if (was = 100) is distinct from (percent = 100) and 100 in (was, percent) then
            perform lib.reminders_refresh(institution, plan, item_no);
        else
            perform lib.action_active(institution, plan, item_no, false, last.at);
        end if;
        before := jsonb_build_object('percent', was, 'version', version - 1);
        after := jsonb_build_object('percent', percent, 'version', version);
        if evidence <> '' then
            after := after || jsonb_build_object('evidence', evidence);
        end if;
        outcome := 'ok';
    end if;
end $$;
