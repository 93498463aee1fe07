-- Anybody may ask: hashes tell nothing of what they are of.
create function op.audit_proof(
    me int, seq bigint, old_size bigint, inout size bigint, out leaf bigint, out hash bytea, out path bytea,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    last bigint := (select c.size from road.checkpoint c order by c.size desc limit 1);
begin
    size := coalesce(size, last, 0);
    select l.leaf, substring(l.nodes for 32) into leaf, hash from road.leaf l where l.seq = seq;
    select m.* into outcome, error, error_args
      from (values (not size between 0 and coalesce(last, 0), 'invalid'::mejora.outcome, 'field_invalid', 'size'),
                   ((seq is null) = (old_size is null), 'invalid', 'field_invalid', 'old_size'),
                   (not coalesce(old_size between 1 and size, true), 'invalid', 'field_invalid', 'old_size'),
                   (seq is not null and not coalesce(leaf < size, false), 'not_found', 'not_sealed', seq::text)) v (wrong, outcome, error, arg),
           lateral (select v.outcome, v.error, array[v.arg]) m
     where v.wrong limit 1;
    if found then
        return;
    end if;
    path := case when seq is null then lib.tree_consistency(old_size, 0, size, true) else lib.tree_inclusion(leaf, 0, size) end;
    outcome := 'ok';
end $$;
