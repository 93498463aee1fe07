-- What the road's statements call around every operation.

create function lib.now() returns timestamptz stable language sql as $$
    select coalesce(nullif(current_setting('mejora.now', true), '')::timestamptz, now())
$$;
comment on function lib.now() is 'the clock of every rule; mejorad --now sets it for rehearsals';

create function lib.today(institution text) returns date stable language plpgsql as $$
begin
    return (select (lib.now() at time zone i.time_zone)::date from mejora.institution i where i.institution = today.institution);
end $$;

-- Who asks, may they, and on whose behalf. Sets what row-level security shows. key: road.key.id. about_*: the reference.
-- audited: the operation writes, so the unit matters.
create function lib.enter(key bigint, op_roles mejora.role[], audited boolean, about text, about_plan int, about_item int,
                          out me int, out who text, out name text, out roles mejora.role[], out unit text, out institution text,
                          out allowed boolean, out error text, out args text[]) language plpgsql as $$
#variable_conflict use_column
declare
    home text;
    owns boolean;
    invited boolean;
begin
    perform set_config('mejora.institution', '*', true);          -- whose key it is may be seen, wherever they are from
    select k.person, k.kind = 'invitation' into me, invited from road.key k   -- one key look-up after the other: half the cost of a join
     where k.id = enter.key and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
    select p.code, p.name, p.institution, case when invited then '{invited}' else p.roles end
      into who, name, institution, roles from mejora.person p where p.id = me;
    allowed := false;
    if who is null then
        me := null;
        error := 'key_revoked';
        return;
    end if;
    about := coalesce(about, institution);
    perform set_config('mejora.institution', about, true);
    home := institution;
    institution := about;                                         -- where the audit entry belongs, also that of a refusal
    if home not in (about, '*') then
        who := home || '/' || who;
        error := 'not_your_institution';
        args := array[about];
        return;
    end if;
    if not roles && op_roles then
        error := 'role_denied';
        return;
    end if;
    if audited then
        owns := false;
        if about_item is not null then
            select o.unit into unit from mejora.action_owner o    -- first where the person owns: the usual case
              join mejora.member m on (m.institution, m.unit) = (o.institution, o.unit)
             where (o.institution, o.plan, o.item_no) = (enter.about, about_plan, about_item) and m.person = me limit 1;
            owns := found;
        end if;
        if not owns and home <> '*' then                          -- nobody of the system is in a unit
            select min(m.unit) into unit from mejora.member m where m.institution = enter.about and m.person = me;
        end if;
        if about_item is not null and not owns and not roles && array_remove(op_roles, 'responsable') then
            perform from mejora.action a where a.institution = enter.about and a.plan = about_plan and a.item_no = about_item;
            if found then
                error := 'not_your_action';
                args := array[about || '/' || about_plan || '/' || about_item];
                return;
            end if;
        end if;
    end if;
    allowed := true;
end $$;

-- From here on to the end of the transaction the schemas of sql/past.sql show how things stood: at the end of a day of the institution,
-- or at an instant, which is the institution's when it names no zone. Today and now, and nothing later, are as things are.
create function lib.go_back(institution text, as_of text, out error text, out args text[]) language plpgsql as $$
declare
    zone text := coalesce((select i.time_zone from mejora.institution i where i.institution = go_back.institution), 'UTC');
    latest timestamptz := greatest(now(), lib.now());
    first timestamptz;
    last timestamptz;
begin
    args := array[as_of];
    if as_of ~ '^\d{4}-\d\d-\d\d$' then
        first := as_of::timestamp at time zone zone;
        last := least((as_of::timestamp + interval '1 day') at time zone zone - interval '1 microsecond', latest);
    elsif as_of ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?$' then
        last := as_of::timestamp at time zone zone;
    elsif as_of ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$' then
        last := as_of::timestamptz;
    end if;
    if last is null then
        error := 'as_of_malformed';
    elsif coalesce(first, last) > latest then
        error := 'as_of_future';
    else
        perform set_config('mejora.as_of', last::text, true);
    end if;
exception when data_exception then
    error := 'as_of_malformed';
end $$;

-- What a refusal says when the question is about the past: of what is there now, that it was not yet.
create function lib.missing_then(institution text, plan int, item_no int, as_of text, inout error text, inout args text[])
stable language plpgsql as $$
begin
    if error in ('no_such_institution', 'no_such_plan', 'no_such_action')
       and (select m.outcome from lib.missing(institution, plan, item_no) m) is null then
        error := replace(error, 'no_such_', 'no_') || '_then';
        args := args || as_of;
    end if;
end $$;

-- What no operation notes itself: a refusal that never reached one (malformed, unknown, out of place), and what was asked of the audit
-- trail.
create function lib.note(key bigint, about text, about_plan int, about_item int, about_task int, request uuid, op text,
                           outcome mejora.outcome, error text, arg text, asked jsonb) returns void language plpgsql as $$
declare
    asks record;
begin
    perform set_config('mejora.institution', '*', true);
    select p.id, case when p.institution in (coalesce(about, p.institution), '*') then '' else p.institution || '/' end || p.code as code,
           p.name, p.institution,
           case when k.kind = 'invitation' then '{invited}' else p.roles end as roles into asks
      from road.key k join mejora.person p on p.id = k.person where k.id = note.key;
    insert into road.audit (institution, plan, item_no, task_no, person, who, name, roles, key, request, op, outcome, error, args, asked)
    values (coalesce(about, asks.institution, '*'), about_plan, about_item, about_task, asks.id, asks.code, asks.name, asks.roles, key,
            request, op, outcome, error, nullif(array_remove(array[arg], null), '{}'), asked);
end $$;

-- Gives the first administrator and the notification worker their keys; true when that was, or with no key given would be, done.
create function lib.first_key(code text, role mejora.role, public_key bytea) returns boolean language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('mejora.institution', '*', true);
    if exists (select from mejora.person p join road.key k on k.person = p.id
                where p.institution = '*' and p.code = first_key.code and k.revoked_at is null) then
        return false;
    end if;
    if public_key is not null then
        insert into mejora.person (institution, code, name, roles) values ('*', code, initcap(code), array[role])
            on conflict (institution, code) do nothing;
        insert into road.key (public_key, person, kind, label)
        select first_key.public_key, p.id, 'person', 'mejorad' from mejora.person p
         where p.institution = '*' and p.code = first_key.code;
    end if;
    return true;
end $$;

-- What is kept only for so long, some of it at a time: how many were forgotten. One server at a time.
create function lib.housekeeping() returns int language plpgsql as $$
declare
    forgotten int := 0;
begin
    if pg_try_advisory_xact_lock(hashtext('mejora.housekeeping')) then
        delete from road.request
         where ctid = any (array(select r.ctid from road.request r where r.at < now() - interval '30 days' limit 5000));
        get diagnostics forgotten = row_count;
    end if;
    return forgotten;
end $$;
