-- The sealed log: docs/audit-log.md says what is hashed and how.

-- What is hashed of an entry: version 2 is that with a column that entries did not have at first. array_send writes every
-- column with its length before it, behind a head of 20 bytes. Expressions alone: they are planned with what reads the entries.
create function lib.roles_text(roles mejora.role[]) returns text stable language sql as $$   -- to_json looks up what they are
    select case cardinality(roles) when 0 then '[]' else '["' || array_to_string(roles, '","', 'null') || '"]' end
$$;
create function lib.audit_texts(a road.audit) returns text[] stable language sql as $$
    select array[
        a.seq::text, (extract(epoch from a.at) * 1000000)::bigint::text, a.institution, a.plan::text, a.item_no::text,
        a.task_no::text, a.person::text, a.who, a.name, a.unit, a.key::text, a.request::text, a.op, a.outcome::text, a.error,
        to_json(a.args)::text, a.why, a.before::text, a.after::text, lib.roles_text(a.roles), a.asked::text]
$$;
-- The same in binary form, which takes half as long; proto/audit.proto says how it becomes those texts.
create function lib.audit_row(a road.audit) returns bytea stable language sql as $$
    select record_send(row(
        a.seq, a.at, a.institution, a.plan, a.item_no, a.task_no, a.person, a.who, a.name, a.unit, a.key, a.request, a.op,
        a.outcome, a.error, to_json(a.args), a.why, a.before, a.after, lib.roles_text(a.roles), a.asked))
$$;
create function lib.audit_bytes(a road.audit) returns bytea stable language sql as $$
    select case when a.roles is null and a.asked is null
                then '\x01'::bytea || substring(array_send((lib.audit_texts(a))[:19]) from 21)
                else '\x02'::bytea || substring(array_send(lib.audit_texts(a)) from 21) end
$$;

-- What is to be sealed next: behind the last one sealed, for one transaction may have written more than a batch. A database
-- restored into another cluster counts transactions anew: then all of them are looked at, and those of before come up once
-- more when it has counted so far. What has a higher number than all that is sealed is not; of others it is looked up.
create function lib.unsealed(max_entries int, out seq bigint, out institution text, out xid xid8, out hash bytea)
returns setof record stable language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    sealed xid8;
    sealed_seq bigint;
    highest constant bigint := coalesce((select max(l.seq) from road.leaf l), 0);
begin
    select c.xid, l.seq into sealed, sealed_seq from road.checkpoint c left join road.leaf l on l.leaf = c.size - 1
     order by c.size desc limit 1;
    if coalesce(sealed >= pg_snapshot_xmax(pg_current_snapshot()), true) then
        sealed := '0';
    end if;
    return query
        select a.seq, a.institution, a.xid, sha256('\x00'::bytea || lib.audit_bytes(a)) from road.audit a
         where (a.xid, a.seq) > (sealed, coalesce(sealed_seq, 0)) and a.xid < pg_snapshot_xmin(pg_current_snapshot())
           and (a.seq > highest or (select l.leaf from road.leaf l where l.seq = a.seq) is null)   -- an anti-join may read all leaves
         order by a.xid, a.seq limit max_entries;
end $$;

-- The hashes of the largest whole subtrees that make up the leaves from the first up to the one beyond, in their order.
create function lib.tree_span(first bigint, beyond bigint) returns bytea stable language plpgsql as $$
declare
    missing constant bytea := decode(repeat('00', 32), 'hex');    -- somebody took the leaf away: it will show
    ret bytea := '';
    leaves bigint;
    level int;
begin
    while first < beyond loop
        leaves := 1;
        level := 0;
        while first % (2 * leaves) = 0 and first + 2 * leaves <= beyond loop
            leaves := 2 * leaves;
            level := level + 1;
        end loop;
        first := first + leaves;
        ret := ret || coalesce((select substring(l.nodes from level * 32 + 1 for 32) from road.leaf l where l.leaf = first - 1),
                               missing);
    end loop;
    return ret;
