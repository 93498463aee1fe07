create function op.audit_checkpoint(
    me int, old_size bigint, out key text, out size bigint, out at timestamptz, out note text, out path bytea,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language sql as $$
    select lib.log_key(), c.size, c.at, c.note,
           case when old_size = c.size then '' when old_size between 1 and c.size then lib.tree_consistency(old_size, 0, c.size, true) end,
           'ok'::mejora.outcome, null::text, null::text[]
      from (values (1)) one left join (select * from road.checkpoint order by size desc limit 1) c on true
$$;
