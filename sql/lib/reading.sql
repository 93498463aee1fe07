-- A plan that was read from a file, and how it differs from what is there. The draft is the interpreter's (server/importer).
--
-- Three sides are compared: a field that says in this file what it said in the last one is left alone, so that importing a corrected
-- file brings its corrections and takes nothing back that people have changed since.

-- One action of the draft, or with item_no null the plan itself. before, after: the fields that change; null when none does.
create type lib.import_item as (item_no int, line int, document jsonb, is_new boolean, before jsonb, after jsonb);

-- What people have answered to the questions that this draft asks again: fields by action.
create function lib.draft_answers(institution text, plan int, draft jsonb) returns table (item_no int, patch jsonb)
stable language sql as $$
    select d.item_no, jsonb_object_agg(f.key, f.value order by d.decision)
      from mejora.decision d, jsonb_each(lib.decision_patch(d)) f
     where (d.institution, d.plan, d.state) = (draft_answers.institution, draft_answers.plan, 'accepted') and f.key <> 'unit'
       and exists (select from jsonb_array_elements(draft -> 'notes') n
                    where (n ->> 'code', coalesce(n ->> 'was', '')) = (d.code, d.was) and (n ->> 'item_no')::int = d.item_no)
     group by d.item_no
$$;

create function lib.draft_action(institution text, draft jsonb) returns jsonb stable language sql as $$
    select lib.action_fields(jsonb_populate_record(null::mejora.action,
               '{"subcriteria":[],"improvement_areas":[],"actions":[],"resources":[],"comments":[]}' || jsonb_strip_nulls(draft)))
           || jsonb_build_object(
                  'owners', lib.owner_codes(institution, nullif(draft -> 'owners', 'null')),
                  'tasks', coalesce((select jsonb_agg(jsonb_build_object('task_no', t.task_no, 'printed_no', t.printed_no, 'text', t.text)
                                                      order by t.task_no)
                                       from jsonb_to_recordset(nullif(draft -> 'tasks', 'null'))
                                            t (task_no int, printed_no text, text text)), '[]'))
$$;

-- Its follow-up row; an empty mark says nothing.
create function lib.draft_follow_up(draft jsonb) returns jsonb immutable language sql as $$
    select jsonb_build_object('follow_up.action_text', draft -> 'action_text', 'follow_up.tasks_text', draft -> 'tasks_text',
                              'follow_up.owner_text', draft -> 'owner_text', 'follow_up.result', draft -> 'result',
                              'follow_up.comments', draft -> 'comments')
           || case when (draft ->> 'percent')::int in (0, 25, 50, 75, 100) then jsonb_build_object('percent', (draft ->> 'percent')::int)
                   else '{}' end
     where draft is not null
$$;

create function lib.draft_documents(institution text, plan int, draft jsonb) returns table (item_no int, line int, document jsonb)
stable language sql as $$
    select null, null, jsonb_build_object('title', coalesce(draft ->> 'title', lib.ref(institution, plan)),
                                          'caf', coalesce((draft ->> 'caf')::int, 2020),
                                          't_means', coalesce(draft ->> 't_means', 'quarter'),
                                          'signatures', coalesce(nullif(draft -> 'signatures', 'null'), '[]'))
     where draft is not null
    union all
    select (a ->> 'item_no')::int, (a ->> 'line')::int,
           lib.draft_action(institution, a || coalesce(w.patch, '{}'))
           || coalesce(lib.draft_follow_up(f || jsonb_strip_nulls(jsonb_build_object('percent', w.patch -> 'percent'))), '{}')
      from jsonb_array_elements(draft -> 'actions') a
      left join jsonb_array_elements(draft -> 'followup') f on f -> 'item_no' = a -> 'item_no'
      left join lib.draft_answers(institution, plan, draft) w on w.item_no = (a ->> 'item_no')::int
$$;

