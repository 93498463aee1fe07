-- What operations on plans and actions share: an action as a document of fields, the difference between two of them, and the one
-- place that changes an action.

-- An action counts for the criterion of its primary subcriterion.
create function lib.criterion(subcriteria text[]) returns int immutable language sql as $$
    select substring(subcriteria[1] from '^\d+')::int
$$;

create function lib.is_last_day(day date) returns boolean immutable language sql as $$
    select extract(day from day + 1) = 1
$$;

-- So many months later; the last day of a month stays one.
create function lib.month_shift(day date, months int) returns date immutable language sql as $$
    select case when lib.is_last_day(day)
                then (date_trunc('month', day::timestamp) + make_interval(months => months + 1))::date - 1
                else (day::timestamp + make_interval(months => months))::date end
$$;

-- How a plan would write the period that begins (ends) on a day: T1-2026, nov-26, or the day where it is no edge of either.
-- was: how it was written before; a plan in months stays one.
create function lib.period_text(day date, is_end boolean, was text default null, t_means text default 'quarter') returns text
immutable language sql as $$
    select case when edge and months % t = 0 and coalesce(was, 'T') ~* '^\s*\d?T' then format('T%s-%s', month_at / t + 1, year)
                when edge then format('%s-%s', (string_to_array('ene feb mar abr may jun jul ago sep oct nov dic', ' '))[month_at + 1],
                                      to_char(day, 'YY'))
                else day::text end
      from (select case t_means when 'quarter' then 3 else 4 end as t,
                   extract(year from day)::int as year, extract(month from day)::int - 1 as month_at,
                   extract(month from day)::int - case when is_end then 0 else 1 end as months,
                   case when is_end then lib.is_last_day(day) else extract(day from day) = 1 end as edge) d
$$;

