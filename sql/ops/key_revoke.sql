-- Revoking what is revoked already changes nothing. The last key of an administrator of the system stays: nobody could make another.
create function op.key_revoke(
    me int, institution text, inout key bigint, why text,
    out person text, out revoked_at timestamptz,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    holder record;
    last_key boolean;
begin
    select p.institution, p.code, p.roles, k.revoked_at into holder
      from road.key k join mejora.person p on p.id = k.person where k.id = key and institution in (p.institution, '*');
    if not found then
        select 'not_found', 'no_such_key', array[coalesce(key::text, '')] into outcome, error, error_args;
        return;
    elsif not lib.may_grant(me, holder.institution, holder.roles) then
        select 'denied', 'grant_denied', array[array_to_string(holder.roles, ', ')] into outcome, error, error_args;
        return;
    end if;
    person := holder.code;
    select array_agg(a.id) = array[key] into last_key
      from (select k.id from road.key k join mejora.person p on p.id = k.person
             where p.institution = '*' and 'admin' = any (p.roles) and k.kind = 'person' and k.revoked_at is null
               and coalesce(k.expires_at > now(), true) for update of k) a; -- two who revoke each other's come one after the other
    if last_key then
        select 'conflict', 'last_admin_key', array[key::text] into outcome, error, error_args;
        return;
    end if;
    revoked_at := coalesce(holder.revoked_at, now());
    if holder.revoked_at is null then
        update road.key k set revoked_at = now(), why = why where k.id = key;
        after := jsonb_build_object('key', key, 'person', person, 'revoked', true);
    end if;
    outcome := 'ok';
end $$;
