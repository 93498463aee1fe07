create function op.whoami(
    me int, my_key bigint,
    out person text, out name text, out institution text, out roles mejora.role[], out units text[], out key bigint,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language sql as $$
    select p.code::text, p.name, p.institution::text, case k.kind when 'invitation' then '{invited}' else p.roles end,
           array(select u.name from mejora.member m join mejora.unit u using (institution, unit)
                  where m.person = p.id order by lib.fold(u.name)),
           my_key, 'ok'::mejora.outcome, null::text, null::text[]
      from mejora.person p join road.key k on k.id = my_key where p.id = me
$$;
