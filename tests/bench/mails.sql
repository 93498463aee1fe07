-- So many people (:people), 50 to an institution, each with a unit and an action of which a reminder is due today.
insert into mejora.institution (institution, name) select 'b' || n, 'Institución ' || n from generate_series(1, :people / 50) n;
insert into mejora.unit (institution, unit, name) select 'b' || n, 'u' || p, 'Unidad ' || p from generate_series(1, :people / 50) n, generate_series(1, 50) p;
insert into mejora.person (institution, code, name, email, roles)
select 'b' || n, 'p' || p, 'Persona ' || p || ' Peña', 'p' || p || '.b' || n || '@example.do', '{responsable}'
  from generate_series(1, :people / 50) n, generate_series(1, 50) p;
insert into mejora.member (institution, person, unit) select institution, id, 'u' || substr(code, 2) from mejora.person where institution ~ '^b\d';
insert into mejora.plan (institution, year, title) select institution, 2026, 'Plan' from mejora.institution where institution ~ '^b\d';
insert into mejora.action (institution, plan, item_no, title, actions, indicator, start_period, end_period, start_date, end_date)
select 'b' || n, 2026, p, 'Señalizar la sede', '{a}', 'Informe', 'T1-2026', 'T2-2026', '2026-01-01', '2026-06-30'
  from generate_series(1, :people / 50) n, generate_series(1, 50) p;
insert into mejora.action_owner select institution, plan, item_no, 'u' || item_no, 0 from mejora.action where institution ~ '^b\d';
set mejora.institution = '*';
set mejora.now = '2026-06-27 15:00+00';
select count(lib.reminders_refresh(institution, null, null)) as refreshed from mejora.institution where institution ~ '^b\d';
analyze;
