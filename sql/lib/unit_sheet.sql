-- Reading a directory sheet: a row for each unit, with who stands for it. Each step does what a row says and tells what
-- that changed, or what is wrong with it; who asked for it takes everything back when anything is wrong, or it was only
-- a look.

create type lib.directory_entry as (line int, code text, name text, aliases text, holder text, holder_email text,
    deputy text,
                                    deputy_email text, parent text, email text, headings jsonb);
-- A change (subject, field, was, now), or with a code a fault in a field
create type lib.directory_line as (line int, field text, subject text, was text, now text, code text, args text[]);

create function lib.directory_field(heading text) returns text immutable language sql as $$
    select f.field
      from (values ('code', '{codigo,code,sigla,siglas}'::text[]),
                   ('name', '{unidad,nombre,nombre de la unidad,departamento,dependencia,area,unit,name}'),
                   ('aliases', '{alias,aliases,otros nombres,tambien llamada,also called}'),
                   ('holder', '{titular,encargado,encargada,responsable,holder,head}'),
                   ('holder_email', '{correo,correo electronico,correo del titular,email,e-mail,holder e-mail,mail}'),
                   ('deputy', '{suplente,sustituto,deputy}'),
                   ('deputy_email', '{correo del suplente,correo suplente,deputy e-mail,deputy email}'),
                   ('parent', '{superior,unidad superior,depende de,reporta a,parent,above}'),
                   ('email', '{direccion,correo de la unidad,buzon,address,unit e-mail,unit email}')) f (field, words)
     where lib.fold(heading) = any (f.words)
$$;

-- The cells below the heading row; a column that is not known has no field.
create function lib.directory_cells(rows jsonb) returns table (line int, field text, heading text, value text)
immutable language sql as $$
    with cell as materialized (
        select (r -> 0)::int as line, c.n, btrim(regexp_replace(c.value, '\s+', ' ', 'g')) as value
          from jsonb_array_elements(rows) r, jsonb_array_elements_text(r -> 1) with ordinality c (value, n)
    ), head as (
        select c.line from cell c, lib.directory_field(c.value) f where f is not null
         group by c.line having count(*) > 1 and bool_or(f = 'name') order by c.line limit 1
    )
    select c.line, lib.directory_field(h.value), h.value, nullif(c.value, '')
      from head join cell h using (line) join cell c on c.line >= head.line and c.n = h.n
     where h.value <> ''
$$;

create function lib.directory_entries(rows jsonb) returns setof lib.directory_entry immutable language sql as $$
    select (jsonb_populate_record(null::lib.directory_entry,
                                  jsonb_object_agg(c.field, c.value) || jsonb_build_object(
                                      'line', c.line, 'headings', jsonb_object_agg(c.field, c.heading)))).*
      from lib.directory_cells(rows) c
     where c.field is not null and c.line > (select min(f.line) from lib.directory_cells(rows) f)
     group by c.line having bool_or(c.value is not null) order by c.line
$$;

-- The unit itself: made, confirmed, named, with its address and other names.
create function lib.directory_unit(institution text, e lib.directory_entry) returns setof lib.directory_line
language plpgsql as $$
#variable_conflict use_variable
declare
    by_code text := lib.unit_find(institution, e.code);
    by_name text := lib.unit_find(institution, e.name);
    here text := coalesce(by_code, by_name);
    code text := coalesce(lib.fold(e.code), lib.slug(e.name));
    was mejora.unit;
begin
    if here is null and e.name is null then
        return next row(e.line, 'name', null, null, e.code, 'unit_missing', null)::lib.directory_line;
    elsif by_code <> by_name then
        return next row(e.line, 'code', null, null, e.code, 'unit_mixed', array[by_code, by_name])::lib.directory_line;
    elsif here is null and lib.code_ok(code) is not true then
        return next row(e.line, 'code', null, null, e.code, 'code_malformed', array[coalesce(e.code,
            e.name)])::lib.directory_line;
    elsif not lib.email_ok(e.email) then
        return next row(e.line, 'email', null, null, e.email, 'email_malformed', array[e.email])::lib.directory_line;
    else
        select u.* into was from mejora.unit u where (u.institution, u.unit) = (institution, here);
        insert into mejora.unit as u (institution, unit, name, email) values (institution, coalesce(here, code),
            coalesce(e.name, was.name), e.email)
            on conflict on constraint unit_pkey do update set provisional = false, email = coalesce(e.email, u.email);
        return query select e.line, c.field, coalesce(here, code), c.was, c.now, null::text, null::text[]
                       from (values ('unit', null, case when here is null then e.name end),
                                    ('provisional', case when was.provisional then 'yes' end, null),
                                    ('email', was.email, coalesce(e.email, was.email))) c (field, was, now)
                      where c.was is distinct from c.now;
        return query select a.* from regexp_split_to_table(e.aliases, '\s*[|;/]\s*') n,
                                     lib.directory_alias(institution, e, coalesce(here, code), n) a where n <> '';
    end if;
end $$;

