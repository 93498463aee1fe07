-- Working days. The holidays themselves are compared with another computation in tests/client/holidays.py.
begin;
select plan(13);

insert into mejora.institution values ('tcal', 'Instituto de Prueba'), ('tca2', 'Otro');
insert into mejora.holiday values ('tcal', '2026-12-24', 'Nochebuena');
select set_config('mejora.institution', 'tcal', true) as here \gset

select is(lib.is_working_day(c.institution, c.day), c.works, 'works: ' || c.what)
  from (values ('tcal', date '2026-11-20', true, 'a Friday'), ('tcal', '2026-11-21', false, 'a Saturday'),
               ('tcal', '2026-11-22', false, 'a Sunday'), ('tcal', '2026-11-09', false, 'where a holiday was moved to'),
               ('tcal', '2026-11-06', true, 'where it was moved from'), ('tcal', '2026-12-24', false, 'an own holiday'),
               ('tca2', '2026-12-24', true, 'another''s')) c (institution, day, works, what);
select is(lib.working_days_after('tcal', c.day, c.days), c.expect, 'days: ' || c.what)
  from (values (date '2026-11-06', 0, date '2026-11-06', 'none'), ('2026-11-06', 1, '2026-11-10', 'over a long weekend'),
               ('2026-11-10', -1, '2026-11-06', 'and back'), ('2026-12-23', 2, '2026-12-29', 'two holidays and a weekend'),
               ('2026-12-31', 3, '2027-01-07', 'into the next year'),
               ('2026-04-04', -2, '2026-04-01', 'from a Saturday, over Good Friday')) c (day, days, expect, what);

select * from finish();
rollback;
