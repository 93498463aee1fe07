-- Tables. Every one is keyed by the institution first: it is the tenant, the unit of row-level security, and what one would
-- distribute by. Keys are the natural ones that people say (inm/2023/12), so an operation finds a row without a join and
-- the audit trail stays readable when what it speaks of is gone.
--
-- Nothing derived is stored: percentages are the last row of mejora.progress, states come from lib.action_state.
-- Nothing here may use a type or function of schemas op and lib: those are dropped and made again with every release.

create schema mejora;
create schema road;

create domain mejora.code as text collate "C" check (value ~ '^[a-z0-9][a-z0-9-]{0,62}$' or value = '*');
create domain mejora.percent as int check (value in (0, 25, 50, 75, 100)); -- a domain: a table's CHECK is parsed anew by every statement

create type mejora.role as enum ('admin', 'planner', 'responsable', 'authority', 'auditor', 'viewer', 'notifier', 'invited');
create type mejora.key_kind as enum ('person', 'invitation');
create type mejora.plan_state as enum ('draft', 'approved', 'carried');
create type mejora.decision_state as enum ('open', 'accepted', 'kept');
create type mejora.state as enum ('not_reported', 'not_started', 'in_progress', 'due_soon', 'overdue', 'done', 'done_late', 'annulled');
create type mejora.note_kind as enum ('repaired', 'to_decide', 'refused', 'hint');
create type mejora.reminder_state as enum ('pending', 'leased', 'sent', 'cancelled', 'failed');
create type mejora.mail_outcome as enum ('sent', 'later', 'never', 'unknown');
create type mejora.audit_outcome as enum ('ok', 'refused');
create type mejora.outcome as enum ('ok', 'invalid', 'denied', 'not_found', 'conflict', 'id_reused', 'busy', 'unavailable',
                                    'unsupported', 'too_large', 'internal');

-- The catalogue, from sql/data
create table mejora.caf2020 (kind text, number text collate "C", criterion int, title_es text, variants text, title_en text,
                             title_es_2013 text, primary key (kind, number));
create table mejora.units (name text primary key, aliases text);  -- generally known ones, aliases separated by |

create table mejora.institution (
    institution mejora.code primary key,
    name        text not null,
    time_zone   text not null default 'America/Santo_Domingo',
    created_at  timestamptz not null default now()
);
insert into mejora.institution values ('*', 'Mejora');            -- home of the people of the whole system

create table mejora.unit (
    institution mejora.code not null references mejora.institution,
    unit        mejora.code not null,
    name        text not null,
    provisional boolean not null default false,                   -- read from a plan and not yet confirmed by anybody
    primary key (institution, unit)
);
create table mejora.unit_alias (
    institution mejora.code not null,
    alias       text not null,                                    -- folded: lower case, no accents
    unit        mejora.code not null,
    written     text not null,
    primary key (institution, alias),
    foreign key (institution, unit) references mejora.unit on update cascade
);
create table mejora.person (
    id          int generated always as identity primary key,
    institution mejora.code not null references mejora.institution,
    code        mejora.code not null,
    name        text not null,
    email       text,
    language    text not null default 'es' check (language in ('es', 'en')),
    roles       mejora.role[] not null,
    unique (institution, code)
);
create table mejora.member (
    institution mejora.code not null,
    person      int not null references mejora.person,
    unit        mejora.code not null,
    since       timestamptz not null default now(),
    primary key (institution, person, unit),
    foreign key (institution, unit) references mejora.unit on update cascade
);
create index on mejora.member (institution, unit);

create table road.key (
    id          bigint generated always as identity primary key,
    public_key  bytea not null unique check (length(public_key) = 32),   -- CURVE
    person      int not null references mejora.person,
    kind        mejora.key_kind not null,
    label       text,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz,
    revoked_at  timestamptz,
    why         text
);
create index on road.key (person);

