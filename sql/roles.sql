-- Who owns and who runs. Idempotent: run at every start, before the migrations and again after them, by whoever the server was
-- told to connect as: a superuser, or the owner of the database with CREATEROLE.
--
--     mejora_owner    owns every schema, table and function; nobody logs in as it
--     mejora_server   what the server runs as: reads, inserts, updates and calls functions; owns nothing, deletes what a migration says

do $$
declare
    name text;
begin
    foreach name in array array['mejora_owner', 'mejora_server'] loop
        begin
            if to_regrole(name) is null then
                execute format('create role %I', name);
            end if;
        exception when duplicate_object or unique_violation then
            null;                                -- another database of this cluster was faster
        end;
        if not (select rolsuper from pg_roles where rolname = current_user) then
            begin
                execute format('grant %I to %I', name, current_user);
            exception when insufficient_privilege then
                null;                            -- somebody else's grant will do as well; set role tells
            end;
        end if;
    end loop;
    if not (select rolcanlogin from pg_roles where rolname = 'mejora_server') then
        alter role mejora_server login;
    end if;
    if exists (select from pg_roles where rolname = 'mejora_server' and (rolsuper or rolbypassrls))
       or pg_has_role('mejora_server', 'mejora_owner', 'member') then
        raise exception 'role mejora_server may do too much'
              using hint = 'it must be neither superuser nor BYPASSRLS nor a member of mejora_owner';
    end if;
    execute format('grant connect, temporary, create on database %I to mejora_owner', current_database());
    execute format('grant connect on database %I to mejora_server', current_database());
end $$;

set local role mejora_owner;

-- What later migrations create is granted by itself; whatever deserves less says so in its migration, or below.
alter default privileges revoke execute on functions from public;
alter default privileges grant usage on schemas to mejora_server;
alter default privileges grant select, insert, update on tables to mejora_server;
alter default privileges grant usage on sequences to mejora_server;
alter default privileges grant execute on functions to mejora_server;

do $$
declare
    one regclass;
begin
    for one in select r from unnest(array['road.audit', 'road.log', 'road.leaf', 'road.checkpoint']) name,
                      lateral (select to_regclass(name) union select relid from pg_partition_tree(to_regclass(name))) t (r) loop
        if one is not null then
            execute format('revoke update, delete, truncate on %s from mejora_server, public', one);
        end if;
    end loop;
    if to_regclass('road.migration') is not null then
        revoke insert, update, delete, truncate on road.migration from mejora_server, public;
    end if;
    if to_regnamespace('history') is not null then
        revoke insert, update, delete, truncate on all tables in schema history from mejora_server, public;
    end if;
end $$;
