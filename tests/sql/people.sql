-- Institutions, units, people, invitations and keys.
begin;
select plan(78);
\ir support/ask.psql

insert into mejora.person (institution, code, name, roles) values ('*', 'tpplroot', 'Root', '{admin}');
select set_config('mejora.institution', '*', true) as here \gset

select pg_temp.asks(call, expect, says) from (values
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'tppl', 'Instituto de Prueba', null) $$,
     '{"outcome": "ok", "institution": {"code": "tppl", "name": "Instituto de Prueba", "time_zone": "America/Santo_Domingo", "plans": []},
       "after": {"code": "tppl", "name": "Instituto de Prueba", "time_zone": "America/Santo_Domingo"}}'::jsonb, 'an institution'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'tppl', 'Instituto de Prueba', '') $$, '{"outcome": "ok", "after": null}', 'the same again changes nothing'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'tppl', 'Otro', null) $$,
     '{"outcome": "conflict", "error": "already_exists", "error_args": ["tppl"]}', 'another of that code'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'tpp2', 'Otro', 'Europe/Madrid') $$, '{"outcome": "ok"}', 'in another time zone'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'tpp3', 'X', 'Mars/Olympus') $$, '{"outcome": "invalid", "error_args": ["time_zone"]}', 'a time zone that is none'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'tpp3', '', null) $$, '{"error": "field_missing", "error_args": ["name"]}', 'no name'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), null, 'X', null) $$, '{"error": "field_missing", "error_args": ["code"]}', 'no code'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'Tppl', 'X', null) $$, '{"error": "code_malformed"}', 'capitals'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), '*', 'X', null) $$, '{"error": "code_malformed"}', 'the system is no institution'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), 'a/b', 'X', null) $$, '{"error": "code_malformed"}', 'what a reference could not say'),
    ($$ op.institution_add(pg_temp.me('tpplroot'), repeat('a', 64), 'X', null) $$, '{"error": "code_malformed"}', 'too long')) c (call, expect, says);

