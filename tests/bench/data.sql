-- Institution "bench": 64 departments with a person each, 128 plans of 448 actions whose owner is the department that their
-- number leaves as a remainder, and 64 plans of twenty. Beside it :institutions more, i1, i2 …, of one plan with 100 actions
-- each, on which 64 planners of the whole system report. public_keys: one hex key a line: 64 of the departments, 64 of
-- those planners, and any number more, of the departments again.
select set_config('mejora.institution', '*', false);
create temporary table public_keys (n int generated always as identity, hex text);
\copy public_keys (hex) from pstdin
insert into mejora.institution values ('bench', 'Institución de medida');
insert into mejora.unit select 'bench', 'u' || n, 'Unidad ' || n from generate_series(1, 64) n;
insert into mejora.person (institution, code, name, roles)
select 'bench', 'p' || n, 'Persona ' || n, '{responsable}' from generate_series(1, 64) n;
insert into mejora.person (institution, code, name, roles)
select '*', 'p' || n, 'Planificadora ' || n, '{planner}' from generate_series(1, 64) n;
insert into mejora.member (institution, person, unit)
select 'bench', id, 'u' || substr(code, 2) from mejora.person where institution = 'bench';
insert into road.key (public_key, person, kind)
select decode(k.hex, 'hex'), p.id, 'person'
  from public_keys k
  join mejora.person p on (p.institution, p.code) = (case when k.n between 65 and 128 then '*' else 'bench' end, 'p' || 1 + (k.n - 1) % 64)
 order by k.n;
insert into mejora.plan (institution, year, title)
select 'bench', year, 'Plan de Mejora ' || year from generate_series(1970, 2163) year where year < 1970 + 128 or year >= 2100;
insert into mejora.action (institution, plan, item_no, subcriteria, actions, objective, start_period, end_period, start_date, end_date)
select 'bench', p.year, n, '{4.1}', array['Elaborar el informe de seguimiento número ' || n], 'Dar seguimiento', 'T1-' || p.year,
       'T4-' || p.year, make_date(p.year, 1, 1), make_date(p.year, 12, 31)
  from mejora.plan p, generate_series(1, 448) n
 where p.institution = 'bench' and (p.year < 2100 or n <= 20);
insert into mejora.action_owner (institution, plan, item_no, unit, position)
select 'bench', plan, item_no, 'u' || 1 + (item_no - 1) % 64, 0 from mejora.action where institution = 'bench';
insert into mejora.task (institution, plan, item_no, task_no, text)
select 'bench', year, n, t, 'Tarea ' || t from generate_series(2100, 2163) year, generate_series(1, 20) n, generate_series(1, 4) t;

insert into mejora.institution select 'i' || i, 'Institución ' || i from generate_series(1, :institutions) i;
insert into mejora.unit select 'i' || i, 'planificacion', 'Planificación' from generate_series(1, :institutions) i;
insert into mejora.plan (institution, year, title) select 'i' || i, 2026, 'Plan de Mejora' from generate_series(1, :institutions) i;
insert into mejora.action (institution, plan, item_no, subcriteria, actions, objective, start_period, end_period, start_date, end_date)
select 'i' || i, 2026, n, '{4.1}', array['Elaborar el informe de seguimiento número ' || n], 'Dar seguimiento', 'T1-2026', 'T4-2026',
       '2026-01-01', '2026-12-31'
  from generate_series(1, :institutions) i, generate_series(1, 100) n;
insert into mejora.action_owner (institution, plan, item_no, unit, position)
select 'i' || i, 2026, n, 'planificacion', 0 from generate_series(1, :institutions) i, generate_series(1, 100) n;
vacuum analyze;
