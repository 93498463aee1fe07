-- Civil dates and the clock: daylight saving, leap days, clocks that jump and an institution that changes its time zone. A worker
-- comes every quarter of an hour; each reminder goes out once, on its day of the institution, from its hour on.
begin;
select plan(17);

create function pg_temp.clock(at timestamptz) returns void language sql as $$ select set_config('mejora.now', at::text, true) $$;
select set_config('mejora.institution', '*', true) as here \gset

-- An institution with an action that starts and ends on two days, its reminders at an hour of both
create function pg_temp.make(code text, zone text, hour int, start_date date, end_date date, now timestamptz) returns void
language plpgsql as $$
begin
    perform pg_temp.clock(now), set_config('mejora.institution', '*', true);
    insert into mejora.institution values (code, code, zone);
    insert into mejora.person (institution, code, name, email, roles) values (code, 'ana', 'Ana', 'ana@example.org', '{responsable}');
    insert into mejora.unit (institution, unit, name) values (code, 'ti', 'TI');
    insert into mejora.member (institution, person, unit) select code, lib.person_find(code, 'ana'), 'ti';
    insert into mejora.reminder_policy (institution, days_before, days_after_start, overdue_every, hour) values (code, '{2,1,0}', '{0}', 7, hour);
    insert into mejora.plan (institution, year, title) values (code, 2026, 'Plan');
    insert into mejora.action (institution, plan, item_no, title, actions, start_period, end_period, start_date, end_date)
    values (code, 2026, 1, 'Uno', '{a}', 'x', 'y', start_date, end_date);
    insert into mejora.action_owner values (code, 2026, 1, 'ti', 0);
    perform lib.reminders_refresh(code, null, null);
end $$;
create function pg_temp.walk(code text, first timestamptz, last timestamptz) returns void language plpgsql as $$
declare
    m op.mail;
    at timestamptz;
begin
    perform set_config('mejora.institution', code, true);
    for at in select generate_series(first, last, '15 min') loop
        perform pg_temp.clock(at);
        for m in select x.* from op.reminder_lease(1, code, 10, null), unnest(mails) x loop
            perform op.reminder_report(1, code, m.mail, m.token, 'sent', 250, null, null);
        end loop;
    end loop;
end $$;
-- What went out: rule, and when by the institution's clock
create function pg_temp.sent(code text) returns text language sql as $$
    select string_agg(r.rule || ' ' || to_char(m.ended_at at time zone i.time_zone, 'MM-DD HH24:MI'), ', ' order by m.ended_at, r.rule)
      from mejora.reminder r join mejora.mail m on m.mail = r.mail join mejora.institution i on i.institution = r.institution
     where (r.institution, r.state) = (code, 'sent')
$$;

-- zone, hour, start, end, from, to
create temp table walk as
select * from (values
    ('gap',   'Europe/Madrid',         2, date '2026-03-29', date '2026-03-31', timestamptz '2026-03-28 00:00+00', timestamptz '2026-03-31 12:00+00',
     '-2 03-29 03:00, -1 03-30 02:00, 0 03-31 02:00', 'an hour that the night of spring has not'),
    ('twice', 'Europe/Madrid',         2, '2026-10-25', '2026-10-26', '2026-10-23 12:00+00', '2026-10-26 12:00+00',
     '-2 10-24 02:00, -1 10-25 02:00, 0 10-26 02:00', 'an hour that the night of autumn has twice'),
    ('nomid', 'America/Havana',        0, '2026-03-08', '2026-03-09', '2026-03-06 12:00+00', '2026-03-09 12:00+00',
     '-2 03-07 00:00, -1 03-08 01:00, 0 03-09 00:00', 'a day without midnight'),
    ('leap',  'America/Santo_Domingo', 8, '2028-02-28', '2028-02-29', '2028-02-26 12:00+00', '2028-03-08 12:00+00',
     '-2 02-27 08:00, -1 02-28 08:00, 0 02-29 08:00, 7 03-07 08:00', 'a leap day'),
    ('skip',  'Pacific/Apia',          8, '2011-12-28', '2011-12-31', '2011-12-27 12:00+00', '2012-01-01 12:00+00',
     '-3 12-28 08:00, -2 12-29 08:00, 0 12-31 08:00', 'a zone that left out a day: what fell on it gives way to the next')
  ) w (code, zone, hour, start_date, end_date, first, last, expect, what);
