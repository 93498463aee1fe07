-- A policy for a plan beside the institution's (plan 0), reminders at the start, working days; and pauses.

alter table mejora.reminder_policy
    add plan int not null default 0,                              -- 0: every plan that has none of its own
    add days_after_start int[] not null default '{}',
    add working_days boolean not null default false;
alter table mejora.reminder_policy drop constraint reminder_policy_pkey, add primary key (institution, plan);
grant delete on mejora.reminder_policy to mejora_server;          -- back to the one it stood in for

create table mejora.reminder_pause (                              -- while there is a row nothing goes out
    institution mejora.code not null references mejora.institution,
    plan        int not null default 0,                           -- 0: the whole institution
    at          timestamptz not null default now(),
    person      int not null references mejora.person,
    why         text,
    primary key (institution, plan)
);
alter table mejora.reminder_pause enable row level security;
create policy own_institution on mejora.reminder_pause using (institution = mejora.here() or mejora.sees_all());
grant delete on mejora.reminder_pause to mejora_server;
