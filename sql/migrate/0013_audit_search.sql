-- What the audit trail is searched by. A mark is anything that an entry can be asked for: who, what about, which field, a word.
-- Leaves of the sealed log are marked behind the sealer (lib.audit_index), so that nobody who writes pays for a question. All of it
-- follows from the entries: where what is marked changes, a migration empties the three tables and they are filled again.

do $$
declare
    extension text;
begin
    foreach extension in array array['pg_trgm', 'fuzzystrmatch', 'intarray'] loop
        execute format('create extension if not exists %I schema mejora', extension);
    end loop;
end $$;

create table road.mark (                                          -- which of the 32768 leaves from stretch * 32768 on have it
    institution text collate "C" not null,
    mark        text collate "C" not null,
    stretch     int not null,
    leaves      int[] not null,                                   -- counted from the stretch's first, in order
    primary key (institution, mark, stretch)
);
alter table road.mark alter column leaves set storage external;     -- numbers hardly compress
create table road.word (                                          -- those that are looked for as they sound
    institution text collate "C" not null,
    word        text collate "C" not null,
    primary key (institution, word)
);
do $$
begin
    execute format('create index on road.word using gin (word %s.gin_trgm_ops)',
                   (select extnamespace::regnamespace from pg_extension where extname = 'pg_trgm'));
end $$;
create table road.marked (                                        -- how far; and the times, which need not grow with the leaf
    upto        bigint primary key,                               -- leaves before it
    first_at    timestamptz not null,
    last_at     timestamptz not null
);
create index on road.marked (last_at);
create index on road.marked (first_at);

do $$
declare
    t text;
begin
    foreach t in array array['mark', 'word'] loop
        execute format('alter table road.%I enable row level security', t);
        execute format('create policy own_institution on road.%I using (institution = mejora.here() or mejora.sees_all())', t);
    end loop;
end $$;

create type mejora.audit_by as enum ('person', 'field', 'week', 'reason');

create table road.cursor_key (                                    -- with which the server knows its own cursors
    one         boolean primary key default true check (one),
    key         bytea not null default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
);
insert into road.cursor_key default values;
