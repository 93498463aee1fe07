-- What a person's answer to a decision does.

-- Null: that is no date.
create function lib.date_read(iso text) returns date immutable language sql as $$
    select d from (select case when iso ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$'
                               then (left(iso, 8) || '01')::date + right(iso, 2)::int - 1 end as d) x
     where d::text = iso
$$;

-- Another end than the one proposed; null: the action cannot end then.
create function lib.decision_end(d mejora.decision, end_date date) returns jsonb stable language plpgsql as $$
begin
    return (select lib.dates_patch(a, null, decision_end.end_date, null, null) from mejora.action a
             where (a.institution, a.plan, a.item_no) = (d.institution, d.plan, d.item_no)
               and decision_end.end_date between a.start_date and '2199-12-31');
end $$;

-- The fields of the action that an answer of one's own sets instead of the proposal; null: this decision takes none, or not this
-- one. One number takes the place of the one in question, several are the whole list.
create function lib.decision_value(d mejora.decision, value text) returns jsonb stable language sql as $$
    select case
        when d.patch ? 'subcriteria' then
            (select jsonb_build_object('subcriteria', array(
                        select s from unnest(case when cardinality(n.numbers) = 1 and d.was = any (o.list)
                                                  then array_replace(o.list, d.was, n.numbers[1]) else n.numbers end)
                                      with ordinality u (s, i) group by s order by min(i)))
               from (select array(select m[1] from regexp_matches(value, '\d+\.\d+', 'g') m) as numbers) n,
                    (select coalesce(array(select jsonb_array_elements_text(d.before -> 'subcriteria')), '{}') as list) b,
                    mejora.action a,
                    lateral (select case when b.list = '{}' then a.subcriteria else b.list end as list) o
              where (a.institution, a.plan, a.item_no) = (d.institution, d.plan, d.item_no) and n.numbers <> '{}')
        when d.patch ? 'owners' then
            jsonb_build_object('owners', (select jsonb_agg(btrim(o)) from regexp_split_to_table(value, '/+') o where btrim(o) <> ''))
        when d.patch ? 'end_date' then
            lib.decision_end(d, lib.date_read(value))
        when d.patch ? 'unit' then
            jsonb_build_object('unit', jsonb_build_object('code', d.patch #> '{unit,code}', 'alias_of', value)) end
$$;

-- What accepting sets: the proposal, or the answer that was given instead.
create function lib.decision_patch(d mejora.decision) returns jsonb stable language sql as $$
    select case when d.value is null then d.patch else lib.decision_value(d, d.value) end
$$;

-- Does what an accepted decision says; returns what was there before.
create function lib.decision_apply(d mejora.decision, me int) returns jsonb language plpgsql as $$
declare
    patch jsonb := lib.decision_patch(d);
    code text := patch #>> '{unit,code}';
    target text := lib.unit_find(d.institution, patch #>> '{unit,alias_of}');
    was jsonb;
begin
    if code is null then
        select p.before into was from lib.action_patch(d.institution, d.plan, d.item_no, patch - 'percent') p;
        was := nullif(coalesce(was, '{}') || lib.decision_progress(d, me, (patch ->> 'percent')::int), '{}');
    elsif target is null then
        update mejora.unit u set provisional = false where (u.institution, u.unit) = (d.institution, code) and u.provisional;
        was := case when found then jsonb_build_object('unit', jsonb_build_object('code', code, 'provisional', true)) end;
    elsif target <> code then
        was := jsonb_build_object('unit', lib.unit_merge(d.institution, code, target));
        perform lib.reminders_refresh(d.institution, null, null);
    end if;
    return was;
end $$;

-- Takes an accepted decision back, field by field where it still is what the decision set; returns what that leaves to remember:
-- nothing.
create function lib.decision_undo(d mejora.decision, me int) returns jsonb language plpgsql as $$
declare
    here jsonb;
    was jsonb := d.before -> 'unit';
begin
    if was ? 'into' then
        perform lib.unit_split(d.institution, was);
        perform lib.reminders_refresh(d.institution, null, null);
    elsif was is not null then
        update mejora.unit u set provisional = true where (u.institution, u.unit) = (d.institution, was ->> 'code');
    elsif d.before is not null then
        here := lib.action_document(d.institution, d.plan, d.item_no);
        perform lib.action_patch(d.institution, d.plan, d.item_no,
                                 (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(d.before - 'percent')
                                   where here -> key = case key when 'owners' then lib.owner_codes(d.institution, p -> key)
                                                                else p -> key end))
           from lib.decision_patch(d) p;
        perform lib.decision_progress(d, me, (d.before ->> 'percent')::int);
    end if;
    return null;
end $$;

-- Reports a percentage on behalf of who decides; returns the one before as a field. History grows, it is never taken back.
create function lib.decision_progress(d mejora.decision, me int, percent int) returns jsonb language plpgsql as $$
declare
    last record;
begin
    select l.version, l.percent into last from mejora.action a
      left join lateral lib.last_progress(a.institution, a.plan, a.item_no) l on true
     where (a.institution, a.plan, a.item_no) = (d.institution, d.plan, d.item_no);
    if percent is null or last.percent = percent then
        return '{}';
    end if;
    insert into mejora.progress (institution, plan, item_no, version, person, percent, why)
    values (d.institution, d.plan, d.item_no, coalesce(last.version, 0) + 1, me, percent, concat_ws(': ', 'decision ' || d.decision, d.why));
    perform lib.reminders_refresh(d.institution, d.plan, d.item_no);
    return jsonb_build_object('percent', last.percent);
end $$;

-- A unit that was read from a plan turns out to be another one: its actions, people and names go to that one.
create function lib.unit_merge(institution text, code text, target text) returns jsonb language plpgsql as $$
#variable_conflict use_variable
declare
    before jsonb;
begin
    select jsonb_build_object(
               'code', code, 'name', u.name, 'provisional', u.provisional, 'into', target,
               'owners', (select jsonb_agg(jsonb_build_object('plan', o.plan, 'item_no', o.item_no, 'position', o.position,
                                                              'both', t.unit is not null))
                            from mejora.action_owner o
                            left join mejora.action_owner t
                              on (t.institution, t.plan, t.item_no, t.unit) = (o.institution, o.plan, o.item_no, target)
                           where (o.institution, o.unit) = (institution, code)),
               'people', (select jsonb_agg(m.person) from mejora.member m where (m.institution, m.unit) = (institution, code)),
               'aliases', (select jsonb_agg(a.alias) from mejora.unit_alias a where (a.institution, a.unit) = (institution, code)))
      into before from mejora.unit u where (u.institution, u.unit) = (institution, code);
    insert into mejora.action_owner (institution, plan, item_no, unit, position)
    select o.institution, o.plan, o.item_no, target, o.position from mejora.action_owner o
     where (o.institution, o.unit) = (institution, code)
        on conflict on constraint action_owner_pkey do update set position = least(action_owner.position, excluded.position);
    insert into mejora.member (institution, person, unit)
    select m.institution, m.person, target from mejora.member m where (m.institution, m.unit) = (institution, code)
        on conflict do nothing;
    perform lib.owners_bump(institution, code);
    delete from mejora.action_owner o where (o.institution, o.unit) = (institution, code);
    delete from mejora.member m where (m.institution, m.unit) = (institution, code);
    update mejora.unit_alias a set unit = target where (a.institution, a.unit) = (institution, code);
    insert into mejora.unit_alias (institution, alias, unit, written)
    select institution, lib.fold(n.name), target, n.name from (select distinct unnest(array[code, before ->> 'name'])) n (name)
        on conflict on constraint unit_alias_pkey do nothing;
    update mejora.post p set unit = target where (p.institution, p.unit) = (institution, code)
       and not exists (select from mejora.post t where (t.institution, t.unit, t.kind, t.first_day)
                                                     = (institution, target, p.kind, p.first_day));
    delete from mejora.post p where (p.institution, p.unit) = (institution, code);
    update mejora.unit u set parent = nullif(target, u.unit) where (u.institution, u.parent) = (institution, code);
    delete from mejora.unit u where (u.institution, u.unit) = (institution, code);
    return before;
end $$;

-- And back, from what lib.unit_merge said it was.
create function lib.unit_split(institution text, was jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
    code text := was ->> 'code';
    target text := was ->> 'into';
begin
    insert into mejora.unit (institution, unit, name, provisional)
    values (institution, code, was ->> 'name', (was ->> 'provisional')::boolean);
    update mejora.unit_alias a set unit = code where a.institution = institution and was -> 'aliases' ? a.alias;
    delete from mejora.unit_alias a
     where (a.institution, a.unit) = (institution, target) and a.alias in (lib.fold(code), lib.fold(was ->> 'name'));
    insert into mejora.member (institution, person, unit)
    select institution, p::int, code from jsonb_array_elements_text(nullif(was -> 'people', 'null')) p;
    insert into mejora.action_owner (institution, plan, item_no, unit, position)
    select institution, o.plan, o.item_no, code, o.position
      from jsonb_to_recordset(nullif(was -> 'owners', 'null')) o (plan int, item_no int, position int);
    delete from mejora.action_owner a
     using jsonb_to_recordset(nullif(was -> 'owners', 'null')) o (plan int, item_no int, "both" boolean)
     where (a.institution, a.plan, a.item_no, a.unit) = (institution, o.plan, o.item_no, target) and not o."both";
    perform lib.owners_bump(institution, code);
end $$;

create function lib.owners_bump(institution text, code text) returns void language sql as $$
    update mejora.action a set owners_version = a.owners_version + 1 from mejora.action_owner o
     where (o.institution, o.unit) = (owners_bump.institution, code)
       and (a.institution, a.plan, a.item_no) = (o.institution, o.plan, o.item_no)
$$;