select set_config('mejora.institution', 'tppl', true) as here \gset
insert into mejora.person (institution, code, name, roles) values ('tppl', 'pla', 'Paula Plan', '{planner}'), ('tppl', 'jefe', 'Jefe', '{admin}');
select pg_temp.asks(call, expect, says) from (values
    ($$ op.institution_add(pg_temp.me('jefe'), 'tpp4', 'X', null) $$,
     '{"outcome": "denied", "error": "role_denied"}'::jsonb, 'the administrator of one institution makes no other'),
    ($$ op.institution_list(pg_temp.me('jefe')) $$,
     '{"institutions": [{"code": "tppl", "name": "Instituto de Prueba", "time_zone": "America/Santo_Domingo", "plans": []}]}', 'and sees no other'),

    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', null, 'Planificación y Desarrollo') $$,
     '{"outcome": "ok", "unit": {"code": "planificacion-y-desarrollo", "name": "Planificación y Desarrollo", "aliases": [], "people": [], "provisional": false}}',
     'a unit: the code is made from the name'),
    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', 'rrhh', 'Recursos Humanos') $$, '{"outcome": "ok", "after": {"unit": "rrhh", "name": "Recursos Humanos"}}', 'a unit with a code'),
    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', 'rrhh', 'Recursos Humanos') $$, '{"outcome": "ok", "after": null}', 'the same unit again'),
    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', 'rh2', 'RECURSOS  humanos') $$,
     '{"outcome": "conflict", "error": "already_exists", "error_args": ["Recursos Humanos"]}', 'the same name under another code'),
    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', 'rrhh', 'Otra') $$, '{"outcome": "conflict"}', 'the same code with another name'),
    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', null, '¡¿?!') $$, '{"error": "code_malformed"}', 'a name that gives no code'),
    ($$ op.unit_add(pg_temp.me('pla'), 'tppl', 'x', null) $$, '{"error": "field_missing", "error_args": ["name"]}', 'a unit without a name'),
    ($$ op.unit_add(pg_temp.me('pla'), 'nadie', 'x', 'X') $$, '{"outcome": "not_found", "error": "no_such_institution"}', 'no such institution'),
    ($$ op.unit_alias(pg_temp.me('pla'), 'tppl', 'planificacion y desarrollo', 'DPD') $$,
     '{"outcome": "ok", "unit": {"code": "planificacion-y-desarrollo", "name": "Planificación y Desarrollo", "aliases": ["DPD"], "people": [], "provisional": false}}',
     'an alias; the unit was named without its accent'),
    ($$ op.unit_alias(pg_temp.me('pla'), 'tppl', 'dpd', 'Dpd') $$, '{"outcome": "ok", "after": null}', 'the same alias again, by the alias'),
    ($$ op.unit_alias(pg_temp.me('pla'), 'tppl', 'rrhh', 'DPD') $$, '{"outcome": "conflict", "error": "already_exists", "error_args": ["DPD"]}', 'an alias that another unit has'),
    ($$ op.unit_alias(pg_temp.me('pla'), 'tppl', 'rrhh', 'Planificación  y Desarrollo') $$, '{"outcome": "conflict"}', 'an alias that is another unit''s name'),
    ($$ op.unit_alias(pg_temp.me('pla'), 'tppl', 'nada', 'N') $$, '{"outcome": "not_found", "error": "no_such_unit"}', 'an alias for nothing'),
    ($$ op.unit_alias(pg_temp.me('pla'), 'tppl', 'rrhh', ' ') $$, '{"error": "field_missing", "error_args": ["alias"]}', 'an empty alias'),

    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'ana', 'Ana Peña', 'ana@tppl.example', '{responsable,responsable}', '{DPD,"recursos humanos"}') $$,
     '{"outcome": "ok", "person": {"code": "ana", "name": "Ana Peña", "email": "ana@tppl.example", "roles": ["responsable"],
       "units": ["planificacion-y-desarrollo", "rrhh"], "keys": 0}}', 'a person of two units'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'ana', 'Ana Peña', 'ana@tppl.example', '{responsable}', '{rrhh,dpd}') $$,
     '{"outcome": "ok", "after": null}', 'the same person again'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'ana', 'Ana Peña', 'ana@otro.example', '{responsable}', '{rrhh,dpd}') $$,
     '{"outcome": "conflict", "error": "already_exists", "error_args": ["ana"], "after": null}', 'the same code, another address'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'luz', 'Luz', null, '{responsable}', '{nada}') $$,
     '{"outcome": "not_found", "error": "no_such_unit", "error_args": ["nada"]}', 'a unit that is none'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'luz', 'Luz', null, '{}', null) $$, '{"error": "field_missing", "error_args": ["roles"]}', 'no role'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'luz', 'Luz', null, '{invited}', null) $$, '{"error": "field_invalid", "error_args": ["roles"]}', 'invited is not a role to give'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'luz', 'Luz', null, '{viewer,admin}', null) $$,
     '{"outcome": "denied", "error": "grant_denied"}', 'a planner makes no administrator'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'luz', 'Luz', null, '{notifier}', null) $$, '{"outcome": "denied"}', 'nor a notifier'),
    ($$ op.person_add(pg_temp.me('jefe'), 'tppl', 'bot', 'Bot', null, '{notifier}', null) $$, '{"outcome": "ok"}', 'an administrator of the institution does'),
    ($$ op.person_add(pg_temp.me('pla'), 'tppl', 'luz', 'Luz', '', '{viewer}', null) $$,
     '{"outcome": "ok", "person": {"code": "luz", "name": "Luz", "email": null, "roles": ["viewer"], "units": [], "keys": 0}}', 'a person without address or unit')) c (call, expect, says);

select is(lib.email_ok(email), good, 'e-mail: ' || to_json(email)) from (values
    ('a@b', true), ('ana.peña+x@inm.gob.do', true), ('', false), ('a', false), ('a@b@c', false), ('@b', false), ('a@', false),
    (E'a@b\r\nBcc: c@d', false), ('a b@c', false), ('Ana <a@b>', false), ('a@b,c@d', false), (repeat('a', 253) || '@b', false)) e (email, good);

