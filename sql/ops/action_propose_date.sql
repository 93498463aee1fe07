-- Another end, for Planificación to accept, to refuse or to answer with a third: a decision like those of an import.
create function op.action_propose_date(
    me int, institution text, plan int, item_no int, inout end_date date, why text,
    out ref text, out decision bigint,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    a mejora.action;
    was text;
begin
    ref := lib.ref(institution, plan, item_no);
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    end if;
    select x.* into a from mejora.action x where (x.institution, x.plan, x.item_no) = (institution, plan, item_no) for update;
    select * into outcome, error, error_args from lib.proposal_refuse(a, end_date, why);
    if outcome is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('decision ' || institution, 0)); -- their numbers have no gaps
    select d.now into was from mejora.decision d
     where (d.institution, d.plan, d.item_no, d.code, d.was, d.state)
         = (institution, plan, item_no, 'date_proposed', a.end_date::text, 'open');
    decision := lib.proposal_put(a, end_date, array[lib.person_name(me), a.end_date::text, end_date::text, why]);
    before := case when was is not null then jsonb_build_object('proposed_end_date', was) end;
    after := jsonb_build_object('proposed_end_date', end_date, 'decision', decision);
    outcome := 'ok';
end $$;

-- Asked again, the later proposal counts.
create function lib.proposal_put(a mejora.action, proposed date, args text[]) returns bigint language sql as $$
    insert into mejora.decision as d (institution, decision, plan, item_no, code, args, "column", was, now, patch)
    select a.institution, coalesce(max(x.decision), 0) + 1, a.plan, a.item_no, 'date_proposed', proposal_put.args, 'end_date',
           a.end_date::text, proposed::text, lib.dates_patch(a, null, proposed, null, null)
      from mejora.decision x where x.institution = a.institution
        on conflict (institution, plan, code, coalesce(item_no, 0), was) do update
       set args = excluded.args, now = excluded.now, patch = excluded.patch, state = 'open', value = null, before = null,
           resolved_by = null, resolved_at = null, why = null
    returning d.decision
$$;

create function lib.proposal_refuse(a mejora.action, end_date date, why text,
                                    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    absent text := lib.absent('end_date', end_date::text, 'why', why);
begin
    if absent is not null then
        select 'invalid', 'field_missing', array[absent] into outcome, error, error_args;
    elsif a.annulled_at is not null then
        select 'conflict', 'annulled', array[lib.ref(a.institution, a.plan, a.item_no)] into outcome, error, error_args;
    elsif end_date < a.start_date then
        select 'invalid', 'dates_reversed', array[a.start_date::text, end_date::text] into outcome, error, error_args;
    elsif extract(year from end_date) > 2199 then
        select 'invalid', 'field_invalid', array['end_date'] into outcome, error, error_args;
    elsif end_date = a.end_date then
        select 'invalid', 'nothing_to_change', '{}'::text[] into outcome, error, error_args;
    end if;
end $$;
