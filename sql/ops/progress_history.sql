create function op.progress_history(
    me int, institution text, plan int, item_no int,
    out entries op.progress[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    perform from mejora.action a where (a.institution, a.plan, a.item_no) = (institution, plan, item_no);
    if not found then
        select * into outcome, error, error_args from lib.missing(institution, plan, item_no);
        return;
    end if;
    select array_agg(row(p.version, p.at, w.code, w.name, p.percent, p.why, p.evidence)::op.progress order by p.version)
      into entries
      from mejora.progress p
      left join mejora.person w on w.id = p.person
     where (p.institution, p.plan, p.item_no) = (institution, plan, item_no);
    outcome := 'ok';
end $$;
