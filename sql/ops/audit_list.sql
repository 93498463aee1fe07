create type op.audit_entry as (seq bigint, at timestamptz, ref text, op text, who text, name text, unit text,
                               key bigint, request_id uuid, outcome mejora.outcome, error text, why text,
                               before_json jsonb, after_json jsonb, error_args text[]);

-- The entries about the reference and everything below it, newest first. A custom plan, because which index helps
-- depends on what is asked for. A stranger (inm/ana) may be named here and yet be no person that row-level security
-- shows. Without a reference people of the whole system (institution *) see all of it.
create function op.audit_list(
    me int, institution text, plan int, item_no int, task_no int,
    who text, unit text, op text, since date, until date, result mejora.audit_outcome, before bigint, page_size int,
    out entries op.audit_entry[], out next bigint,
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_variable
declare
    zone text := (select i.time_zone from mejora.institution i where i.institution = institution);
    size int := least(coalesce(page_size, 50), 500);
    people int[] := (select array_agg(p.id) from mejora.person p where who in (p.code, p.institution || '/' || p.code));
    unit_code text := case institution when '*' then unit else lib.unit_find(institution, unit) end;
begin
    select m.* into outcome, error, error_args
      from (select * from lib.missing(institution, null, null)
            union all select 'not_found', 'no_such_person', array[who] where who !~ '/' and people is null
            union all select 'not_found', 'no_such_unit', array[unit] where unit is not null and unit_code is null
            union all select 'invalid', 'field_invalid', array['page_size'] where size < 1) m
     where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    with entry as (
        select a.seq, row(a.seq, a.at, lib.ref(a.institution, a.plan, a.item_no, a.task_no), a.op, a.who, a.name, a.unit,
                          a.key, a.request, a.outcome, a.error, a.why, a.before, a.after, a.args)::op.audit_entry as e
          from road.audit a
         where (institution = '*' or a.institution = institution)
           and (plan is null or a.plan = plan) and (item_no is null or a.item_no = item_no)
           and (task_no is null or a.task_no = task_no)
           and (who is null or a.who = who or a.person = any (people))
           and (unit is null or a.unit = unit_code) and (op is null or a.op = op)
           and (since is null or a.at >= since::timestamp at time zone zone)
           and (until is null or a.at < (until + 1)::timestamp at time zone zone)
           and (result is null or (a.outcome = 'ok') = (result = 'ok'))
           and (before is null or a.seq < before)
         order by a.seq desc limit size + 1
    ), page as (
        select * from entry order by seq desc limit size
    )
    select (select array_agg(e order by seq desc) from page),
           (select min(seq) from page where (select count(*) from entry) > size)
      into entries, next;
    outcome := 'ok';
end $$;
