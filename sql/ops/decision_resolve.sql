-- An answer can be changed: what the earlier one did is undone first, as far as nobody has changed it again since.
create function op.decision_resolve(
    me int, institution text, number bigint, accept boolean, value text, why text,
    out decision op.decision, out about_plan int, out about_item int,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    d mejora.decision;
    was jsonb;
    had jsonb;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    select x.* into d from mejora.decision x where (x.institution, x.decision) = (institution, number) for update;
    if d is null then
        select 'not_found', 'no_such_decision', array[coalesce(number::text, '')] into outcome, error, error_args;
        return;
    end if;
    about_plan := d.plan;
    about_item := d.item_no;
    value := nullif(btrim(value), '');
    accept := coalesce(accept, value is not null or null);
    select * into outcome, error, error_args from lib.decision_refuse(d, accept, value, why);
    if outcome is not null then
        return;
    end if;
    was := jsonb_build_object('decision', number, 'state', d.state);
    had := lib.decision_about(d);
    d.why := nullif(why, '');
    d.before := lib.decision_undo(d, me);
    d.state := case when accept then 'accepted' else 'kept' end;
    d.value := value;
    if accept then
        d.before := lib.decision_apply(d, me);
    end if;
    update mejora.decision x
       set state = d.state, value = d.value, before = d.before, resolved_by = me, resolved_at = now(), why = why
     where (x.institution, x.decision) = (institution, number);
    select x.* into decision from lib.decisions(institution, null, number) x;
    select was || coalesce(x.before, '{}'), was || jsonb_build_object('state', d.state) || coalesce(x.after, '{}'), 'ok'
      into before, after, outcome from lib.difference(had, lib.decision_about(d)) x;
end $$;

-- What the answer may change.
create function lib.decision_about(d mejora.decision) returns jsonb stable language sql as $$
    select case when d.item_no is not null then lib.stored_document(d.institution, d.plan, d.item_no)
                else jsonb_build_object('unit', (
                    select jsonb_build_object('code', u.unit, 'name', u.name, 'provisional', u.provisional)
                      from mejora.unit u
                     where (u.institution, u.unit) = (d.institution, lib.unit_find(d.institution, d.patch #>> '{unit,code}')))) end
$$;

create function lib.decision_refuse(d mejora.decision, accept boolean, value text, why text,
                                    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    patch jsonb := case when value is null then d.patch else lib.decision_value(d, value) end;
    target text := patch #>> '{unit,alias_of}';
    codes jsonb := lib.owner_codes(d.institution, patch -> 'owners');
    unknown text := coalesce(case when lib.unit_find(d.institution, target) is null then target end,
                             lib.unit_unknown(d.institution, array(select jsonb_array_elements_text(codes))));
begin
    if accept is null then
        select 'invalid', 'field_missing', array['accept'] into outcome, error, error_args;
    elsif not accept and value is not null then
        select 'invalid', 'field_invalid', array['value'] into outcome, error, error_args;
    elsif not accept then
        select * into outcome, error, error_args from lib.decision_why(d, '{}', why);
    elsif patch is null then
        select 'invalid', 'value_not_taken', array[value] into outcome, error, error_args;
    elsif unknown is not null then
        select 'not_found', 'no_such_unit', array[unknown] into outcome, error, error_args;
    elsif lib.unit_find(d.institution, target) = patch #>> '{unit,code}' and d.state <> 'accepted' then
        select 'invalid', 'value_not_taken', array[target] into outcome, error, error_args;
    elsif lib.subcriterion_unknown(array(select jsonb_array_elements_text(patch -> 'subcriteria'))) is not null then
        select 'invalid', 'no_such_subcriterion',
               array[lib.subcriterion_unknown(array(select jsonb_array_elements_text(patch -> 'subcriteria')))]
          into outcome, error, error_args;
    else
        select * into outcome, error, error_args from lib.decision_why(d, patch, why);
    end if;
end $$;

-- A reason is needed where the answer, or taking back the earlier one, amends an approved plan or lowers a percentage. A unit that
-- becomes another one, or itself again, takes the actions of every plan along.
create function lib.decision_why(d mejora.decision, patch jsonb, why text,
                                 out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
declare
    was int := (select l.percent from lib.last_progress(d.institution, d.plan, d.item_no) l);
    percent int := coalesce(patch ->> 'percent', d.before ->> 'percent');
    moved int := (select min(p.year) from mejora.plan p
                   where p.institution = d.institution and p.approved_at is not null
                     and (p.year in (select (o ->> 'plan')::int from jsonb_array_elements(nullif(d.before #> '{unit,owners}', 'null')) o)
                          or patch #>> '{unit,alias_of}' is not null
                             and p.year in (select o.plan from mejora.action_owner o
                                             where (o.institution, o.unit) = (d.institution, patch #>> '{unit,code}'))));
begin
    if coalesce(why, '') <> '' then
        return;
    elsif percent < was then
        select 'invalid', 'why_missing', array[was::text, percent::text] into outcome, error, error_args;
    elsif moved is not null then
        select 'invalid', 'amendment_why_missing', array[lib.ref(d.institution, moved)] into outcome, error, error_args;
    else
        select * into outcome, error, error_args
          from lib.amendment_refuse(d.institution, d.plan, coalesce(d.before, '{}') || patch, why);
    end if;
end $$;