-- Invitations
select pg_temp.asks(call, expect, says) from (values
    ($$ (select i.institution, i.person, i.expires_at - now() as valid, i.outcome
           from op.person_invite(pg_temp.me('pla'), 'tppl', 'ana', decode(repeat('a1', 32), 'hex'), null) i) $$,
     '{"institution": "tppl", "person": "ana", "valid": "14 days", "outcome": "ok"}'::jsonb, 'an invitation is good for two weeks'),
    ($$ (select i.expires_at - now() as valid, i.outcome from op.person_invite(pg_temp.me('pla'), 'tppl', 'ana', decode(repeat('a2', 32), 'hex'), 3) i) $$,
     '{"valid": "3 days", "outcome": "ok"}', 'or as long as is said'),
    ($$ (select array_agg(k.why order by k.key) as whys from op.key_list(pg_temp.me('pla'), 'tppl', 'ana') l, unnest(l.keys) k) $$,
     '{"whys": ["replaced", null]}', 'a second one replaces the first'),
    ($$ op.person_invite(pg_temp.me('pla'), 'tppl', 'ana', decode(repeat('a2', 32), 'hex'), null) $$, '{"outcome": "conflict", "error": "key_taken"}', 'a key is registered once'),
    ($$ op.person_invite(pg_temp.me('pla'), 'tppl', 'ana', decode(repeat('a3', 31), 'hex'), null) $$,
     '{"error": "field_invalid", "error_args": ["invitation_key"]}', 'half a key'),
    ($$ op.person_invite(pg_temp.me('pla'), 'tppl', 'ana', null, null) $$, '{"error": "field_invalid", "error_args": ["invitation_key"]}', 'no key'),
    ($$ op.person_invite(pg_temp.me('pla'), 'tppl', 'ana', decode(repeat('a3', 32), 'hex'), 0) $$, '{"error": "field_invalid", "error_args": ["valid_days"]}', 'no time'),
    ($$ op.person_invite(pg_temp.me('pla'), 'tppl', 'nadie', decode(repeat('a3', 32), 'hex'), null) $$, '{"error": "no_such_person"}', 'nobody'),
    ($$ op.person_invite(pg_temp.me('pla'), 'tppl', 'jefe', decode(repeat('a3', 32), 'hex'), null) $$,
     '{"outcome": "denied", "error": "grant_denied"}', 'a planner gets no key of an administrator')) c (call, expect, says);

select id as invitation from road.key where public_key = decode(repeat('a2', 32), 'hex') \gset
select set_config('test.invitation', :'invitation', true) as invitation \gset
select pg_temp.asks(call, expect, says) from (values
    ($$ op."join"(pg_temp.me('ana'), current_setting('test.invitation')::bigint, decode(repeat('b1', 16), 'hex'), null) $$,
     '{"error": "field_invalid", "error_args": ["public_key"]}'::jsonb, 'joining with half a key'),
    ($$ op."join"(pg_temp.me('ana'), current_setting('test.invitation')::bigint, decode(repeat('a1', 32), 'hex'), null) $$,
     '{"outcome": "conflict", "error": "key_taken"}', 'joining with somebody''s key'),
    ($$ op."join"(pg_temp.me('ana'), current_setting('test.invitation')::bigint, decode(repeat('b1', 32), 'hex'), 'portátil') $$,
     '{"outcome": "ok", "person": "ana", "name": "Ana Peña", "institution": "tppl"}', 'joining'),
    ($$ (select array_agg(row(k.kind, k.label, k.why)::text order by k.key) as keys from op.key_list(pg_temp.me('pla'), 'tppl', 'ana') l, unnest(l.keys) k) $$,
     '{"keys": ["(invitation,,replaced)", "(invitation,,used)", "(person,portátil,)"]}', 'the invitation is spent'),
    ($$ (select (unnest(l.people)).keys from op.person_list(pg_temp.me('pla'), 'tppl') l limit 1) $$, '{"keys": 1}', 'a person''s keys that work'),
    ($$ (select array_agg(p.code) as codes from op.person_list(pg_temp.me('pla'), 'tppl') l, unnest(l.people) p) $$,
     '{"codes": ["ana", "bot", "jefe", "luz", "pla"]}', 'people, by name'),
    ($$ op.key_list(pg_temp.me('pla'), 'tppl', 'nadie') $$, '{"error": "no_such_person"}', 'keys of nobody'),
    ($$ (select w.person, w.roles, w.units, w.institution from op.whoami(pg_temp.me('ana'), current_setting('test.invitation')::bigint) w) $$,
     '{"person": "ana", "roles": ["invited"], "units": ["Planificación y Desarrollo", "Recursos Humanos"], "institution": "tppl"}', 'who holds an invitation'),
    ($$ op.unit_list(pg_temp.me('pla'), 'tppl') $$,
     '{"units": [{"code": "planificacion-y-desarrollo", "name": "Planificación y Desarrollo", "aliases": ["DPD"], "people": ["ana"], "provisional": false},
                 {"code": "rrhh", "name": "Recursos Humanos", "aliases": [], "people": ["ana"], "provisional": false}]}', 'the units and their people')) c (call, expect, says);

