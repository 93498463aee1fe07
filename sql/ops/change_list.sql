create type op.change_entry as (n bigint, at timestamptz, ref text, op text, who text, name text, fields text[],
                                before_json jsonb, after_json jsonb);

-- What was changed, in the order of the sealed log: whatever is committed later stands later, so going on from `since`
-- misses nothing and repeats nothing, however transactions overlapped. What everybody in an institution may read is told:
-- of what is not about a plan only that it changed; keys, invitations and the sending of mails not at all. A page ends
-- after so many entries of the log, told or not, or some 1 MB. A custom plan, because which index helps depends on what
-- is asked for.
create function op.change_list(
    me int, institution text, plan int, inout since bigint, page_size int,
    out entries op.change_entry[], out more boolean, out behind boolean, out hint_port int,
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_variable
declare
    most int := least(coalesce(page_size, 100), 500);
    size bigint := coalesce((select max(l.leaf) + 1 from road.leaf l), 0);
    next bigint;
    found_here int;
    taken int;
begin
    select m.* into outcome, error, error_args
      from (select * from lib.missing(institution, plan, null)
            union all select 'invalid', 'field_invalid', array['page_size'] where most < 1
            union all select 'invalid', 'field_invalid', array['since'] where since < 0
            union all select 'not_found', 'no_such_change', array[since::text] where since > size) m
     where m.outcome is not null limit 1;
    if found then
        return;
    end if;
    with page as (
        select l.leaf, l.seq from road.leaf l
         where l.leaf >= coalesce(since, size) and (institution = '*' or l.about = institution) order by l.leaf limit most
    ), told as (
        select p.leaf, e.e, coalesce(sum(e.bytes) over (order by p.leaf rows unbounded preceding exclude current row), 0) as before
          from page p left join lateral (
            select row(p.leaf + 1, a.at, lib.ref(a.institution, a.plan, a.item_no, a.task_no), a.op, a.who, a.name,
                       array(select jsonb_object_keys(coalesce(a.after, a.before))),
                       case when a.plan is not null then a.before end,
                       case when a.plan is not null then a.after end)::op.change_entry as e,
                   octet_length(concat(a.before, a.after)) as bytes
              from road.audit a
             where a.seq = p.seq and a.outcome = 'ok' and (plan is null or a.plan = plan)
               and a.op <> all ('{person_invite,join,key_revoke,reminder_lease,reminder_report}')) e on true
    )
    select array_agg(t.e order by t.leaf) filter (where t.e is distinct from null), max(t.leaf) + 1, count(*),
           (select count(*) from page)
      into entries, next, taken, found_here from told t where t.before < 1000000;
    more := taken < found_here or found_here = most;
    since := case when more then next else size end;
    behind := (select a.at < now() - interval '30 seconds' and (select l.leaf from road.leaf l where l.seq = a.seq) is null
                 from road.audit a where institution = '*' or a.institution = institution order by a.seq desc limit 1);
    hint_port := nullif(current_setting('mejora.hint_port', true), '')::int;
    outcome := 'ok';
end $$;
