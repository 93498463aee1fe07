-- What is absent stays; an empty address takes it away. Units and roles are the whole list.
create function op.person_set(
    me int, institution text, code text, name text, email text, roles mejora.role[], units text[], why text,
    out person op.person,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
    p mejora.person;
    codes text[] := array(select distinct coalesce(lib.unit_find(institution, u), u) from unnest(units) u order by 1);
    was jsonb;
begin
    select x.* into p from mejora.person x where (x.institution, x.code) = (institution, code);
    if p.id is null then
        select 'not_found', 'no_such_person', array[coalesce(code, '')] into outcome, error, error_args;
        return;
    elsif num_nonnulls(nullif(name, ''), email, nullif(roles, '{}'), nullif(units, '{}')) = 0 then
        select 'invalid', 'nothing_to_change' into outcome, error;
        return;
    end if;
    roles := coalesce(array(select distinct r from unnest(nullif(roles, '{}')) r order by r), '{}');
    select * into outcome, error, error_args
      from lib.person_refuse(me, institution, code, coalesce(nullif(name, ''), p.name), nullif(email, ''),
                             case when roles = '{}' then p.roles else p.roles || roles end, codes);
    if outcome is not null then
        return;
    end if;
    was := lib.person_fields(p);
    update mejora.person x
       set name = coalesce(nullif(name, ''), x.name), email = nullif(coalesce(email, x.email), ''),
           roles = case when roles = '{}' then x.roles else roles end
     where x.id = p.id returning x.* into p;
    if codes <> '{}' then
        delete from mejora.member m where (m.institution, m.person) = (institution, p.id) and m.unit <> all (codes);
        insert into mejora.member (institution, person, unit) select institution, p.id, u from unnest(codes) u
            on conflict do nothing;
    end if;
    select d.before, d.after into before, after from lib.difference(was, lib.person_fields(p)) d;
    if after ?| '{roles,units}' then
        perform lib.reminders_refresh(institution, null, null);
    end if;
    select x.* into person from lib.people(institution, code) x;
    outcome := 'ok';
end $$;

create function lib.person_fields(p mejora.person) returns jsonb stable language sql as $$
    select jsonb_build_object('name', p.name, 'email', p.email, 'roles', p.roles,
                              'units', (select jsonb_agg(m.unit order by m.unit) from mejora.member m
                                  where m.person = p.id))
$$;
