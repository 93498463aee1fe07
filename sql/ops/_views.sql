-- Rows of the tables as the protocol's messages; null for a parameter means every one. They name no function of op, since each of
-- those is an operation, and use its types, which is why they do not stand in sql/lib.

create function lib.institutions(institution text) returns setof op.institution stable language sql as $$
    select i.institution::text, i.name, i.time_zone,
           array(select lib.ref(p.institution, p.year) from mejora.plan p where p.institution = i.institution order by p.year)
      from mejora.institution i
     where i.institution <> '*' and (institutions.institution is null or i.institution = institutions.institution)
$$;

create function lib.units(institution text, unit text) returns setof op.unit stable language sql as $$
    select u.unit::text, u.name,
           array(select a.written from mejora.unit_alias a where (a.institution, a.unit) = (u.institution, u.unit) order by a.alias),
           array(select p.code::text from mejora.member m join mejora.person p on p.id = m.person
                  where (m.institution, m.unit) = (u.institution, u.unit) order by p.code),
           u.provisional, u.email, u.parent::text, lib.person_code(u.manager),
           lib.person_code(lib.post_on(u.institution, u.unit, 'holder', t.today)),
           lib.person_code(lib.post_on(u.institution, u.unit, 'deputy', t.today)),
           lib.person_code(lib.post_on(u.institution, u.unit, 'secretary', t.today))
      from (select lib.today(units.institution) as today) t, mejora.unit u
     where u.institution = units.institution and (units.unit is null or u.unit = units.unit)
$$;

create function lib.people(institution text, code text) returns setof op.person stable language sql as $$
    select p.code::text, p.name, p.email, p.roles,
           array(select m.unit::text from mejora.member m where m.person = p.id order by m.unit),
           (select count(*) from road.key k
             where k.person = p.id and k.kind = 'person' and k.revoked_at is null and coalesce(k.expires_at > now(), true))::int,
           p.last_day,
           (select array_agg(row(a.first_day, a.last_day, a.why)::op.absence order by a.first_day) from mejora.absence a
             where (a.institution, a.person) = (p.institution, p.id) and a.last_day >= lib.today(p.institution))
      from mejora.person p
     where p.institution = people.institution and (people.code is null or p.code = people.code)
$$;

create function lib.plans(institution text, year int) returns setof op.plan stable language sql as $$
    select lib.ref(p.institution, p.year), p.year, p.title,
           case when p.carried_to is not null then 'carried'
                when p.approved_at is not null then 'approved' else 'draft' end::mejora.plan_state,
           a.actions, a.reported, a.done,
           (select count(*) from mejora.decision d
             where (d.institution, d.plan) = (p.institution, p.year) and d.state = 'open')::int,
           case when p.carried_to is not null then lib.ref(p.institution, p.carried_to) end, p.caf
      from mejora.plan p,
           lateral (select count(*)::int as actions, count(l.percent)::int as reported,
                           (count(*) filter (where l.percent = 100))::int as done
                      from mejora.action a left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
                     where (a.institution, a.plan) = (p.institution, p.year) and a.annulled_at is null) a
     where (plans.institution is null or p.institution = plans.institution) and (plans.year is null or p.year = plans.year)
$$;

create function lib.decisions(institution text, plan int, number bigint) returns setof op.decision stable language sql as $$
    select d.decision, lib.ref(d.institution, d.plan, d.item_no), d.code, d.args, d.line, d.column, d.was, coalesce(d.value, d.now),
           d.state, lib.person_name(d.resolved_by), d.resolved_at, null::text
      from mejora.decision d
     where d.institution = decisions.institution
       and (decisions.plan is null or d.plan = decisions.plan) and (number is null or d.decision = number)
$$;

-- One row. The planner puts this and lib.actions in the place of their calls, as long as they are called in FROM and the arguments are
-- simple: hand over a day, not a call of lib.today.
create function lib.owners(institution text, plan int, item_no int) returns table (owners op.owner[]) stable language sql as $$
    select array_agg(row((select u.name from mejora.unit u where (u.institution, u.unit) = (o.institution, o.unit)),
                         o.unit, o.position = 0)::op.owner order by o.position, o.unit)
      from mejora.action_owner o
     where (o.institution, o.plan, o.item_no) = (owners.institution, owners.plan, owners.item_no)
