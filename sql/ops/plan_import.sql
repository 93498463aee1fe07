create type op.note as (kind mejora.note_kind, line int, "column" text, item_no int, was text, now text, code text, args text[],
                        reason text);

-- Takes over what C has read from a file. Everything is worked out first and written afterwards, so a dry run is the same work without
-- the writing. A refused file changes nothing, and so does the one that came last.
create function op.plan_import(
    me int, institution text, inout about_plan int,
    draft jsonb, rows jsonb, file_name text, encoding text, digest bytea, dry_run boolean,
    out plan text, out added int, out changed int, out unchanged int, out changes op.change[], out notes op.note[], out applied boolean,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    items lib.import_item[];
    refused int;
begin
    applied := false;
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    perform from mejora.institution i where i.institution = institution for no key update; -- one import at a time
    about_plan := coalesce(about_plan, (draft ->> 'year')::int);
    plan := lib.ref(institution, about_plan);
    notes := array(select n from lib.import_notes(institution, about_plan, draft, digest) n);
    refused := (select count(*) from unnest(notes) n where n.kind = 'refused');
    if refused > 0 or about_plan is null then
        select 'invalid', 'import_refused', array[refused::text] into outcome, error, error_args;
        return;
    end if;
    outcome := 'ok';
    if exists (select from unnest(notes) n where n.code = 'same_file') then
        select 0, 0, jsonb_array_length(draft -> 'actions') into added, changed, unchanged;
        return;
    end if;
    items := array(select i from lib.import_items(institution, about_plan, draft) i);
    select count(*) filter (where i.is_new), count(*) filter (where i.after is not null),
           count(*) filter (where not i.is_new and i.after is null)
      into added, changed, unchanged from unnest(items) i where i.item_no is not null;
    select array_agg(c order by i.item_no nulls first, c.field) into changes
      from unnest(items) i, lib.changes(institution, i.item_no, i.before, i.after) c;
    if dry_run then
        return;
    end if;
    select w.before, w.after into before, after
      from lib.import_write(me, institution, about_plan, draft, items, rows, file_name, encoding, digest) w;
    applied := true;
end $$;

-- What the interpreter noted, without the questions that were answered before, and what only the database knows.
create function lib.import_notes(institution text, plan int, draft jsonb, digest bytea) returns setof op.note stable language sql as $$
    select x.kind, x.line, x.column, x.item_no, x.was, x.now, x.code, x.args, null
      from jsonb_array_elements(draft -> 'notes') n,
           jsonb_to_record(n) x (kind mejora.note_kind, line int, "column" text, item_no int, was text, now text, code text, args text[])
     where x.kind <> 'to_decide'
        or not exists (select from mejora.decision d
                        where (d.institution, d.plan, d.code, d.was)
                            = (import_notes.institution, import_notes.plan, x.code, coalesce(x.was, ''))
                          and d.item_no is not distinct from x.item_no and d.state <> 'open')
    union all
    select 'refused', null, null, null, null, null, case when p.carried_to is null then 'plan_approved' else 'plan_carried' end,
           array_remove(array[lib.ref(p.institution, p.year), lib.ref(p.institution, p.carried_to)], null), null
      from mejora.plan p
     where (p.institution, p.year) = (import_notes.institution, import_notes.plan)
       and (p.approved_at is not null or p.carried_to is not null)
    union all
    select 'hint', null, null, null, null, null, 'same_file',
           array[to_char(i.at at time zone (select n.time_zone from mejora.institution n where n.institution = i.institution),
                         'YYYY-MM-DD HH24:MI')], null
      from (select l.* from mejora.import l
             where (l.institution, l.plan) = (import_notes.institution, import_notes.plan) order by l.import desc limit 1) i
     where i.digest = import_notes.digest
    union all
    select 'hint', null, null, a.item_no, null, null, 'not_in_file', array[lib.ref(a.institution, a.plan, a.item_no)], null
      from mejora.action a
     where (a.institution, a.plan) = (import_notes.institution, import_notes.plan) and a.annulled_at is null
       and not exists (select from jsonb_array_elements(draft -> 'actions') d where (d ->> 'item_no')::int = a.item_no)
$$;

create function lib.import_write(me int, institution text, plan int, draft jsonb, items lib.import_item[], rows jsonb, file_name text,
                                 encoding text, digest bytea, out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    import int;
begin
    insert into mejora.plan (institution, year, title, caf, t_means, signatures)
    select institution, plan, d.title, d.caf, d.t_means, d.signatures
      from unnest(items) i, jsonb_to_record(i.document || coalesce(i.after, '{}')) d (title text, caf int, t_means text, signatures jsonb)
     where i.item_no is null and (i.is_new or i.after is not null)
        on conflict on constraint plan_pkey do update
       set (title, caf, t_means, signatures) = row(excluded.title, excluded.caf, excluded.t_means, excluded.signatures);
    perform lib.import_units(institution, draft);
    perform lib.import_actions(me, institution, plan, draft, items);
    perform lib.import_decisions(institution, plan, draft);
    import := lib.import_file(me, institution, plan, draft, rows, file_name, encoding, digest);
    perform lib.reminders_refresh(institution, plan, null);
    select jsonb_build_object('actions', coalesce(jsonb_object_agg(i.item_no, i.before) filter (where i.item_no > 0), '{}'),
                              'plan', coalesce(jsonb_agg(i.before) filter (where i.item_no is null) -> 0, '{}')),
           jsonb_build_object('actions', coalesce(jsonb_object_agg(i.item_no, i.after) filter (where i.item_no > 0), '{}'),
                              'plan', coalesce(jsonb_agg(i.after) filter (where i.item_no is null) -> 0, '{}'))
      into before, after from unnest(items) i where i.after is not null;
    after := after || jsonb_build_object('import', import, 'added', (select coalesce(jsonb_agg(i.item_no order by i.item_no), '[]')
                                                                       from unnest(items) i where i.is_new and i.item_no > 0),
                                         'notes', draft -> 'notes');   -- what was repaired, where and why
end $$;