create function lib.stored_document(institution text, plan int, item_no int) returns jsonb stable language sql as $$
    select case when item_no is null
                then (select jsonb_build_object('title', p.title, 'caf', p.caf, 't_means', p.t_means, 'signatures', p.signatures)
                        from mejora.plan p where (p.institution, p.year) = (stored_document.institution, plan))
                else lib.action_document(institution, plan, item_no)
                     || coalesce((select lib.draft_follow_up(to_jsonb(f)) from mejora.follow_up f
                                   where (f.institution, f.plan, f.item_no)
                                       = (stored_document.institution, stored_document.plan, stored_document.item_no)), '{}')
                     || coalesce((select jsonb_build_object('percent', l.percent)
                                    from lib.last_progress(institution, plan, item_no) l), '{}')
           end
$$;

-- The file's comments take the place of those of the last one; the others were added by people.
create function lib.comments_merge(have jsonb, last jsonb, want jsonb) returns jsonb immutable language sql as $$
    select want || coalesce((select jsonb_agg(c order by n) from jsonb_array_elements(have) with ordinality h (c, n)
                              where not coalesce(last @> jsonb_build_array(c), false) and not want @> jsonb_build_array(c)), '[]')
$$;

create function lib.import_items(institution text, plan int, draft jsonb) returns setof lib.import_item stable language sql as $$
    with last as (
        select i.draft from mejora.import i
         where (i.institution, i.plan) = (import_items.institution, import_items.plan) order by i.import desc limit 1
    ), item as (
        select n.item_no, n.line, n.document, l.document as last, lib.stored_document(institution, plan, n.item_no) as have
          from lib.draft_documents(institution, plan, import_items.draft) n
          left join (select d.* from last, lib.draft_documents(institution, plan, last.draft) d) l
            on l.item_no is not distinct from n.item_no
    ), told as (
        select i.*, (select jsonb_object_agg(f.key, case f.key when 'comments'
                                                    then lib.comments_merge(i.have -> f.key, i.last -> f.key, f.value)
                                                    else f.value end)
                       from jsonb_each(i.document) f
                      where i.last is null or nullif(i.last -> f.key, 'null') is distinct from nullif(f.value, 'null')) as want
          from item i
    )
    select t.item_no, t.line, t.document, t.have is null, d.before, d.after
      from told t left join lateral lib.difference(t.have, t.want) d on t.have is not null
$$;

