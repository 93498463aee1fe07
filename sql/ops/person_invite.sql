-- Registers a key that can do one thing: join.
create function op.person_invite(
    me int, inout institution text, inout person text, invitation_key bytea, valid_days int,
    out expires_at timestamptz,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
declare
    invited record;
    made bigint;
begin
    select p.id, p.roles into invited from mejora.person p where (p.institution, p.code) = (institution, person);
    if not found then
        select 'not_found', 'no_such_person', array[coalesce(person, '')] into outcome, error, error_args;
        return;
    elsif not lib.may_grant(me, institution, invited.roles) then
        select 'denied', 'grant_denied', array[array_to_string(invited.roles, ', ')] into outcome, error, error_args;
        return;
    elsif length(invitation_key) is distinct from 32 or valid_days not between 1 and 365 then
        select 'invalid', 'field_invalid', array[case when length(invitation_key) = 32 then 'valid_days' else 'invitation_key' end]
          into outcome, error, error_args;
        return;
    end if;
    insert into road.key (public_key, person, kind, expires_at)
    values (invitation_key, invited.id, 'invitation', now() + make_interval(days => coalesce(valid_days, 14)))
        on conflict on constraint key_public_key_key do nothing returning key.id, key.expires_at into made, expires_at;
    if made is null then
        select 'conflict', 'key_taken', '{}'::text[] into outcome, error, error_args;
        return;
    end if;
    update road.key k set revoked_at = now(), why = 'replaced'
     where k.person = invited.id and k.kind = 'invitation' and k.revoked_at is null and k.id <> made;
    after := jsonb_build_object('person', person, 'key', made, 'expires_at', expires_at);
    outcome := 'ok';
end $$;
