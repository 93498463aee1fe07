-- The days of a calendar that a client has read, all or none. What is a holiday already stays as it is.
create function op.holiday_import(
    me int, institution text, dates text[], names text[], dry_run boolean, why text,
    out added op.holiday[], out known int,
    out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb)
language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    end if;
    select 'invalid', 'field_invalid', array[f.field] into outcome, error, error_args
      from (select case when coalesce(cardinality(dates), 0) = 0
                             or exists (select from unnest(dates) d where lib.day_read(d) is null) then 'dates'
                        when cardinality(names) is distinct from cardinality(dates)
                             or exists (select from unnest(names) n where btrim(n) = '') then 'names' end as field) f
     where f.field is not null;
    if found then
        return;
    end if;
    added := array(
        select row(n.date, 'own', n.name, null)::op.holiday
          from (select h.date, string_agg(distinct btrim(h.name), ' · ') as name 
                  from (select lib.day_read(u.date) as date, u.name from unnest(dates, names) u (date,
                      name)) h group by h.date) n
         where not exists (select from mejora.holiday o where (o.institution, o.date) = (institution, n.date))
           and not exists (select from lib.holidays(extract(year from n.date)::int) c where c.date = n.date)
         order by n.date);
    known := (select count(distinct d) from unnest(dates) d)::int - cardinality(added);
    if added <> '{}' and dry_run is not true then
        insert into mejora.holiday (institution, date, name) select institution, a.date, a.name from unnest(added) a;
        after := jsonb_build_object('added', (select jsonb_object_agg(a.date, a.name) from unnest(added) a));
        perform lib.reminders_refresh(institution, null, null);
    end if;
    outcome := 'ok';
end $$;

-- A day of the years for which holidays are known, as ISO writes it.
create function lib.day_read(day text) returns date stable language plpgsql as $$
begin
    return case when day ~ '^\d{4}-\d\d-\d\d$' and substr(day, 1, 4)::int between 2009 and 2199
                then make_date(substr(day, 1, 4)::int, substr(day, 6, 2)::int, substr(day, 9, 2)::int) end;
exception when datetime_field_overflow then
    return null;
end $$;
