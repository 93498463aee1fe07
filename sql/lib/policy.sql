-- When reminders go out: the policy of a plan, or its institution's, or the default. Each stands whole, so what a plan
-- has of its own does not change with the institution's. plan 0 asks for the institution's; plan -1 is the default.
create function lib.policy(institution text, plan int)
returns table (plan int, days_before int[], days_after_start int[], overdue_every int, hour int, working_days boolean)
stable language sql as $$
    select y.plan, y.days_before, y.days_after_start, y.overdue_every, y.hour, y.working_days
      from (select p.plan, p.days_before, p.days_after_start, p.overdue_every, p.hour, p.working_days
              from mejora.reminder_policy p
             where p.institution = policy.institution and p.plan in (0, policy.plan)
            union all
            select -1, '{30,15,7,3,1,0}', '{}', 7, 8, false) y
     order by y.plan desc limit 1
$$;

create function lib.paused(institution text, plan int) returns boolean stable language sql as $$
    select exists (select from mejora.reminder_pause z
                    where z.institution = paused.institution and z.plan in (0, paused.plan))
$$;

-- Days as people write them: 30,15,7 largest first and once each. Null: that is not what this is.
create function lib.days_read(days text) returns int[] immutable language sql as $$
    select case when days ~ '^\s*$' then '{}'::int[]
                when days ~ '^\s*\d{1,3}(\s*,\s*\d{1,3}){0,19}\s*$' then
                    (select case when max(d::int) <= 366 then array_agg(distinct d::int order by d::int desc) end
                       from regexp_split_to_table(days, ',') d) end
$$;
