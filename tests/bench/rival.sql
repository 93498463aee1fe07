-- What the road does per request, as one function in one transaction: the same guard, the same lib.enter and operation, the same
-- request row and audit entry. Keys of the 64 departments of institution bench are :first_key + n - 1. @OPERATION@ is the call of
-- op.progress_report with what the road passes to it.
create schema if not exists bench;
create or replace function bench.progress_report(
    key bigint, request uuid, hash bytea, about text, plan int, item_no int, percent int, why text,
    out outcome mejora.outcome, out reply bytea) language plpgsql as $$
#variable_conflict use_variable
declare
    w record;
    r record;
begin
    select q.outcome, q.reply into outcome, reply from road.request q where q.key = key and q.id = request;
    if found then
        return;
    end if;
    select * into w from lib.enter(key, '{admin,planner,responsable}', true, about, plan, item_no);
    if not w.allowed then
        raise exception 'denied: %', w.error;
    end if;
    select * into r from @OPERATION@;
    outcome := r.outcome;
    reply := record_send(row(r.ref, r.was, r.percent, r.version, r.changed_by, r.changed_at, r.changed_why));
    insert into road.request (key, id, hash, outcome, error, args, reply)
    values (key, request, hash, r.outcome, r.error, r.error_args, reply);
    insert into road.audit (institution, plan, item_no, person, who, name, roles, unit, key, request, op, outcome, error, args, why, before, after)
    values (w.institution, plan, item_no, w.me, w.who, w.name, w.roles, w.unit, key, request, 'progress_report', r.outcome, r.error,
            r.error_args, why, r.before, r.after);
end $$;
grant usage on schema bench to mejora_server;
grant execute on function bench.progress_report to mejora_server;