-- Units as people or a file name them → their codes, in that order, each once. An element is a text or {"unit": code, "name": name}.
-- One that is not known stays as it is.
create function lib.owner_codes(institution text, owners jsonb) returns jsonb stable language sql as $$
    select coalesce(jsonb_agg(code order by n), '[]')
      from (select coalesce(lib.unit_find(institution, name), lib.unit_find(institution, o ->> 'name'), name) as code, min(n) as n
              from jsonb_array_elements(owners) with ordinality e (o, n), lateral (select coalesce(o ->> 'unit', o #>> '{}') as name) named
             group by 1) found
$$;

create function lib.unit_unknown(institution text, codes text[]) returns text stable language sql as $$
    select c from unnest(codes) with ordinality u (c, n)
     where not exists (select from mejora.unit k where (k.institution, k.unit) = (unit_unknown.institution, c)) order by n limit 1
$$;

create function lib.subcriterion_unknown(subcriteria text[]) returns text stable language sql as $$
    select s from unnest(subcriteria) with ordinality u (s, n)
     where not exists (select from mejora.caf2020 c where c.kind = 'subcriterion' and c.number = s) order by n limit 1
$$;

-- The fields that can change, as the audit trail and a file's reading have them.
create function lib.action_fields(a mejora.action) returns jsonb immutable language sql as $$
    select to_jsonb(a) - '{institution,plan,item_no,text_version,dates_version,owners_version}'::text[]
                       - '{annulled_at,annulled_why,carried_from,line,touched_on}'::text[]
$$;

create function lib.action_document(institution text, plan int, item_no int) returns jsonb stable language sql as $$
    select lib.action_fields(a)
           || jsonb_build_object(
                  'owners', coalesce((select jsonb_agg(o.unit order by o.position, o.unit) from mejora.action_owner o
                                       where (o.institution, o.plan, o.item_no) = (a.institution, a.plan, a.item_no)), '[]'),
                  'tasks', coalesce((select jsonb_agg(jsonb_build_object('task_no', t.task_no, 'printed_no', t.printed_no, 'text', t.text)
                                                      order by t.task_no) from mejora.task t
                                      where (t.institution, t.plan, t.item_no) = (a.institution, a.plan, a.item_no)), '[]'))
      from mejora.action a
     where (a.institution, a.plan, a.item_no) = (action_document.institution, action_document.plan, action_document.item_no)
$$;

-- The fields of want that have differs in: as they were, as they would be. An absent field and null are the same.
create function lib.difference(have jsonb, want jsonb, out before jsonb, out after jsonb) immutable language sql as $$
    select jsonb_object_agg(key, have -> key), jsonb_object_agg(key, value) from jsonb_each(want)
     where nullif(have -> key, 'null') is distinct from nullif(value, 'null')
$$;

create function lib.field_group(field text) returns text immutable language sql as $$
    select case when field in ('start_date', 'end_date', 'start_period', 'end_period') then 'dates'
                when field = 'owners' then 'owners'
                when field in ('subcriteria', 'improvement_areas', 'caf_example_no', 'title', 'actions', 'objective', 'resources',
                               'indicator', 'tasks') then 'text' end   -- comments are added to, so they never conflict
$$;

create function lib.groups(patch jsonb) returns text[] immutable language sql as $$
    select array_agg(distinct lib.field_group(f)) filter (where lib.field_group(f) is not null) from jsonb_object_keys(patch) f
$$;

create function lib.owners_put(institution text, plan int, item_no int, codes jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
begin
    delete from mejora.action_owner o
     where (o.institution, o.plan, o.item_no) = (institution, plan, item_no) and not codes ? o.unit;
    insert into mejora.action_owner (institution, plan, item_no, unit, position)
    select institution, plan, item_no, c.code, c.n - 1 from jsonb_array_elements_text(codes) with ordinality c (code, n)
        on conflict on constraint action_owner_pkey do update set position = excluded.position;
end $$;

-- A task that is done stays done under its number.
create function lib.tasks_put(institution text, plan int, item_no int, tasks jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
begin
    delete from mejora.task t
     where (t.institution, t.plan, t.item_no) = (institution, plan, item_no)
       and not exists (select from jsonb_array_elements(tasks) j where (j ->> 'task_no')::int = t.task_no);
    insert into mejora.task (institution, plan, item_no, task_no, printed_no, text)
    select institution, plan, item_no, j.task_no, j.printed_no, j.text
      from jsonb_to_recordset(tasks) j (task_no int, printed_no text, text text)
        on conflict on constraint task_pkey do update set printed_no = excluded.printed_no, text = excluded.text;
end $$;

-- Sets fields of an action: edits, imports and decisions all do it here. Only what differs is written, the version of each group
-- that changed goes up, and reminders follow. before and after are null where nothing differs. The caller has checked the values.
create function lib.action_patch(institution text, plan int, item_no int, patch jsonb, out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    groups text[];
begin
    perform from mejora.action a where (a.institution, a.plan, a.item_no) = (institution, plan, item_no) for update;
    if patch ? 'owners' then
        patch := patch || jsonb_build_object('owners', lib.owner_codes(institution, patch -> 'owners'));
    end if;
    select d.before, d.after into before, after
      from lib.difference(lib.action_document(institution, plan, item_no), patch) d;
    if after is null then
        return;
    end if;
    groups := coalesce(lib.groups(after), '{}');
    update mejora.action a
       set (subcriteria, improvement_areas, caf_example_no, title, actions, objective, start_period, end_period, start_date, end_date,
            resources, indicator, owner_text, comments, text_version, dates_version, owners_version)
         = (select n.subcriteria, n.improvement_areas, n.caf_example_no, n.title, n.actions, n.objective, n.start_period, n.end_period,
                   n.start_date, n.end_date, n.resources, n.indicator, n.owner_text, n.comments,
                   a.text_version + ('text' = any (groups))::int, a.dates_version + ('dates' = any (groups))::int,
                   a.owners_version + ('owners' = any (groups))::int
              from jsonb_populate_record(a, after) n)
     where (a.institution, a.plan, a.item_no) = (institution, plan, item_no);
    if after ? 'owners' then
        perform lib.owners_put(institution, plan, item_no, after -> 'owners');
    end if;
    if after ? 'tasks' then
        perform lib.tasks_put(institution, plan, item_no, after -> 'tasks');
    end if;
    if groups && '{dates,owners}' then
        perform lib.reminders_refresh(institution, plan, item_no);
    end if;
    perform lib.action_active(institution, plan, item_no, true);
end $$;

-- A field's value as a person reads it: lists with the separator of the plans, units by name, tasks by their text.
create function lib.value_text(institution text, field text, value jsonb) returns text stable language sql as $$
    select case when jsonb_typeof(value) <> 'array' then value #>> '{}'
                else (select string_agg(coalesce(u.name, v ->> 'text', case jsonb_typeof(v) when 'object' then
                                                 (select string_agg(w.value, ' ') from jsonb_each_text(v) w) else v #>> '{}' end),
                                        ' // ' order by n)
                        from jsonb_array_elements(value) with ordinality e (v, n)
                        left join mejora.unit u on field = 'owners' and (u.institution, u.unit) = (value_text.institution, v #>> '{}'))
           end
$$;

create function lib.is_approved(institution text, plan int) returns boolean stable language sql as $$
    select p.approved_at is not null from mejora.plan p where (p.institution, p.year) = (is_approved.institution, plan)
$$;

-- A change to an approved plan is an amendment, numbered by its audit entry, and needs a reason. Comments are none.
create function lib.amendment_refuse(institution text, plan int, patch jsonb, why text,
                                     out outcome mejora.outcome, out error text, out error_args text[]) stable language sql as $$
    select 'invalid'::mejora.outcome, 'amendment_why_missing', array[lib.ref(institution, plan)]
     where coalesce(why, '') = '' and lib.groups(patch - 'unit') is not null and lib.is_approved(institution, plan)
$$;

-- The plan that is meant where none is named: not one that was carried on, rather one that has begun, and of those the newest.
create function lib.current_plan(institution text, today date) returns int stable language sql as $$
    select p.year from mejora.plan p where p.institution = current_plan.institution
     order by p.carried_to is not null,
              (select min(a.start_date) <= today from mejora.action a
                where (a.institution, a.plan) = (p.institution, p.year)) desc nulls last, p.year desc limit 1
$$;

-- Annulled, with the reason, or so no more: what both operations do but for their names.
create function lib.annulment_put(institution text, plan int, item_no int, annul boolean, why text,
                                  out outcome mejora.outcome, out error text, out error_args text[],
                                  out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
    if outcome is not null then
        return;
    elsif coalesce(why, '') = '' then
        select 'invalid', 'field_missing', array['why'] into outcome, error, error_args;
        return;
    end if;
    update mejora.action a
       set annulled_at = case when annul then now() end, annulled_why = case when annul then why end
     where (a.institution, a.plan, a.item_no) = (institution, plan, item_no) and (a.annulled_at is null) = annul;
    if not found then
        select 'conflict', case when annul then 'annulled' else 'not_annulled' end, array[lib.ref(institution, plan, item_no)]
          into outcome, error, error_args;
        return;
    end if;
    perform lib.reminders_refresh(institution, plan, item_no);
    before := jsonb_build_object('annulled', not annul);
    after := jsonb_build_object('annulled', annul);
    outcome := 'ok';
end $$;