create function lib.import_units(institution text, draft jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
begin
    with named as (
        select u.code, u.name, coalesce(u.known, false) as known
          from jsonb_to_recordset(draft -> 'units') u (code text, name text, known boolean)
         where coalesce(lib.unit_find(institution, u.code), lib.unit_find(institution, u.name)) is null
    ), made as (
        insert into mejora.unit (institution, unit, name, provisional) select institution, n.code, n.name, not n.known from named n
            on conflict do nothing returning unit.unit, unit.name, unit.provisional
    )
    insert into mejora.unit_alias (institution, alias, unit, written)
    select institution, lib.fold(a), m.unit, a
      from made m join mejora.units k on k.name = m.name, regexp_split_to_table(k.aliases, '\|') a
     where not m.provisional and a <> '' and lib.unit_find(institution, a) is null
        on conflict do nothing;
end $$;

create function lib.import_actions(me int, institution text, plan int, draft jsonb, items lib.import_item[]) returns void
language plpgsql as $$
#variable_conflict use_variable
begin
    insert into mejora.action (institution, plan, item_no, line, subcriteria, improvement_areas, caf_example_no, title, actions, objective,
                               start_period, end_period, start_date, end_date, resources, indicator, owner_text, comments,
                               touched_on)
    select institution, plan, i.item_no, i.line, a.subcriteria, a.improvement_areas, a.caf_example_no, a.title, a.actions, a.objective,
           a.start_period, a.end_period, a.start_date, a.end_date, a.resources, a.indicator, a.owner_text, a.comments, lib.today(institution)
      from unnest(items) i, jsonb_populate_record(null::mejora.action, i.document) a where i.is_new and i.item_no is not null;
    perform lib.owners_put(institution, plan, i.item_no, i.document -> 'owners'),
            lib.tasks_put(institution, plan, i.item_no, i.document -> 'tasks')
       from unnest(items) i where i.is_new and i.item_no is not null;
    perform lib.action_patch(institution, plan, i.item_no, (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(i.after)
                                                             where key <> 'percent' and key not like 'follow\_up.%'))
       from unnest(items) i where i.after is not null and i.item_no is not null;
    update mejora.action a set line = i.line from unnest(items) i
     where (a.institution, a.plan, a.item_no) = (institution, plan, i.item_no) and a.line is distinct from i.line;
    insert into mejora.follow_up (institution, plan, item_no, line, action_text, tasks_text, owner_text, result, comments)
    select institution, plan, f.item_no, f.line, f.action_text, f.tasks_text, f.owner_text, f.result, f.comments
      from jsonb_to_recordset(draft -> 'followup')
           f (item_no int, line int, action_text text, tasks_text text, owner_text text, result text, comments text)
        on conflict on constraint follow_up_pkey do update
       set (line, action_text, tasks_text, owner_text, result, comments)
         = row(excluded.line, excluded.action_text, excluded.tasks_text, excluded.owner_text, excluded.result, excluded.comments);
    insert into mejora.progress (institution, plan, item_no, version, person, percent, why)
    select institution, plan, i.item_no, coalesce(l.version, 0) + 1, me, (i.document ->> 'percent')::int, 'import'
      from unnest(items) i left join lateral lib.last_progress(institution, plan, i.item_no) l on true
     where i.document ? 'percent' and (i.is_new or i.after ? 'percent');
end $$;

-- A question is asked once, whatever became of it.
create function lib.import_decisions(institution text, plan int, draft jsonb) returns void language sql as $$
    insert into mejora.decision (institution, decision, plan, item_no, code, args, line, "column", was, now, patch)
    select import_decisions.institution, q.last + row_number() over (order by q.n), import_decisions.plan, q.item_no, q.code,
           coalesce(q.args, '{}'), q.line, q.column, coalesce(q.was, ''), q.now, coalesce(q.patch, '{}')
      from (select distinct on (x.code, x.item_no, coalesce(x.was, '')) x.*, e.n,
                   (select coalesce(max(d.decision), 0) from mejora.decision d where d.institution = import_decisions.institution) as last
              from jsonb_array_elements(draft -> 'notes') with ordinality e (j, n),
                   jsonb_to_record(e.j) x (kind text, code text, args text[], line int, "column" text, item_no int, was text, now text,
                                           patch jsonb)
             where x.kind = 'to_decide'
               and not exists (select from mejora.decision d
                                where (d.institution, d.plan, d.code, d.was)
                                    = (import_decisions.institution, import_decisions.plan, x.code, coalesce(x.was, ''))
                                  and d.item_no is not distinct from x.item_no)
             order by x.code, x.item_no, coalesce(x.was, ''), e.n) q
$$;

create function lib.import_file(me int, institution text, plan int, draft jsonb, rows jsonb, file_name text, encoding text, digest bytea)
returns int language sql as $$
    with made as (
        insert into mejora.import (institution, plan, import, person, file_name, encoding, digest, draft)
        select import_file.institution, import_file.plan,
               (select coalesce(max(i.import), 0) + 1 from mejora.import i
                 where (i.institution, i.plan) = (import_file.institution, import_file.plan)),
               me, import_file.file_name, import_file.encoding, import_file.digest, import_file.draft
        returning import
    ), kept as (
        insert into mejora.import_row (institution, plan, import, line, cells)
        select import_file.institution, import_file.plan, made.import, (r -> 0)::int, array(select jsonb_array_elements_text(r -> 1))
          from made, jsonb_array_elements(rows) r
    )
    select import from made
$$;
