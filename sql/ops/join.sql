-- Called with an invitation: the person's own key takes its place.
create function op."join"(
    me int, my_key bigint, public_key bytea, label text,
    out person text, out name text, out institution text, out key bigint,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language plpgsql as $$
#variable_conflict use_variable
begin
    if length(public_key) is distinct from 32 then
        select 'invalid', 'field_invalid', array['public_key'] into outcome, error, error_args;
        return;
    end if;
    insert into road.key (public_key, person, kind, label) values (public_key, me, 'person', nullif(label, ''))
        on conflict on constraint key_public_key_key do nothing returning key.id into key;
    if key is null then
        select 'conflict', 'key_taken', '{}'::text[] into outcome, error, error_args;
        return;
    end if;
    update road.key k set revoked_at = now(), why = 'used' where k.id = my_key;
    select p.code, p.name, p.institution into person, name, institution from mejora.person p where p.id = me;
    after := jsonb_build_object('person', person, 'key', key, 'label', nullif(label, ''), 'invitation', my_key);
    outcome := 'ok';
end $$;