create function lib.directory_alias(institution text, e lib.directory_entry, unit text, alias text)
returns setof lib.directory_line language plpgsql as $$
#variable_conflict use_variable
declare
    taken text := lib.unit_find(institution, alias);
begin
    if taken <> unit then
        return next row(e.line, 'aliases', null, null, alias, 'alias_taken', array[alias, taken])::lib.directory_line;
    elsif taken is null then
        insert into mejora.unit_alias (institution, alias, unit, written) values (institution, lib.fold(alias), unit,
            alias);
        return next row(e.line, 'aliases', unit, null, alias, null, null)::lib.directory_line;
    end if;
end $$;

-- The unit above it, once all units are there.
create function lib.directory_parent(institution text, e lib.directory_entry) returns setof lib.directory_line
language plpgsql as $$
#variable_conflict use_variable
declare
    here text := coalesce(lib.unit_find(institution, e.code), lib.unit_find(institution, e.name));
    above text := lib.unit_find(institution, e.parent);
    was text := (select u.parent from mejora.unit u where (u.institution, u.unit) = (institution, here));
begin
    if e.parent is null or here is null or was = above then
        return;
    elsif above is null then
        return next row(e.line, 'parent', null, null, e.parent, 'no_such_unit', array[e.parent])::lib.directory_line;
    elsif lib.unit_below(institution, above, here) then
        return next row(e.line, 'parent', null, null, e.parent, 'unit_circle', array[here, above])::lib.directory_line;
    else
        update mejora.unit u set parent = above where (u.institution, u.unit) = (institution, here);
        return next row(e.line, 'parent', here, was, above, null, null)::lib.directory_line;
    end if;
end $$;

-- Somebody by address, code or name.
create function lib.directory_person(institution text, name text, email text, out person int,
    out fault text) stable language sql as $$
    select case when count(*) = 1 then min(p.id) end,
           case when count(*) > 1 then 'person_ambiguous' when count(*) = 0 and directory_person.name is null
               then 'person_unnamed' end
      from (select p.id, rank() over (order by r.rank) as best
              from mejora.person p,
                   lateral (select case when lower(p.email) = lower(directory_person.email) then 1
                                        when p.code = lib.fold(directory_person.name) then 2
                                        when lib.fold(p.name) = lib.fold(directory_person.name) then 3 end as rank) r
             where p.institution = directory_person.institution and r.rank is not null) p
     where p.best = 1
$$;

-- Who stands for the unit from today on: known, or made a responsable of it.
create function lib.directory_post(institution text, e lib.directory_entry, post mejora.post_kind, name text,
    email text)
returns setof lib.directory_line language plpgsql as $$
#variable_conflict use_variable
declare
    here text := coalesce(lib.unit_find(institution, e.code), lib.unit_find(institution, e.name));
    today date := lib.today(institution);
    was int := lib.post_on(institution, here, post, today);
    who record;
begin
    if here is null or num_nonnulls(name, email) = 0 then
        return;
    elsif not lib.email_ok(email) then
        return next row(e.line, post || '_email', null, null, email, 'email_malformed',
            array[email])::lib.directory_line;
        return;
    end if;
    select * into who from lib.directory_person(institution, name, email);
    if who.fault is not null then
        return next row(e.line, case when name is null then post || '_email' else post::text end, null, null,
            coalesce(name, email),
                        who.fault, array[coalesce(name, email)])::lib.directory_line;
        return;
    elsif who.person is null then
        who.person := lib.directory_newcomer(institution, name, email);
        return next row(e.line, 'person', lib.person_code(who.person), null, name, null, null)::lib.directory_line;
    end if;
    return query with had as (select p.email from mejora.person p where p.id = who.person),
                      put as (update mejora.person p set email = email
                               where p.id = who.person and p.email is distinct from email and email is not null)
                 select e.line, 'email', lib.person_code(who.person), h.email, email, null::text, null::text[]
                     from had h
                  where h.email is distinct from email and email is not null;
    insert into mejora.member (institution, person, unit) values (institution, who.person, here) on conflict do nothing;
    if was is distinct from who.person then
        insert into mejora.post (institution, unit, kind, first_day, person) values (institution, here, post, today,
            who.person)
            on conflict on constraint post_pkey do update set person = excluded.person, last_day = null;
        return next row(e.line, post::text, here, lib.person_code(was), lib.person_code(who.person), null,
            null)::lib.directory_line;
    end if;
end $$;

-- A code of the name that nobody has: ana-pena, ana-pena-2 …
create function lib.directory_newcomer(institution text, name text, email text) returns int language sql as $$
    insert into mejora.person (institution, code, name, email, roles)
    select directory_newcomer.institution, c.code, directory_newcomer.name, directory_newcomer.email, '{responsable}'
      from generate_series(1, 1000) n,
           lateral (select left(coalesce(lib.slug(directory_newcomer.name), 'persona'), 58) || case when n > 1
               then '-' || n else '' end as code) c
     where lib.person_find(directory_newcomer.institution, c.code) is null
     order by n limit 1
    returning id
$$;
