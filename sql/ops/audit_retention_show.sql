-- Nothing said: for ever.
create function op.audit_retention_show(
    me int, institution text, out retention op.retention,
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is null then
        retention := lib.retention(institution);
        outcome := 'ok';
    end if;
end $$;
