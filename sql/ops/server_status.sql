-- The counts are those of what the caller may see.
create function op.server_status(
    me int,
    out version text, out database_version text, out schema int, out now timestamptz, out institutions bigint, out plans bigint,
    out actions bigint, out reminders_pending bigint, out audit_entries bigint, out audit_sealed bigint, out audit_key text,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language sql as $$
    select current_setting('mejora.version', true), current_setting('server_version'),
           (select max(substring(m.name from '(\d{4})_')::int) from road.migration m), lib.now(),
           (select count(*) from mejora.institution i where i.institution <> '*'), (select count(*) from mejora.plan),
           (select count(*) from mejora.action), (select count(*) from mejora.reminder r where r.state = 'pending'),
           (select count(*) from road.audit), coalesce((select max(c.size) from road.checkpoint c), 0), lib.log_key(),
           'ok'::mejora.outcome, null::text, null::text[]
$$;
