-- People and their time: who stands for a unit and from when to when, who is away, who left; whom a reminder goes to
-- next; and what a plan as a whole owes by when.

create type mejora.post_kind as enum ('holder', 'deputy', 'secretary');
create type mejora.hears_as as enum ('secretary', 'holder', 'deputy', 'member', 'manager', 'planner', 'authority');
create type mejora.reminder_kind as enum ('term', 'silence', 'escalation', 'deadline');
create type mejora.ask as enum ('report', 'evidence');

alter table mejora.unit
    add email text,                                               -- of the unit: for who stands for it and has none
    add parent mejora.code,                                       -- the unit above it
    add manager int references mejora.person;                     -- or the person above it
alter table mejora.unit add foreign key (institution, parent) references mejora.unit on update cascade;
alter table mejora.person add last_day date;                      -- who left gets no mail from the day after on
-- a task, an edit, a comment, an acknowledgement; reports have rows
alter table mejora.action add touched_on date;

-- who stands for a unit; the last of each kind by its first day
create table mejora.post (
    institution mejora.code not null,
    unit        mejora.code not null,
    kind        mejora.post_kind not null,
    first_day   date not null,
    last_day    date check (last_day >= first_day),               -- null: until somebody follows
    person      int not null references mejora.person,
    primary key (institution, unit, kind, first_day),
    foreign key (institution, unit) references mejora.unit on update cascade
);
create index on mejora.post (person);
create table mejora.absence (
    institution mejora.code not null references mejora.institution,
    person      int not null references mejora.person,
    first_day   date not null,
    last_day    date not null check (last_day >= first_day),
    why         text,
    primary key (institution, person, first_day)
);
create table mejora.deadline (                                    -- of a plan itself: by when it owes what
    institution mejora.code not null,
    plan        int not null,
    name        text not null,
    due_on      date not null,
    points      text,                                             -- at stake, as people say it
    done_on     date,
    primary key (institution, plan, name),
    foreign key (institution, plan) references mejora.plan
);

alter table mejora.reminder_policy
    add escalation text not null default '',                      -- deputy:5,manager:10: working days without activity
    add silent_weeks int not null default 0 check (silent_weeks between 0 and 52),   -- 0: silence is not asked about
    add asks mejora.ask[] not null default '{report,evidence}';

alter table mejora.reminder_pause add held boolean not null default false,   -- by the server: the database was restored
                                  alter person drop not null;

-- A reminder is of an action, or with item_no 0 of the deadlines of its plan on the day `base`. It counts from there:
-- base is the last report (silence), the end or the last activity (escalation); of a term nothing, since dates_version
-- says it.
alter table mejora.reminder
    add kind mejora.reminder_kind not null default 'term',
    add base date not null default '-infinity',
    add unit mejora.code,                                         -- for which the person hears of it
    add hears_as mejora.hears_as;
alter table mejora.reminder
    drop constraint reminder_pkey, drop constraint reminder_institution_plan_item_no_fkey,
    add primary key (institution, plan, item_no, kind, base, rule, dates_version, person),
    add foreign key (institution, plan) references mejora.plan;

-- which state directories' servers know this database, and as which
create table road.home (
    mark  text not null,
    place text not null,
    since timestamptz not null default now(),
    primary key (mark, place)
);

do $$
declare
    t text;
begin
    foreach t in array array['post', 'absence', 'deadline'] loop
        execute format('alter table mejora.%I enable row level security', t);
        execute format('create policy own_institution on mejora.%I using (institution = mejora.here() or mejora.sees_all())', t);
    end loop;
end $$;
grant delete on mejora.post, mejora.absence, mejora.deadline to mejora_server;    -- what was said by mistake
