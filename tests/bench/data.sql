-- Institution "bench": 64 departments with a person each, 200 plans of 448 actions whose owner is the department that their
-- number leaves as a remainder, and a plan of twenty. public_keys: one hex key a line, in the order of the departments.
select set_config('mejora.institution', '*', false);
create temporary table public_keys (n int generated always as identity, hex text);
\copy public_keys (hex) from pstdin
insert into mejora.institution values ('bench', 'Institución de medida');
insert into mejora.unit select 'bench', 'u' || n, 'Unidad ' || n from generate_series(1, 64) n;
insert into mejora.person (institution, code, name, roles)
select 'bench', 'p' || n, 'Persona ' || n, '{responsable}' from generate_series(1, 64) n;
insert into mejora.member (institution, person, unit)
select 'bench', id, 'u' || substr(code, 2) from mejora.person where institution = 'bench';
insert into road.key (public_key, person, kind)
select decode(k.hex, 'hex'), p.id, 'person' from public_keys k join mejora.person p on p.institution = 'bench' and p.code = 'p' || k.n;
insert into mejora.plan (institution, year, title)
select 'bench', year, 'Plan de Mejora ' || year from generate_series(1970, 2190) year where year <= 2169 or year = 2190;
insert into mejora.action (institution, plan, item_no, subcriteria, actions, objective, start_period, end_period, start_date, end_date)
select 'bench', p.year, n, '{4.1}', array['Elaborar el informe de seguimiento número ' || n], 'Dar seguimiento', 'T1-' || p.year,
       'T4-' || p.year, make_date(p.year, 1, 1), make_date(p.year, 12, 31)
  from mejora.plan p, generate_series(1, 448) n
 where p.institution = 'bench' and (p.year <= 2169 or n <= 20);
insert into mejora.action_owner (institution, plan, item_no, unit, position)
select 'bench', plan, item_no, 'u' || 1 + (item_no - 1) % 64, 0 from mejora.action where institution = 'bench';
insert into mejora.task (institution, plan, item_no, task_no, text)
select 'bench', 2190, n, t, 'Tarea ' || t from generate_series(1, 20) n, generate_series(1, 4) t;
vacuum analyze;