-- Revoking
update road.key k set revoked_at = now() from mejora.person p where p.id = k.person and p.institution = '*' and 'admin' = any (p.roles);
insert into road.key (public_key, person, kind)
select decode(md5(p.code) || md5(p.institution), 'hex'), p.id, 'person' from mejora.person p where p.code in ('tpplroot', 'jefe') and p.institution in ('*', 'tppl');
create function pg_temp.key(code text) returns bigint language sql as $$
    select max(k.id) from road.key k where k.person = pg_temp.me(code) and k.kind = 'person'
$$;
select pg_temp.asks(call, expect, says) from (values
    ($$ op.key_revoke(pg_temp.me('pla'), 'tppl', pg_temp.key('jefe'), 'x') $$, '{"outcome": "denied", "error": "grant_denied"}'::jsonb, 'a planner revokes no key of an administrator'),
    ($$ op.key_revoke(pg_temp.me('pla'), 'tppl', pg_temp.key('tpplroot'), 'x') $$, '{"outcome": "not_found", "error": "no_such_key"}', 'nor one of elsewhere'),
    ($$ (select r.person, r.outcome, r.revoked_at = now() as at_once from op.key_revoke(pg_temp.me('pla'), 'tppl', pg_temp.key('ana'), 'perdida') r) $$,
     '{"person": "ana", "outcome": "ok", "at_once": true}', 'a key is revoked'),
    ($$ op.key_revoke(pg_temp.me('pla'), 'tppl', pg_temp.key('ana'), 'otra vez') $$, '{"outcome": "ok", "after": null}', 'again: it is already'),
    ($$ (select (array_agg(k.why order by k.key desc))[1] as why from op.key_list(pg_temp.me('pla'), 'tppl', 'ana') l, unnest(l.keys) k) $$, '{"why": "perdida"}', 'the first reason stays'),
    ($$ op.key_revoke(pg_temp.me('tpplroot'), '*', pg_temp.key('tpplroot'), 'x') $$, '{"outcome": "conflict", "error": "last_admin_key"}', 'the last key of the system''s administrators stays'),
    ($$ op.key_revoke(pg_temp.me('tpplroot'), '*', pg_temp.key('jefe'), 'x') $$, '{"outcome": "ok"}', 'the system''s administrator revokes everywhere'),
    ($$ op.key_revoke(pg_temp.me('tpplroot'), '*', null, 'x') $$, '{"error": "no_such_key"}', 'no key')) c (call, expect, says);
insert into road.key (public_key, person, kind) values (decode(repeat('c1', 32), 'hex'), pg_temp.me('tpplroot'), 'person');
select pg_temp.asks($$ op.key_revoke(pg_temp.me('tpplroot'), '*', pg_temp.key('tpplroot'), 'x') $$, '{"outcome": "ok"}', 'one of two goes');

-- Row-level security
set local role mejora_server;
select set_config('mejora.institution', 'tpp2', true) as here \gset
select is((select count(*) from mejora.person where institution = 'tppl'), 0::bigint, 'from elsewhere its people are not seen');
select throws_ok($$ insert into mejora.unit (institution, unit, name) values ('tppl', 'x', 'X') $$, '42501', null, 'and nothing is written there');
reset role;

select * from finish();
rollback;
