create function op.holiday_list(
    me int, institution text, year int,
    out holidays op.holiday[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    year := coalesce(year, extract(year from lib.today(institution))::int);
    if year not between 2009 and 2199 then
        select 'invalid', 'field_invalid', array['year'] into outcome, error, error_args;
        return;
    end if;
    select array_agg(row(h.date, h.kind, h.name, h.moved_from)::op.holiday order by h.date), 'ok' into holidays, outcome
      from (select c.date, c.kind, null::text as name, c.moved_from from lib.holidays(year) c
            union all
            select o.date, 'own', o.name, null from mejora.holiday o
             where o.institution = institution and o.date between make_date(year, 1, 1) and make_date(year, 12, 31)) h;
end $$;