create table mejora.plan (
    institution mejora.code not null references mejora.institution,
    year        int not null check (year between 1970 and 2199),
    title       text not null,
    caf         int not null default 2020,
    t_means     text not null default 'quarter' check (t_means in ('quarter', 'four_months')),
    approved_at timestamptz,
    approved_by int references mejora.person,
    carried_to  int,
    signatures  jsonb not null default '[]',
    primary key (institution, year)
);
create table mejora.action (
    institution       mejora.code not null,
    plan              int not null,
    item_no           int not null check (item_no > 0),
    subcriteria       text[] not null default '{}',               -- the first is the primary one; the criterion follows from it
    improvement_areas text[] not null default '{}',
    caf_example_no    int,
    title             text,
    actions           text[] not null default '{}',
    objective         text,
    start_period      text not null,
    end_period        text not null,
    start_date        date not null,
    end_date          date not null check (end_date >= start_date),
    resources         text[] not null default '{}',
    indicator         text,
    owner_text        text,                                       -- the cell, as written
    comments          text[] not null default '{}',
    text_version      int not null default 1,
    dates_version     int not null default 1,
    owners_version    int not null default 1,
    annulled_at       timestamptz,
    annulled_why      text,
    carried_from      int,                                        -- the same item_no of that year's plan
    line              int,                                        -- of the file it was read from
    primary key (institution, plan, item_no),
    foreign key (institution, plan) references mejora.plan
);
create index on mejora.action (institution, end_date) where annulled_at is null;
create table mejora.action_owner (
    institution mejora.code not null,
    plan        int not null,
    item_no     int not null,
    unit        mejora.code not null,
    position    int not null,                                     -- 0 leads
    primary key (institution, plan, item_no, unit),
    foreign key (institution, plan, item_no) references mejora.action,
    foreign key (institution, unit) references mejora.unit on update cascade
);
create index on mejora.action_owner (institution, unit);
create table mejora.task (
    institution mejora.code not null,
    plan        int not null,
    item_no     int not null,
    task_no     int not null,
    printed_no  text,
    text        text not null,
    done_at     timestamptz,
    done_by     int references mejora.person,
    primary key (institution, plan, item_no, task_no),
    foreign key (institution, plan, item_no) references mejora.action
);
create table mejora.progress (                                    -- what was reported; never updated
    institution mejora.code not null,
    plan        int not null,
    item_no     int not null,
    version     int not null,
    at          timestamptz not null default now(),
    person      int not null,
    percent     mejora.percent not null,
    why         text,
    evidence    text,
    primary key (institution, plan, item_no, version)
);
create table mejora.follow_up (                                   -- the follow-up table's row, as it stood there
    institution mejora.code not null,
    plan        int not null,
    item_no     int not null,
    line        int,
    action_text text,
    tasks_text  text,
    owner_text  text,
    result      text,
    comments    text,
    primary key (institution, plan, item_no),
    foreign key (institution, plan, item_no) references mejora.action
);

create table mejora.import (
    institution mejora.code not null,
    plan        int not null,
    import      int not null,
    at          timestamptz not null default now(),
    person      int not null,
    file_name   text,
    encoding    text,
    digest      bytea not null,                                   -- of all cells: the same file again changes nothing
    draft       jsonb not null,                                   -- what was read from them: the next file is compared with it
    primary key (institution, plan, import)
);
create table mejora.import_row (                                  -- the raw cells
    institution mejora.code not null,
    plan        int not null,
    import      int not null,
    line        int not null,
    cells       text[] not null,
    primary key (institution, plan, import, line)
);
create table mejora.decision (
    institution mejora.code not null,
    decision    bigint not null,                                  -- 1, 2, 3 … in the institution
    plan        int not null,
    item_no     int,
    code        text not null,
    args        text[] not null default '{}',
    line        int,
    "column"    text,
    was         text not null default '',
    now         text,
    patch       jsonb not null default '{}',                      -- fields of the action that accepting sets
    before      jsonb,                                            -- what they were, so that keeping can put them back
    state       mejora.decision_state not null default 'open',
    value       text,
    resolved_by int references mejora.person,
    resolved_at timestamptz,
    why         text,
    primary key (institution, decision)
);
create unique index on mejora.decision (institution, plan, code, coalesce(item_no, 0), was);  -- the same question is asked once

