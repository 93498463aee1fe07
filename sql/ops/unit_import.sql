-- Units and who stands for them, from a directory sheet: all of it or, where anything is wrong, nothing. What the sheet
-- does not say stays; the same sheet again changes nothing.
create type op.directory_change as (line int, subject text, field text, was text, now text);

create function op.unit_import(
    me int, institution text, rows jsonb, dry_run boolean,
    out added int, out changed int, out unchanged int, out changes op.directory_change[], out notes op.note[],
        out applied boolean,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    entries lib.directory_entry[] := array(select e from lib.directory_entries(rows) e);
    told lib.directory_line[];
    faults int;
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    perform from mejora.institution i where i.institution = institution for no key update;   -- one import at a time
    notes := array(select n from lib.directory_notes(rows) n);
    begin
        told := lib.directory_apply(institution, entries);
        notes := notes || array(select row('refused', t.line, coalesce(e.headings ->> t.field, t.field), null, t.now,
            null, t.code,
                                           coalesce(t.args, '{}'), null)::op.note
                                  from unnest(told) t join unnest(entries) e on e.line = t.line
                                      where t.code is not null);
        faults := (select count(*) from unnest(notes) n where n.kind = 'refused');
        if dry_run or faults > 0 then
            raise exception using errcode = 'MJ001';              -- takes back what was done, keeps what was told
        end if;
    exception when sqlstate 'MJ001' then
        null;
    end;
    notes := array(select n from unnest(notes) n order by n.line, n."column", n.code);
    if faults > 0 then
        select 'invalid', 'import_refused', array[faults::text] into outcome, error, error_args;
        return;
    end if;
    changes := array(select row(t.line, t.subject, t.field, t.was, t.now)::op.directory_change
        from unnest(told) t order by t.line);
    added := (select count(*) from unnest(told) t where t.field = 'unit');
    changed := (select count(distinct t.line) from unnest(told) t) - added;
    unchanged := cardinality(entries) - added - changed;
    applied := dry_run is not true and told <> '{}';
    outcome := 'ok';
    if applied then
        after := jsonb_build_object('changes', to_jsonb(changes));
        perform lib.reminders_refresh(institution, null, null);
    end if;
end $$;

-- All units first, then what speaks of other units, then the people.
create function lib.directory_apply(institution text, entries lib.directory_entry[]) returns lib.directory_line[]
language plpgsql as $$
#variable_conflict use_variable
declare
    e lib.directory_entry;
    told lib.directory_line[] := '{}';
begin
    foreach e in array entries loop
        told := told || array(select t from lib.directory_unit(institution, e) t);
    end loop;
    foreach e in array entries loop
        told := told || array(select t from lib.directory_parent(institution, e) t);
    end loop;
    foreach e in array entries loop
        told := told || array(select t from lib.directory_post(institution, e, 'holder', e.holder, e.holder_email) t)
                     || array(select t from lib.directory_post(institution, e, 'deputy', e.deputy, e.deputy_email) t);
    end loop;
    return told;
end $$;

-- What is wrong with the sheet as a whole: nothing to read, units twice, columns that nobody reads.
create function lib.directory_notes(rows jsonb) returns setof op.note stable language sql as $$
    select 'refused'::mejora.note_kind, (rows -> 0 -> 0)::int, null, null::int, null, null, 'sheet_unread',
        '{}'::text[], null
     where not exists (select from lib.directory_entries(rows))
    union all
    select distinct 'hint'::mejora.note_kind, min(c.line) over (), c.heading, null::int, null, null, 'column_unread',
        array[c.heading], null
      from lib.directory_cells(rows) c where c.field is null
    union all
    select 'refused', t.line, t.headings ->> 'name', null, t.name, null, 'unit_repeated', array[t.name, t.first::text],
        null
      from (select e.*, min(e.line) over (partition by lib.fold(e.name)) as first from lib.directory_entries(rows) e) t
     where t.line > t.first
    union all
    select 'refused', t.line, t.heading, null::int, t.heading, null, 'heading_repeated', array[t.heading], null
      from (select c.line, c.heading, row_number() over (partition by c.line, c.field) as n
          from lib.directory_cells(rows) c
             where c.line = (select min(f.line) from lib.directory_cells(rows) f) and c.field is not null) t
     where t.n > 1
$$;
