create type op.audit_count as (by mejora.audit_by, what text, changes bigint, refused bigint);

create function op.audit_report(
    me int, institution text, plan int, item_no int, unit text, since date, until date,
    out changes bigint, out refused bigint, out people bigint, out with_reason bigint, out counts op.audit_count[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    zone text := coalesce((select i.time_zone from mejora.institution i where i.institution = institution), 'UTC');
begin
    select m.* into outcome, error, error_args from lib.audit_refuse(institution, null, unit) m where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    with entry as materialized (                                  -- of what people do: not queries, nor attempts to connect
        select (f.entry).*
          from lib.audit_find(institution, lib.audit_wanted(institution, plan, item_no, null, null, unit, null, null, null, null, null, null,
                                                            null, null, null, null),
                              lib.day_begins(institution, since), lib.day_begins(institution, until + 1), null, true, null) f
         where (f.entry).asked is null and (f.entry).op <> 'connect'
    ), counted (by, what, outcome) as (
        select 'person'::mejora.audit_by, coalesce(e.name || ' (' || e.who || ')', '?'), e.outcome from entry e
        union all
        select 'field', f.field, e.outcome from entry e, lateral (select distinct c.field from lib.audit_changes(e.op, e.before, e.after) c) f
        union all
        select 'week', (date_trunc('week', e.at at time zone zone))::date::text, e.outcome from entry e
        union all
        select 'reason', e.why, e.outcome from entry e where e.why <> ''
    ), tally as (
        select c.by, row(c.by, c.what, count(*) filter (where c.outcome = 'ok'), count(*) filter (where c.outcome <> 'ok'))::op.audit_count as one,
               row_number() over (partition by c.by order by count(*) desc, c.what) as n
          from counted c group by c.by, c.what
    )
    select count(*) filter (where e.outcome = 'ok'), count(*) filter (where e.outcome <> 'ok'), count(distinct e.person),
           count(*) filter (where e.outcome = 'ok' and e.why <> ''),
           (select array_agg(t.one order by t.by, case when t.by = 'week' then (t.one).what end, t.n)
              from tally t where t.by <> 'reason' or t.n <= 20)
      into changes, refused, people, with_reason, counts
      from entry e;
    outcome := 'ok';
end $$;
