-- Which days are worked on in the Dominican Republic.

-- Easter Sunday by the Gregorian computus (Meeus, Astronomical Algorithms, chapter 8).
create function lib.easter(year int) returns date immutable language plpgsql as $$
declare
    golden int := year % 19;
    century int := year / 100;
    rest int := year % 100;
    epact int := (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    weekday int := (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    late int := (golden + 11 * epact + 22 * weekday) / 451;
begin
    return make_date(year, 3, 22) + epact + weekday - 7 * late;
end $$;

-- The country's holidays as the Ministry of Labour announces them. Law 139-97 (Gaceta Oficial 9957, 25 June 1997),
-- article 1: one on a Tuesday or Wednesday is kept on the Monday before, on a Thursday or Friday on the Monday after.
-- Articles 2 and 3 leave in place those that have `moves` false here; for 16 August, which the law names for years of
-- inauguration only, judgment 14 of the Supreme Court of 20 February 2008 says every year, so this holds from 2009 on.
-- Labour Day on a Sunday is kept on the Monday (as in 2022). moved_from: the day it falls on, where that is another.
create function lib.holidays(year int) returns table (date date, kind mejora.holiday_kind, moved_from date)
immutable language sql as $$
    select d.date, f.kind, case when d.date <> f.date then f.date end
      from lib.easter(year) e (sunday),
           lateral (values (make_date(year, 1, 1), 'new_year'::mejora.holiday_kind, false),
                           (make_date(year, 1, 6), 'epiphany', true), (make_date(year, 1, 21), 'altagracia', false),
                           (make_date(year, 1, 26), 'duarte', true), (make_date(year, 2, 27), 'independence', false),
                           (e.sunday - 2, 'good_friday', false), (make_date(year, 5, 1), 'labour_day', true),
                           (e.sunday + 60, 'corpus_christi', false), (make_date(year, 8, 16), 'restoration', false),
                           (make_date(year, 9, 24), 'mercedes', false), (make_date(year, 11, 6), 'constitution', true),
                           (make_date(year, 12, 25), 'christmas', false)) f (date, kind, moves),
           lateral (select f.date + case when not f.moves then 0
                                         when f.kind = 'labour_day' and extract(isodow from f.date) = 7 then 1
                                         else (array[0, -1, -2, 4, 3, 0, 0])[extract(isodow from f.date)::int]
                                    end as date) d
$$;

create function lib.is_working_day(institution text, day date) returns boolean stable language plpgsql as $$
begin
    return extract(isodow from day) < 6
       and not exists (select from lib.holidays(extract(year from day)::int) h where h.date = day)
       and not exists (select from mejora.holiday h where (h.institution, h.date) = (is_working_day.institution, day));
end $$;

-- The working day that comes so many after a day; negative: before.
create function lib.working_days_after(institution text, day date, days int) returns date stable language plpgsql as $$
declare
    year int := 0;
    off date[];                                                   -- that year's, looked up once
begin
    while days <> 0 loop
        day := day + sign(days)::int;
        if year <> extract(year from day) then
            year := extract(year from day);
            off := array(select h.date from lib.holidays(year) h
                         union all
                         select h.date from mejora.holiday h
                          where h.institution = working_days_after.institution
                            and h.date between make_date(year, 1, 1) and make_date(year, 12, 31));
        end if;
        if extract(isodow from day) < 6 and day <> all (off) then
            days := days - sign(days)::int;
        end if;
    end loop;
    return day;
end $$;
