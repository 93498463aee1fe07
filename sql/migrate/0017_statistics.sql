-- The audit trail and its log are read by their keys. What else is in them was analyzed each time they had grown by a tenth, for nothing:
-- a second of a core, while people write.
do $$
declare
    c record;
begin
    for c in select a.attrelid::regclass as of, a.attname as name,
                    exists (select from pg_index i where i.indrelid = a.attrelid and a.attnum = any (i.indkey)) as is_key
               from pg_attribute a where a.attrelid in ('road.audit'::regclass, 'road.leaf'::regclass) and a.attnum > 0 loop
        execute format('alter table %s alter column %I set statistics %s', c.of, c.name, case when c.is_key then 10 else 0 end);
    end loop;
end $$;
