-- How long an institution keeps what its audit trail says. Without a row: for ever, which is the default.

create table mejora.audit_retention (
    institution mejora.code primary key references mejora.institution,
    years       int not null check (years between 1 and 100),
    at          timestamptz not null default now(),
    person      int not null references mejora.person,
    why         text not null
);
alter table mejora.audit_retention enable row level security;
create policy own_institution on mejora.audit_retention using (institution = mejora.here() or mejora.sees_all());
grant delete on mejora.audit_retention to mejora_server;          -- back to for ever
select history.track('audit_retention');

-- Only road.prune can say this of itself: nobody else has the privilege to delete.
create or replace function road.refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_relid = 'road.audit'::regclass and current_setting('road.pruning', true) = 'on' then
        return null;
    end if;
    raise exception 'the audit trail is only ever added to';
end $$;

-- Removes what is older than its institution has decided to keep, the oldest first, and says so in an entry that names their leaves. The
-- leaves stay, with their hashes: what is left is proved as before. What is not sealed yet is not old enough; what was pruned and
-- who decided it is kept for ever. It takes nothing that it could be told to remove: not an entry, nor an instant, nor an institution.
create function road.prune(most int) returns int security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    kept record;
    old record;
    pruned int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('road.prune')) then
        return 0;
    end if;
    for kept in select r.institution, r.years, r.why, now() - make_interval(years => r.years) as before from mejora.audit_retention r loop
        select array_agg(o.seq) as seqs, count(*)::int as entries,
               (select jsonb_agg(jsonb_build_array(lower(u), upper(u) - 1)) from unnest(range_agg(int8range(o.leaf, o.leaf + 1))) u) as leaves
          into old
          from (select a.seq, a.at, l.leaf
                  from (select b.seq, b.at from road.audit b      -- entries come in the order of time: no need to look further
                         where b.institution = kept.institution and b.op not in ('audit_prune', 'audit_retention_set')
                         order by b.seq limit least(most, 5000)) a
                  join road.leaf l on l.seq = a.seq
                 where a.at < kept.before and l.leaf < (select max(c.size) from road.checkpoint c)) o;
        continue when old.entries = 0;
        insert into road.audit (institution, op, outcome, why, after)
        values (kept.institution, 'audit_prune', 'ok', kept.why,
                jsonb_build_object('years', kept.years, 'before', kept.before, 'entries', old.entries, 'leaves', old.leaves));
        perform set_config('road.pruning', 'on', true);
        delete from road.audit a where a.seq = any (old.seqs);
        perform set_config('road.pruning', '', true);
        pruned := pruned + old.entries;
    end loop;
    return pruned;
end $$;
