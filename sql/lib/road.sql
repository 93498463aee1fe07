-- What the road's statements call around every operation.

create function lib.now() returns timestamptz stable language sql as $$
    select coalesce(nullif(current_setting('mejora.now', true), '')::timestamptz, now())
$$;
comment on function lib.now() is 'the clock of every rule; mejorad --now sets it for rehearsals';

create function lib.today(institution text) returns date stable language sql as $$
    select (lib.now() at time zone i.time_zone)::date from mejora.institution i where i.institution = today.institution
$$;

-- Who asks, may they, and on whose behalf. Sets what row-level security shows. key: road.key.id. about_*: the reference.
-- audited: the operation writes, so the unit matters.
create function lib.enter(key bigint, op_roles mejora.role[], audited boolean, about text, about_plan int, about_item int,
                          out me int, out who text, out name text, out unit text, out institution text,
                          out allowed boolean, out error text, out args text[]) language plpgsql as $$
#variable_conflict use_column
declare
    roles mejora.role[];
    owns boolean;
begin
    perform set_config('mejora.institution', coalesce(about, '*'), true);
    select p.id, p.code, p.name, p.institution, case k.kind when 'invitation' then '{invited}' else p.roles end
      into me, who, name, institution, roles
      from road.key k join mejora.person p on p.id = k.person
     where k.id = enter.key and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
    allowed := false;
    if me is null then
        error := 'key_revoked';
        return;
    end if;
    if about is null then
        about := institution;
        perform set_config('mejora.institution', about, true);
    end if;
    if institution <> about and institution <> '*' then
        error := 'not_your_institution';
        args := array[about];
        return;
    end if;
    institution := about;
    if not roles && op_roles then
        error := 'role_denied';
        return;
    end if;
    if audited then
        select m.unit, o.unit is not null into unit, owns
          from mejora.member m
          left join mejora.action_owner o on o.institution = enter.about and o.plan = about_plan and o.item_no = about_item
                                          and o.unit = m.unit
         where m.institution = enter.about and m.person = me
         order by o.unit is null, m.unit limit 1;
        if about_item is not null and owns is not true and not roles && array_remove(op_roles, 'responsable') then
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