select count(pg_temp.make(code, zone, hour, start_date, end_date, first)) as made from walk \gset
select count(pg_temp.walk(code, first, last)) as walked from walk \gset
select is(pg_temp.sent(w.code), w.expect, w.what) from walk w;

-- The clock jumps: back by some hours, back over midnight, and then three days ahead
select pg_temp.make('jump', 'America/Santo_Domingo', 8, '2026-05-01', '2026-06-10', '2026-06-07 12:00+00') as made \gset
select pg_temp.walk('jump', '2026-06-08 10:00+00', '2026-06-08 14:00+00') as walked \gset
select is(pg_temp.sent('jump'), '-2 06-08 08:00', 'before it jumps');
select pg_temp.walk('jump', '2026-06-08 11:00+00', '2026-06-08 15:00+00') as walked \gset
select is(pg_temp.sent('jump'), '-2 06-08 08:00', 'the same hour again');
select pg_temp.walk('jump', '2026-06-07 23:00+00', '2026-06-09 11:45+00') as walked \gset
select is(pg_temp.sent('jump'), '-2 06-08 08:00', 'the same day again');
select pg_temp.walk('jump', '2026-06-11 12:00+00', '2026-06-11 14:00+00') as walked \gset
select is(pg_temp.sent('jump'), '-2 06-08 08:00, 0 06-11 08:00', 'ahead: what was jumped over comes once, the latest of it');
select pg_temp.walk('jump', '2026-06-09 12:00+00', '2026-06-11 14:00+00') as walked \gset
select is(pg_temp.sent('jump'), '-2 06-08 08:00, 0 06-11 08:00', 'back to before that: nothing comes twice');
select pg_temp.walk('jump', '2026-06-17 12:00+00', '2026-06-17 14:00+00') as walked \gset
select is(pg_temp.sent('jump'), '-2 06-08 08:00, 0 06-11 08:00, 7 06-17 08:00', 'and time goes on');

-- The institution is in another zone from one moment to the next: half the world ahead, then behind
select pg_temp.make('zone', 'America/Santo_Domingo', 8, '2026-05-01', '2026-06-10', '2026-06-07 12:00+00') as made \gset
select pg_temp.walk('zone', '2026-06-08 00:00+00', '2026-06-08 16:00+00') as walked \gset
select is(pg_temp.sent('zone'), '-2 06-08 08:00', 'in Santo Domingo');
select is(outcome::text || ' ' || (after ->> 'time_zone'), 'ok Pacific/Auckland', 'moves') from op.institution_set(1, 'zone', null, 'Pacific/Auckland', null);
select pg_temp.walk('zone', '2026-06-08 16:15+00', '2026-06-09 10:00+00') as walked \gset
select is(pg_temp.sent('zone'), '-2 06-09 00:00', 'that day there has had its mail');
select pg_temp.walk('zone', '2026-06-09 10:15+00', '2026-06-09 21:00+00') as walked \gset
select is(pg_temp.sent('zone'), '-2 06-09 00:00, 0 06-10 08:00', 'the last day is told on its morning');
select is(outcome::text, 'ok', 'moves back') from op.institution_set(1, 'zone', null, 'Pacific/Honolulu', null);
select pg_temp.walk('zone', '2026-06-09 21:15+00', '2026-06-16 20:00+00') as walked \gset
select is(pg_temp.sent('zone'), '-2 06-08 02:00, 0 06-09 10:00', 'the same days come again and nothing with them');
select * from finish();
rollback;
