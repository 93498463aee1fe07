-- Two people at one action at the same moment: the second knows the versions from before the first. They conflict when both change
-- the same group of fields, and never otherwise; what the program does by itself disturbs nobody.
begin;
create temp table kind (kind text, "group" text, calls text);            -- group: what it conflicts with; null: nothing
insert into kind values
    ('texts',    'text',     $$ op.action_edit(%1$s, 'tpar', 2026, %2$s, null, null, null, %3$L, null, null, null, null, null, null, null, null,
                                               %4$s, %5$s, %6$s, null) $$),
    ('dates',    'dates',    $$ op.action_edit(%1$s, 'tpar', 2026, %2$s, null, null, null, null, null, null, null, '2026-02-0%7$s', null, null, null, null,
                                               %4$s, %5$s, %6$s, null) $$),
    ('owners',   'owners',   $$ op.action_edit(%1$s, 'tpar', 2026, %2$s, null, null, null, null, null, null, null, null, null, null, null, array['u%7$s'],
                                               %4$s, %5$s, %6$s, null) $$),
    ('comment',  null,       $$ op.action_edit(%1$s, 'tpar', 2026, %2$s, null, null, null, null, null, null, array[%3$L], null, null, null, null, null,
                                               %4$s, %5$s, %6$s, null) $$),
    ('report',   'progress', $$ op.progress_report(%1$s, 'tpar', 2026, %2$s, 25 + 25 * %7$s, null, null, %8$s) $$),
    ('evidence', null,       $$ op.progress_report(%1$s, 'tpar', 2026, %2$s, null, null, %3$L, %8$s) $$),
    ('task',     null,       $$ op.task_done(%1$s, 'tpar', 2026, %2$s, %7$s, null, null) $$),
    ('program',  null,       $$ (select 'ok'::mejora.outcome as outcome, lib.reminders_refresh('tpar', 2026, %2$s)::text, lib.housekeeping(),
                                        lib.mails_lease(100, '1 minute')) p $$);

insert into mejora.institution values ('tpar', 'Instituto de Prueba', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) values ('tpar', 'u0', 'Cero'), ('tpar', 'u1', 'Uno'), ('tpar', 'u2', 'Dos');
insert into mejora.person (institution, code, name, email, roles) values ('tpar', 'ana', 'Ana', 'a@x.do', '{planner}'), ('tpar', 'luz', 'Luz', 'l@x.do', '{planner}');
insert into mejora.member (institution, person, unit) select institution, id, 'u0' from mejora.person where institution = 'tpar';
insert into mejora.plan (institution, year, title) values ('tpar', 2026, 'Plan');
create temp table pair as
select row_number() over ()::int as item, f.kind as first, s.kind as second, f.calls as first_calls, s.calls as second_calls,
       case when f."group" = s."group" then 'conflict' else 'ok' end::mejora.outcome as expected
  from kind f, kind s;
insert into mejora.action (institution, plan, item_no, actions, start_period, end_period, start_date, end_date)
select 'tpar', 2026, item, '{a}', 'T1-2026', 'T4-2026', '2026-01-01', '2026-12-31' from pair;
insert into mejora.action_owner select 'tpar', 2026, item, 'u0', 0 from pair;
insert into mejora.task (institution, plan, item_no, task_no, text) select 'tpar', 2026, item, t, 'Tarea' from pair, generate_series(1, 2) t;
insert into mejora.progress (institution, plan, item_no, version, person, percent)
select 'tpar', 2026, item, 1, (select id from mejora.person where (institution, code) = ('tpar', 'ana')), 25 from pair;
select set_config('mejora.institution', 'tpar', true) as here, set_config('mejora.now', '2026-12-10 16:00+00', true) as now \gset

create function pg_temp.versions(item int) returns op.versions language sql as $$
    select a.versions from lib.actions('tpar', 2026, item, '2026-12-10') a
$$;
-- What `who`, the first or second, gets who has seen these versions.
create function pg_temp.does(calls text, item int, who int, v op.versions) returns mejora.outcome language plpgsql as $$
declare
    got mejora.outcome;
begin
    execute 'select outcome from ' || format(calls, (select id from mejora.person where institution = 'tpar' and code = (array['ana','luz'])[who]), item,
                                             'de ' || who, v.text, v.dates, v.owners, who, v.progress) into got;
    return got;
end $$;

select plan((select count(*)::int from pair) + 2);
create temp table got (item int, seen op.versions, between op.versions, first mejora.outcome, second mejora.outcome);
do $$
declare
    p pair;
    v op.versions;
    one mejora.outcome;
    between_ op.versions;
begin
    for p in select * from pair order by item loop
        v := pg_temp.versions(p.item);
        one := pg_temp.does(p.first_calls, p.item, 1, v);
        between_ := pg_temp.versions(p.item);
        insert into got values (p.item, v, between_, one, pg_temp.does(p.second_calls, p.item, 2, v));
    end loop;
end $$;
select is(g.first || ', then ' || g.second, 'ok, then ' || p.expected, p.first || ', then ' || p.second)
  from pair p join got g using (item) order by item;
select ok(bool_and(g.seen = g.between), 'what the program does by itself changes no version')
  from pair p join got g using (item) where p.first = 'program';
select ok((select count(*) from mejora.reminder where institution = 'tpar') > 0, 'and it did something');
select * from finish();
rollback;
