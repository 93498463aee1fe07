-- What was annulled by mistake counts again. Its reports and texts were never gone.
create function op.action_restore(
    me int, institution text, plan int, item_no int, why text,
    out ref text,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language sql as $$
    select lib.ref(institution, plan, item_no), p.outcome, p.error, p.error_args, p.before, p.after
      from lib.annulment_put(institution, plan, item_no, false, why) p
$$;