$$;

create function lib.actions(institution text, plan int, item_no int, today date) returns setof op.action stable language sql as $$
    select lib.ref(a.institution, a.plan, a.item_no), a.item_no, lib.criterion(a.subcriteria), a.subcriteria, a.improvement_areas,
           a.actions, a.title, a.objective, a.start_period, a.end_period, a.start_date, a.end_date, a.resources, a.indicator,
           o.owners, a.comments, l.percent,
           lib.action_state(l.percent, a.end_date, l.done_on, today, a.annulled_at is not null),
           row(a.text_version, a.dates_version, a.owners_version, coalesce(l.version, 0))::op.versions, a.caf_example_no
      from mejora.action a
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     cross join lateral lib.owners(a.institution, a.plan, a.item_no) o
     where (a.institution, a.plan) = (actions.institution, actions.plan) and (actions.item_no is null or a.item_no = actions.item_no)
$$;

create function lib.tasks(institution text, plan int, item_no int, task_no int) returns setof op.task stable language sql as $$
    select lib.ref(t.institution, t.plan, t.item_no, t.task_no), t.task_no, t.printed_no, t.text, t.done_at, lib.person_name(t.done_by)
      from mejora.task t
     where (t.institution, t.plan, t.item_no) = (tasks.institution, tasks.plan, tasks.item_no)
       and (tasks.task_no is null or t.task_no = tasks.task_no)
$$;

-- What an edit, a decision or an import changed, in a person's words.
create function lib.changes(institution text, item_no int, before jsonb, after jsonb) returns setof op.change stable language sql as $$
    select item_no, a.key, lib.value_text(institution, a.key, before -> a.key), lib.value_text(institution, a.key, a.value)
      from jsonb_each(after) a order by a.key
$$;

create function lib.reminder_policies(institution text, plan int) returns setof op.reminder_policy stable language sql as $$
    select array_to_string(y.days_before, ','), array_to_string(y.days_after_start, ','), y.overdue_every, y.hour,
           y.working_days, case when y.plan >= 0 then lib.ref(institution, nullif(y.plan, 0)) end, y.escalation,
           y.silent_weeks, array_to_string(y.asks, ',')
      from lib.policy(institution, coalesce(plan, 0)) y
$$;

-- What is paused of an institution, or of what stands above one of its plans.
create function lib.pauses(institution text, plan int) returns setof op.pause stable language sql as $$
    select lib.ref(z.institution, nullif(z.plan, 0)), z.at, lib.person_name(z.person), z.why,
           case when z.held then 'restored' end
      from mejora.reminder_pause z
     where z.institution = pauses.institution and (pauses.plan is null or z.plan in (0, pauses.plan))
     order by z.plan
$$;

create function lib.deadlines(institution text, plan int, name text) returns setof op.deadline stable language sql as $$
    select d.name, d.due_on, d.points, d.due_on - lib.today(d.institution), d.done_on
      from mejora.deadline d
     where (d.institution, d.plan) = (deadlines.institution, deadlines.plan)
       and (deadlines.name is null or lib.fold(d.name) = lib.fold(deadlines.name))
$$;

-- One row: without a decision all of it is null, which is for ever.
create function lib.retention(institution text) returns op.retention stable language sql as $$
    select r.years, r.at, lib.person_name(r.person), r.why
      from (values (1)) one left join mejora.audit_retention r on r.institution = retention.institution
$$;

-- fields: what it changed. Looked up by who asks: a function that does it for each entry of a page takes longer than the rest.
create function lib.audit_entry(a road.audit, fields text[]) returns op.audit_entry stable language sql as $$
    select row(a.seq, a.at, lib.ref(a.institution, a.plan, a.item_no, a.task_no), a.op, a.who, a.name, a.unit, a.key, a.request,
               a.outcome, a.error, a.why, a.before, a.after, a.args, a.roles, fields, a.asked)::op.audit_entry
$$;
