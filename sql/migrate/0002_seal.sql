-- The sealed log: entries of the audit trail in the order in which they were sealed, and what was signed of them (docs/audit-log.md).
-- An entry is sealed when no transaction can still appear that began before its own, so entries say in which they were written.

alter table road.audit add column xid xid8 not null default pg_current_xact_id();
create index on road.audit (xid, seq);

create table road.log (                                           -- one row: whose signature counts
    one         boolean primary key default true check (one),
    origin      text not null,
    public_key  bytea not null check (length(public_key) = 32),   -- Ed25519
    created_at  timestamptz not null default now()
);
create table road.leaf (
    leaf        bigint primary key,                               -- 0, 1, 2 …
    seq         bigint not null unique,                           -- the entry; no foreign key: what is sealed stays if the entry is gone
    about       text collate "C" not null,                        -- the entry's institution; anybody may see the leaf
    nodes       bytea not null                                    -- 32 bytes each: the leaf's hash, then those of the subtrees that it completes
);
create table road.checkpoint (
    size        bigint primary key,                               -- leaves 0 … size - 1
    at          timestamptz not null default now(),
    xid         xid8 not null,                                    -- of the last of them: the next are not from before it
    note        text not null                                     -- signed
);
do $$
declare
    t text;
begin
    foreach t in array array['log', 'leaf', 'checkpoint'] loop
        execute format('create trigger only_insert before update or delete or truncate on road.%I for each statement'
                       ' execute function road.refuse_change()', t);
    end loop;
end $$;