end $$;

-- The largest power of two below size: where RFC 6962 divides a tree.
create function lib.tree_half(size bigint) returns bigint immutable language sql as $$
    select max(1::bigint << level) from generate_series(0, 62) level where 1::bigint << level < size
$$;

create function lib.tree_hash(first bigint, size bigint) returns bytea stable language plpgsql as $$
declare
    half bigint := lib.tree_half(size);
begin
    if size = coalesce(2 * half, 1) then                           -- a whole subtree: kept with its last leaf
        return (select substring(l.nodes from 32 * log(2, size)::int + 1 for 32)
                  from road.leaf l where l.leaf = first + size - 1);
    end if;
    return sha256('\x01'::bytea || lib.tree_hash(first, half) || lib.tree_hash(first + half, size - half));
end $$;

create function lib.tree_inclusion(leaf bigint, first bigint, size bigint) returns bytea stable language plpgsql as $$
declare
    half bigint := lib.tree_half(size);
begin
    if size = 1 then
        return '';
    elsif leaf < half then
        return lib.tree_inclusion(leaf, first, half) || lib.tree_hash(first + half, size - half);
    end if;
    return lib.tree_inclusion(leaf - half, first + half, size - half) || lib.tree_hash(first, half);
end $$;

create function lib.tree_consistency(old_size bigint, first bigint, size bigint, whole boolean) returns bytea stable language plpgsql as $$
declare
    half bigint := lib.tree_half(size);
begin
    if old_size = size then
        return case when whole then '' else lib.tree_hash(first, size) end;
    elsif old_size <= half then
        return lib.tree_consistency(old_size, first, half, whole) || lib.tree_hash(first + half, size - half);
    end if;
    return lib.tree_consistency(old_size - half, first + half, size - half, false) || lib.tree_hash(first, half);
end $$;

-- The log's verifier key, as C2SP's signed notes write it.
create function lib.log_key() returns text stable language plpgsql as $$   -- plpgsql: planned but once
begin
    return (select l.origin || '+' || encode(substring(sha256(convert_to(l.origin, 'UTF8') || '\x0a01' || l.public_key) for 4), 'hex')
                   || '+' || encode('\x01' || l.public_key, 'base64')
              from road.log l);
end $$;

-- What an export says of leaves: the hash of each and its entry's number, in their order; and the entries in theirs. They
-- are not joined: that took a fifth of the time, and whoever reads them finds the one by the other. Neighbours in the log are
-- neighbours among the entries, mostly, and are then read as one stretch: others may be among them, where all are asked for.
create function lib.leaves_read(scope text, everything boolean, numbers bigint[], out leaves bytea, out rows bytea)
stable language plpgsql as $$
declare
    n constant int := cardinality(numbers);
    seqs bigint[];
    first_seq bigint;
    last_seq bigint;
begin
    if numbers[n] - numbers[1] = n - 1 then
        select string_agg(substring(l.nodes for 32) || int8send(l.seq), ''), array_agg(l.seq), min(l.seq), max(l.seq)
          into leaves, seqs, first_seq, last_seq
          from (select * from road.leaf l where l.leaf between numbers[1] and numbers[n] order by l.leaf) l;
    else
        select string_agg(substring(l.nodes for 32) || int8send(l.seq), ''), array_agg(l.seq), min(l.seq), max(l.seq)
          into leaves, seqs, first_seq, last_seq
          from (select * from road.leaf l where l.leaf = any (numbers) order by l.leaf) l;
    end if;
    if last_seq - first_seq < (case when everything then 4 * n else n end) then
        rows := (select string_agg(lib.audit_row(a), '')
                   from (select * from road.audit a where a.seq between first_seq and last_seq
                            and scope in ('*', a.institution) order by a.seq) a);
    else
        rows := (select string_agg(lib.audit_row(a), '')
                   from (select * from road.audit a where a.seq = any (seqs) order by a.seq) a);
    end if;
end $$;
