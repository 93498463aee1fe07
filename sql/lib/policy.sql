-- When reminders go out: the policy of a plan, or its institution's, or the default. Each stands whole, so what a plan
-- has of its own does not change with the institution's. plan 0 asks for the institution's; plan -1 is the default.
create function lib.policy(institution text, plan int)
returns table (plan int, days_before int[], days_after_start int[], overdue_every int, hour int, working_days boolean,
               escalation text, silent_weeks int, asks mejora.ask[])
stable language sql as $$
    select y.plan, y.days_before, y.days_after_start, y.overdue_every, y.hour, y.working_days, y.escalation,
           y.silent_weeks, y.asks
      from (select p.plan, p.days_before, p.days_after_start, p.overdue_every, p.hour, p.working_days, p.escalation,
                   p.silent_weeks, p.asks
              from mejora.reminder_policy p
             where p.institution = policy.institution and p.plan in (0, policy.plan)
            union all
            select -1, '{30,15,7,3,1,0}', '{0}', 7, 8, false, 'deputy:5,manager:10,planner:15,authority:20', 0,
                   '{report,evidence}') y
     order by y.plan desc limit 1
$$;

create function lib.paused(institution text, plan int) returns boolean stable language plpgsql as $$
begin
    return exists (select from mejora.reminder_pause z
                    where z.institution = paused.institution and z.plan in (0, paused.plan));
end $$;

-- Days as people write them: 30,15,7 largest first and once each. Null: that is not what this is.
create function lib.days_read(days text) returns int[] immutable language sql as $$
    select case when days ~ '^\s*$' then '{}'::int[]
                when days ~ '^\s*\d{1,3}(\s*,\s*\d{1,3}){0,19}\s*$' then
                    (select case when max(d::int) <= 366 then array_agg(distinct d::int order by d::int desc) end
                       from regexp_split_to_table(days, ',') d) end
$$;

-- The steps of an escalation and after how many working days each comes.
create function lib.escalation(escalation text) returns table (step mejora.hears_as,
    days int) immutable language sql as $$
    select split_part(s, ':', 1)::mejora.hears_as, split_part(s, ':', 2)::int 
      from unnest(string_to_array(escalation, ',')) s
$$;

-- The same as people write it, also in Spanish: in the order of the days. Null: that is not what this is.
create function lib.escalation_read(escalation text) returns text immutable strict language sql as $$
    select case when count(*) = count(t.step) and count(*) = count(distinct t.step)
                then coalesce(string_agg(t.step || ':' || t.days, ',' order by t.days, t.step), '') end
      from (select w.step, case when m[2]::int between 1 and 250 then m[2]::int end as days
              from regexp_split_to_table(nullif(btrim(escalation), ''), '\s*,\s*') part
              left join lateral regexp_match(lib.fold(part), '^([a-z]+)\s*:\s*(\d{1,3})$') m on true
              left join (values ('deputy', 'deputy'::mejora.hears_as), ('suplente', 'deputy'), ('manager', 'manager'),
                                ('superior', 'manager'), ('planner', 'planner'), ('planificacion', 'planner'),
                                ('authority', 'authority'), ('autoridad', 'authority')) w (word, step)
                on w.word = m[1] and m[2]::int between 1 and 250) t
$$;

-- What is asked for, by name. Null: that is not what this is.
create function lib.asks_read(asks text) returns mejora.ask[] immutable strict language sql as $$
    select case when count(*) = count(w.ask)
                then coalesce(array_agg(distinct w.ask order by w.ask) filter (where w.ask is not null), '{}') end
      from regexp_split_to_table(nullif(btrim(asks), ''), '\s*,\s*') part
      left join (values ('report', 'report'::mejora.ask), ('reporte', 'report'), ('informe', 'report'),
                        ('evidence', 'evidence'), ('evidencia', 'evidence')) w (word, ask) on w.word = lib.fold(part)
$$;
