create function op.audit_show(
    me int, institution text, seq bigint,
    out entry op.audit_entry, out changes op.change[], out "with" op.key, out leaf bigint, out sealed_size bigint, out sealed_at timestamptz,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    a road.audit;
begin
    select x.* into a from road.audit x where x.seq = seq and institution in (x.institution, '*');
    if not found then
        select 'not_found', 'no_such_entry', array[coalesce(seq, 0)::text] into outcome, error, error_args;
        return;
    end if;
    entry := lib.audit_entry(a, array(select distinct c.field from lib.audit_changes(a.op, a.before, a.after) c order by 1));
    changes := array(select row(coalesce(c.item_no, a.item_no), c.field, lib.value_text(a.institution, c.field, c.was),
                                lib.value_text(a.institution, c.field, c.now))::op.change
                       from lib.audit_changes(a.op, a.before, a.after) c order by c.item_no nulls first, c.field);
    select k.id, p.code, k.kind, k.label, k.created_at, k.expires_at, k.revoked_at, k.why into "with"
      from road.key k left join mejora.person p on p.id = k.person where k.id = a.key;
    select l.leaf, c.size, c.at into leaf, sealed_size, sealed_at
      from road.leaf l, lateral (select x.size, x.at from road.checkpoint x where x.size > l.leaf order by x.size limit 1) c
     where l.seq = seq;
    outcome := 'ok';
end $$;
