-- Every table as it stood at an instant, and every reading function a second time, on those: schemas past, lib_past and op_past. All
-- of it follows from what there is, so a new operation can be asked about the past without doing anything for it.

create schema past;
create schema lib_past;
create schema op_past;

create function past.at() returns timestamptz stable language sql as $$ select current_setting('mejora.as_of')::timestamptz $$;

-- A row is the first of its history that ended later, or what it is now. Gone ones come from the history alone. A table that has none
-- is only added to, and says when; or it is shown as it is.
do $do$
declare
    t record;
begin
    for t in
        select c.relname as name, to_regclass(format('history.%I', c.relname)) as history, k.list, k.here, k.away,
               string_agg(format(case when a.attname = any (k.names) then 'c.%I' else 'r.%I' end, a.attname), ', ' order by a.attnum) as columns,
               string_agg(format('case when h.seq is null then c.%1$I else %2$s end as %1$I', a.attname, v.was), ', ') as there,
               string_agg(case when a.attname = any (k.names) then format('k.%I', a.attname) else v.was end, ', ' order by a.attnum) as gone,
               bool_or(a.attname = 'at') as has_at, has_table_privilege('mejora_server', c.oid, 'delete') as deletes
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          join pg_type y on y.oid = a.atttypid
         cross join lateral (                                     -- by itself: only what is asked for is read
               select format(case when y.typcategory = 'A' then 'case when jsonb_typeof(h.was -> %1$L) = ''array'''
                                                                ' then array(select jsonb_array_elements_text(h.was -> %1$L))::%2$s end'
                                  when y.typname = 'jsonb' then 'nullif(h.was -> %1$L, ''null'')'
                                  else '(h.was ->> %1$L)::%2$s' end, a.attname, format_type(a.atttypid, a.atttypmod)) as was) v
         cross join lateral (
               select array_agg(p.attname) as names, string_agg(quote_ident(p.attname), ', ') as list,
                      string_agg(format('h.%I = c.%1$I', p.attname), ' and ') as here,
                      string_agg(format('h.%I = k.%1$I', p.attname), ' and ') as away
                 from pg_index i join pg_attribute p on p.attrelid = i.indrelid
                where i.indrelid = c.oid and i.indisprimary and (p.attnum = any (i.indkey) or p.attname = 'institution')) k
         where c.relnamespace = 'mejora'::regnamespace and c.relkind = 'r'
         group by c.oid, c.relname, k.list, k.here, k.away
    loop
        if t.history is null then
            execute format('create view past.%I with (security_invoker) as select * from mejora.%1$I', t.name)
                    || case when t.has_at then ' where at <= (select past.at())' else '' end;
            continue;
        end if;
        -- Coalesce and offset are for the planner, who would think that hardly any row was there, and make loops of joins.
        execute format('create view past.%I with (security_invoker) as select %2$s from mejora.%1$I c'
                       ' left join lateral (select h.seq, h.was from history.%1$I h where %4$s and h.until > (select past.at())'
                                          ' order by h.until, h.seq limit 1) h on true'
                       ' cross join lateral (select %3$s offset 0) r where coalesce(h.seq is null or h.was is not null, true)',
                       t.name, t.columns, t.there, t.here)
                || case when t.deletes then
                format(' union all select %2$s from (select distinct %4$s from history.%1$I where gone and until > (select past.at())) k'
                       ' cross join lateral (select h.was from history.%1$I h where %3$s and h.until > (select past.at())'
                                           ' order by h.until, h.seq limit 1) h'
                       ' where h.was is not null and not exists (select from mejora.%1$I h where %3$s)', t.name, t.gone, t.away, t.list)
                   else '' end;
    end loop;
end $do$;

-- Names of tables become those of the views, and what is copied calls what is copied.
do $do$
declare
    tables text := (select string_agg(relname, '|') from pg_class where relnamespace = 'mejora'::regnamespace and relkind = 'r');
    names text;
    f record;
    stays text;
begin
    set local check_function_bodies = off;
    names := (select string_agg(distinct p.proname, '|') from pg_proc p
               where p.pronamespace in ('lib'::regnamespace, 'op'::regnamespace) and p.provolatile <> 'v');
    for f in
        select p.oid::regprocedure as name,
               regexp_replace(regexp_replace(pg_get_functiondef(p.oid), format('\mmejora\.(%s)\M', tables), 'past.\1', 'g'),
                              format('\m(lib|op)\.((%s)\()', names), '\1_past.\2', 'g') as source
          from pg_proc p where p.pronamespace in ('lib'::regnamespace, 'op'::regnamespace) and p.provolatile <> 'v'
    loop
        stays := substring(replace(f.source, 'lib.go_back(', '') from '\mlib\.\w+\(');
        if stays is not null then
            raise exception '% is for reading, but calls the volatile %)', f.name, stays
                  using hint = 'say that that is stable: else it would be asked about now when the question is about the past';
        end if;
        execute f.source;
    end loop;
end $do$;

create or replace function lib_past.now() returns timestamptz stable language sql as $$ select past.at() $$;