create table mejora.reminder_policy (                             -- no row: the defaults
    institution   mejora.code primary key references mejora.institution,
    days_before   int[] not null default '{30,15,7,3,1,0}',
    overdue_every int not null default 7 check (overdue_every > 0),
    hour          int not null default 8 check (hour between 0 and 23)
);
create table mejora.mail (                                        -- one digest for one person
    institution  mejora.code not null,
    mail         bigint generated always as identity primary key,
    person       int not null references mejora.person,
    created_at   timestamptz not null default now(),
    leased_until timestamptz,
    token        int not null default 0,                          -- counts leases: who reports with an older one is late
    not_before   timestamptz not null default now(),
    outcome      mejora.mail_outcome,                             -- the last attempt's; unknown stays until it is sent or refused
    ended_at     timestamptz,                                     -- null: it will be tried again; without outcome: nothing was left to say
    smtp_code    int,
    smtp_text    text
);
create unique index on mejora.mail (institution, person) where ended_at is null;   -- nobody has two on the way
create index on mejora.mail (institution, person, ended_at);
create index on mejora.mail (not_before) where ended_at is null;
create table mejora.reminder (                                    -- the ledger
    institution   mejora.code not null,
    plan          int not null,
    item_no       int not null,
    person        int not null references mejora.person,
    rule          int not null,                                   -- days from the end date: -30 … 0, +7, +14 …
    dates_version int not null,
    due_on        date not null,
    state         mejora.reminder_state not null default 'pending',
    reason        text,
    mail          bigint references mejora.mail,
    changed_at    timestamptz not null default now(),
    primary key (institution, plan, item_no, person, rule, dates_version),
    foreign key (institution, plan, item_no) references mejora.action
);
create index on mejora.reminder (due_on, institution, person) where state = 'pending';
create index on mejora.reminder (institution, person) where state = 'pending';
create index on mejora.reminder (mail) where mail is not null;

-- The road: what every request leaves behind
create table road.request (                                       -- one row per answered write: asking twice acts once
    key     bigint not null,
    id      uuid not null,
    at      timestamptz not null default now(),
    hash    bytea not null,                                       -- of operation, reference and body
    outcome mejora.outcome not null,
    error   text,
    args    text[],
    reply   bytea,                                                -- record_send of the reply's fields; null: no body
    primary key (key, id)
);
create index on road.request using brin (at);                     -- for pruning
create table road.audit (                                         -- one row per write and per refused attempt; only ever inserted
    seq         bigint generated always as identity primary key,
    at          timestamptz not null default clock_timestamp(),
    institution text collate "C" not null,
    plan        int,
    item_no     int,
    task_no     int,
    person      int,
    who         text,                                             -- code and name as they were then
    name        text,
    unit        text,
    key         bigint,
    request     uuid,
    op          text not null,
    outcome     mejora.outcome not null,
    error       text,
    args        text[],
    why         text,
    before      jsonb,
    after       jsonb
);
create index on road.audit (institution, seq);

create function road.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is only ever added to';
end $$;
create trigger only_insert before update or delete or truncate on road.audit for each statement execute function road.refuse_change();

-- Row-level security, the second wall: what the road has set is all that a statement sees.
create function mejora.here() returns text stable language sql as $$ select current_setting('mejora.institution', true) $$;
create function mejora.sees_all() returns boolean stable language plpgsql as $$   -- plpgsql: what the planner cannot look into
begin                                                                             -- it does not take for almost never true
    return mejora.here() = '*';
end $$;
do $$
declare
    t text;
begin
    foreach t in array array['institution', 'unit', 'unit_alias', 'member', 'plan', 'action', 'action_owner', 'task', 'progress',
                             'follow_up', 'import', 'import_row', 'decision', 'reminder_policy', 'mail', 'reminder'] loop
        execute format('alter table mejora.%I enable row level security', t);
        execute format('create policy own_institution on mejora.%I using (institution = mejora.here() or mejora.sees_all())', t);
    end loop;
end $$;
alter table mejora.person enable row level security;              -- people of the system act everywhere, so they are seen everywhere
create policy own_institution on mejora.person using (institution in (mejora.here(), '*') or mejora.sees_all());
alter table road.audit enable row level security;
create policy own_institution on road.audit using (institution = mejora.here() or mejora.sees_all());

-- What can be taken away again: an owner, a task that a corrected file no longer has, a unit that turned out to be another one.
-- Everything else stays, or is annulled.
grant delete on mejora.action_owner, mejora.task, mejora.unit, mejora.unit_alias, mejora.member to mejora_server;
grant delete on road.request to mejora_server;
