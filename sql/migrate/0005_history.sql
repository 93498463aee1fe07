-- What rows were before they changed: with it sql/past.sql shows every table as it stood at any instant. Written by triggers as
-- the owner, so that whoever changes a row, and be it by mistake, can neither leave that out nor say it otherwise.

create schema history;

-- From now on every change to mejora.<name> leaves here what was there until then. The row at an instant is the first one here whose
-- `until` is later; without one, the table's own. Nothing is kept about rows that were there before this was called: they
-- count as always there.
--
--     gone    the row was deleted then
--     was     the row; null: there was none
create function history.track(name text) returns void language plpgsql as $track$
declare
    keys text[] := array(select quote_ident(a.attname)
                           from pg_index i join pg_attribute a on a.attrelid = i.indrelid
                          where i.indrelid = format('mejora.%I', name)::regclass and i.indisprimary
                            and (a.attnum = any (i.indkey) or a.attname = 'institution') order by a.attnum);
    list text := array_to_string(keys, ', ');
    coalesced text := (select string_agg(format('coalesce(o.%s, n.%1$s)', k), ', ') from unnest(keys) k);
    joined text := (select string_agg(format('n.%s = o.%1$s', k), ' and ') from unnest(keys) k);
    same text := (select string_agg(format('h.%s = x.%1$s', k), ' and ') from unnest(keys) k);
begin
    execute format('create table history.%I as select %s from mejora.%1$I with no data', name, list);
    execute format('alter table history.%I add until timestamptz not null, add seq bigint generated always as identity,'
                   ' add gone boolean not null, add was jsonb, add primary key (%s, until, seq)', name, list);
    execute format('create index on history.%I (%s) where gone', name, list);
    execute format('revoke insert, update, delete, truncate on history.%I from mejora_server', name);
    execute format('alter table history.%I enable row level security', name);
    execute format('create policy own_institution on history.%I using (institution = mejora.here() or mejora.sees_all())', name);
    execute format('create trigger only_insert before update or delete or truncate on history.%I for each statement'
                   ' execute function road.refuse_change()', name);
    -- Time goes on: of two transactions the later change may be of the one that began earlier.
    execute format($make$
        create function history.%I() returns trigger security definer set search_path = pg_catalog, pg_temp language plpgsql as $keep$
        begin
            if tg_op = 'INSERT' then
                insert into history.%2$I (%3$s, until, gone, was)
                select %3$s, greatest(now(), (select max(h.until) from history.%2$I h where %6$s)), false, null from new_rows x;
            elsif tg_op = 'DELETE' then
                insert into history.%2$I (%3$s, until, gone, was)
                select %3$s, greatest(now(), (select max(h.until) from history.%2$I h where %6$s)), true, to_jsonb(x)
                  from old_rows x;
            else
                insert into history.%2$I (%3$s, until, gone, was)
                select %3$s, greatest(now(), (select max(h.until) from history.%2$I h where %6$s)), x.gone, x.was
                  from (select %4$s, n.institution is null, case when o.institution is not null then to_jsonb(o) end
                          from old_rows o full join new_rows n on %5$s where o is distinct from n) x (%3$s, gone, was);
            end if;
            return null;
        end $keep$ $make$, 'keep_' || name, name, list, coalesced, joined, same);
    execute format('create trigger keep_insert after insert on mejora.%I referencing new table as new_rows'
                   ' for each statement execute function history.%I()', name, 'keep_' || name);
    execute format('create trigger keep_update after update on mejora.%I referencing old table as old_rows new table as new_rows'
                   ' for each statement execute function history.%I()', name, 'keep_' || name);
    execute format('create trigger keep_delete after delete on mejora.%I referencing old table as old_rows'
                   ' for each statement execute function history.%I()', name, 'keep_' || name);
end $track$;
revoke execute on function history.track(text) from mejora_server;

-- Not the ledger of reminders: it says of itself when something was sent. progress and import are only ever added to, with their instant.
select history.track(t)
  from unnest(array['institution', 'unit', 'unit_alias', 'person', 'member', 'plan', 'action', 'action_owner', 'task', 'follow_up',
                    'decision', 'reminder_policy', 'reminder_pause', 'holiday']) t;

-- Since when the plans exist that are here already, as far as it is known.
insert into history.plan (institution, year, until, gone, was)
select p.institution, p.year, min(k.at), false, null
  from mejora.plan p
  join (select i.institution, i.plan, i.at from mejora.import i
        union all
        select a.institution, (a.after ->> 'carried_to')::int, a.at from road.audit a
         where a.op = 'plan_carry' and a.outcome = 'ok') k on (k.institution, k.plan) = (p.institution, p.year)
 group by p.institution, p.year;
