-- How things are called: references, names of units and people, what is not there.

create function lib.ref(institution text, plan int default null, item_no int default null, task_no int default null) returns text
immutable language sql as $$
    select institution || coalesce('/' || plan::text, '') || coalesce('/' || item_no::text, '') || coalesce('.' || task_no::text, '')
$$;

-- Which part of a reference is not there; no outcome: all of it is. In plpgsql, because almost every operation begins with it:
-- a function that returns one row is not taken into the caller's query, and in SQL it would be planned anew by each call.
create function lib.missing(institution text, plan int, item_no int,
                            out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    if not exists (select from mejora.institution i where i.institution = institution) then
        select 'not_found', 'no_such_institution', array[institution] into outcome, error, error_args;
    elsif plan is not null and not exists (select from mejora.plan p where (p.institution, p.year) = (institution, plan)) then
        select 'not_found', 'no_such_plan', array[lib.ref(institution, plan)] into outcome, error, error_args;
    elsif item_no is not null and not exists (select from mejora.action a
                                               where (a.institution, a.plan, a.item_no) = (institution, plan, item_no)) then
        select 'not_found', 'no_such_action', array[lib.ref(institution, plan, item_no)] into outcome, error, error_args;
    end if;
end $$;

-- Names are compared without case, accents and doubled spaces: people write Planificacion.
create function lib.fold(name text) returns text immutable parallel safe language sql as $$
    select btrim(regexp_replace(normalize(lower(regexp_replace(normalize(name, nfd), '[\u0300-\u036f]', '', 'g')), nfc), '\s+', ' ', 'g'))
$$;

create function lib.slug(name text) returns text immutable language sql as $$
    select nullif(btrim(left(btrim(regexp_replace(lib.fold(name), '[^a-z0-9]+', '-', 'g'), '-'), 63), '-'), '')
$$;

create function lib.code_ok(code text) returns boolean immutable language sql as $$
    select code collate "C" ~ '^[a-z0-9][a-z0-9-]{0,62}$'
$$;

-- One @ with something around it, nothing that could end a header or an SMTP command, and not longer than a mail path may be.
create function lib.email_ok(email text) returns boolean immutable language sql as $$
    select email ~ '^[^@[:space:][:cntrl:]<>",;:\\()]+@[^@[:space:][:cntrl:]<>",;:\\()]+$' and octet_length(email) <= 254
$$;

-- The first of the named values that is missing, given as name, value, name, value …
create function lib.absent(variadic fields text[]) returns text immutable language sql as $$
    select fields[i] from generate_series(1, cardinality(fields), 2) i where coalesce(fields[i + 1], '') = '' order by i limit 1
$$;

-- A unit by code, name or alias.
create function lib.unit_find(institution text, name text) returns text stable language sql as $$
    select found.unit
      from (select 1 as rank, u.unit from mejora.unit u
             where u.institution = unit_find.institution and u.unit = lib.fold(unit_find.name)
            union all
            select 2, u.unit from mejora.unit u
             where u.institution = unit_find.institution and lib.fold(u.name) = lib.fold(unit_find.name)
            union all
            select 3, a.unit from mejora.unit_alias a
             where a.institution = unit_find.institution and a.alias = lib.fold(unit_find.name)) found
     order by rank, unit limit 1
$$;

create function lib.person_find(institution text, code text) returns int stable language sql as $$
    select p.id from mejora.person p where (p.institution, p.code) = (person_find.institution, person_find.code)
$$;

create function lib.person_code(person int) returns text stable language sql as $$
    select p.code from mejora.person p where p.id = person
$$;

create function lib.person_name(person int) returns text stable language sql as $$
    select p.name from mejora.person p where p.id = person
$$;

-- May this person give somebody these roles, or a key to who has them? Only administrators make people of the system,
-- administrators and notifiers: else a planner could invite himself as one.
create function lib.may_grant(me int, institution text, roles mejora.role[]) returns boolean stable language sql as $$
    select 'admin' = any (p.roles) or (institution <> '*' and not may_grant.roles && '{admin,notifier}')
      from mejora.person p where p.id = me
$$;
