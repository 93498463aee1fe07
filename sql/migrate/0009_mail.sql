-- What people answer to a reminder, how they want theirs, and what relays say of addresses and attempts.

alter table mejora.person
    add plain boolean not null default false,                     -- text alone, without a page
    add weekly boolean not null default false,                    -- gathered on Mondays, but for the last two days
    add hour int not null default 0 check (hour between 0 and 23); -- not before this, where the policy is earlier

create type mejora.answer_kind as enum ('ack', 'snooze');
create table mejora.reminder_answer (                             -- the person's last about the action as it is dated
    institution   mejora.code not null,
    plan          int not null,
    item_no       int not null,
    person        int not null references mejora.person,
    dates_version int not null,
    kind          mejora.answer_kind not null,
    until         date not null,                                  -- nothing up to this day; what was snoozed comes on it
    at            timestamptz not null default now(),
    why           text,
    primary key (institution, plan, item_no, person),
    foreign key (institution, plan, item_no) references mejora.action
);
alter table mejora.reminder add asked boolean not null default false; -- by a person, whatever the rules say

alter table mejora.mail add address text;                         -- the one that the last attempt was for
create table mejora.mail_attempt (
    institution mejora.code not null,
    mail        bigint not null references mejora.mail,
    attempt     int not null,                                     -- the lease's token
    at          timestamptz not null,
    address     text,
    result      mejora.mail_outcome not null,
    smtp_code   int,
    smtp_text   text,
    primary key (mail, attempt)
);
create table mejora.address_fault (                               -- a relay refuses it for good
    institution mejora.code not null,
    person      int primary key references mejora.person,
    email       text not null,                                    -- another address is another matter
    since       timestamptz not null,
    smtp_code   int,
    smtp_text   text
);
create index on mejora.address_fault (institution);
do $$
declare
    t text;
begin
    foreach t in array array['reminder_answer', 'mail_attempt', 'address_fault'] loop
        execute format('alter table mejora.%I enable row level security', t);
        execute format('create policy own_institution on mejora.%I using (institution = mejora.here() or mejora.sees_all())', t);
    end loop;
end $$;
grant delete on mejora.reminder_answer, mejora.address_fault to mejora_server;
