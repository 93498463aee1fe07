-- What is absent or empty stays. Each group of fields has its own version: who changes dates does not disturb who changes texts.
create function op.action_edit(
    me int, institution text, plan int, item_no int,
    subcriteria text[], improvement_areas text[], actions text[], objective text, resources text[], indicator text, comments text[],
    start_date date, end_date date, start_period text, end_period text, owners text[],
    if_text_version int, if_dates_version int, if_owners_version int, why text,
    out ref text, out versions op.versions, out changes op.change[], out changed_by text, out changed_at timestamptz,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    a mejora.action;
    patch jsonb;
    stale text[];
begin
    ref := lib.ref(institution, plan, item_no);
    select x.* into a from mejora.action x where (x.institution, x.plan, x.item_no) = (institution, plan, item_no) for update;
    if not found then
        select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
        return;
    end if;
    patch := jsonb_strip_nulls(jsonb_build_object(
        'subcriteria', nullif(subcriteria, '{}'), 'improvement_areas', nullif(improvement_areas, '{}'),
        'actions', nullif(actions, '{}'), 'objective', nullif(objective, ''), 'resources', nullif(resources, '{}'),
        'indicator', nullif(indicator, ''), 'comments', a.comments || nullif(comments, '{}'),
        'owners', lib.owner_codes(institution, to_jsonb(nullif(owners, '{}')))))
        || lib.dates_patch(a, start_date, end_date, start_period, end_period);
    if nullif(comments, '{}') is null then
        patch := patch - 'comments';
    end if;
    if nullif(owners, '{}') is null then
        patch := patch - 'owners';
    end if;
    stale := array_remove(array[case when if_text_version <> a.text_version then 'text' end,
                                case when if_dates_version <> a.dates_version then 'dates' end,
                                case when if_owners_version <> a.owners_version then 'owners' end], null);
    stale := array(select unnest(stale) intersect select unnest(lib.groups(patch)));
    if stale <> '{}' then
        select c.who, c.at, c.changes into changed_by, changed_at, changes
          from lib.last_change(institution, plan, item_no, stale) c;
        select 'conflict', 'version_stale', array[ref, coalesce(changed_by, '')] into outcome, error, error_args;
    else
        select * into outcome, error, error_args from lib.edit_refuse(me, a, patch, start_date, end_date, start_period, end_period, why);
    end if;
    if outcome is null then
        select p.before, p.after into before, after from lib.action_patch(institution, plan, item_no, patch) p;
        select array_agg(c) into changes from lib.changes(institution, item_no, before, after) c;
        outcome := 'ok';
    end if;
    versions := (select x.versions from lib.actions(institution, plan, item_no, lib.today(institution)) x);
end $$;

-- A date without the words for it gets the plan's usual ones.
create function lib.dates_patch(a mejora.action, start_date date, end_date date, start_period text, end_period text) returns jsonb
stable language sql as $$
    select case when start_date is null then '{}' else jsonb_build_object('start_date', start_date, 'start_period',
                     coalesce(nullif(start_period, ''), lib.period_text(start_date, false, a.start_period, p.t_means))) end
        || case when end_date is null then '{}' else jsonb_build_object('end_date', end_date, 'end_period',
                     coalesce(nullif(end_period, ''), lib.period_text(end_date, true, a.end_period, p.t_means))) end
      from mejora.plan p where (p.institution, p.year) = (a.institution, a.plan)
$$;

create function lib.edit_refuse(me int, a mejora.action, patch jsonb, start_date date, end_date date, start_period text, end_period text,
                                why text, out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
declare
    first_day date := coalesce(start_date, a.start_date);
    last_day date := coalesce(end_date, a.end_date);
    subcriterion text := lib.subcriterion_unknown(array(select jsonb_array_elements_text(patch -> 'subcriteria')));
    unit text := lib.unit_unknown(a.institution, array(select jsonb_array_elements_text(patch -> 'owners')));
begin
    if a.annulled_at is not null then
        select 'conflict', 'annulled', array[lib.ref(a.institution, a.plan, a.item_no)] into outcome, error, error_args;
    elsif patch = '{}' then
        select 'invalid', 'nothing_to_change', '{}'::text[] into outcome, error, error_args;
    elsif (start_period <> '' and start_date is null) or (end_period <> '' and end_date is null) then
        select 'invalid', 'field_missing', array[case when start_period <> '' and start_date is null then 'start_date' else 'end_date' end]
          into outcome, error, error_args;
    elsif last_day < first_day then
        select 'invalid', 'dates_reversed', array[first_day::text, last_day::text] into outcome, error, error_args;
    elsif extract(year from first_day) < 1970 or extract(year from last_day) > 2199 then
        select 'invalid', 'field_invalid', array[case when extract(year from last_day) > 2199 then 'end_date' else 'start_date' end]
          into outcome, error, error_args;
    elsif subcriterion is not null then
        select 'invalid', 'no_such_subcriterion', array[subcriterion] into outcome, error, error_args;
    elsif unit is not null then
        select 'not_found', 'no_such_unit', array[unit] into outcome, error, error_args;
    elsif lib.groups(patch) && '{dates,owners}' and lib.is_approved(a.institution, a.plan)
          and not (select p.roles && '{admin,planner}' from mejora.person p where p.id = me) then
        select 'denied', 'amendment_denied', array[lib.ref(a.institution, a.plan)] into outcome, error, error_args;
    else
        select * into outcome, error, error_args from lib.amendment_refuse(a.institution, a.plan, patch, why);
    end if;
end $$;

-- Who changed one of these groups of fields last, and what: an edit or a decision has its fields in the audit entry, an import those
-- of all actions under their numbers.
create function lib.last_change(institution text, plan int, item_no int, groups text[],
                                out who text, out at timestamptz, out changes op.change[]) stable language sql as $$
    select e.name, e.at, (select array_agg(c) from lib.changes(e.institution, last_change.item_no, e.was, e.fields) c
                           where lib.field_group(c.field) = any (groups))
      from (select t.seq, t.name, t.at, t.institution,
                   case when t.item_no is null then t.before #> array['actions', last_change.item_no::text] else t.before end as was,
                   case when t.item_no is null then t.after #> array['actions', last_change.item_no::text] else t.after end as fields
              from road.audit t
             where t.institution = last_change.institution and t.plan = last_change.plan and t.outcome = 'ok'
               and (t.item_no = last_change.item_no and t.task_no is null or t.item_no is null and t.op = 'plan_import')) e
     where lib.groups(e.fields) && last_change.groups
     order by e.seq desc limit 1
$$;
