-- Where many entries of a stretch have a mark, it is kept as a bit for each entry: two such marks are compared at once instead of number
-- by number, and what is added is no longer than what was there.

truncate road.mark, road.marked;                                  -- they are filled again, see 0013
alter table road.mark alter column leaves drop not null;
alter table road.mark add column bits bit(32768);
alter table road.mark alter column bits set storage plain;          -- half a page, never looked up elsewhere

do $$
declare
    intarray text := (select extnamespace::regnamespace from pg_extension where extname = 'intarray');
begin
    execute format('create aggregate road.any_of(int[]) (sfunc = %s._int_union, stype = int[])', intarray);
    execute format('create aggregate road.all_of(int[]) (sfunc = %s._int_inter, stype = int[])', intarray);
end $$;

create or replace function road.unmark() returns trigger security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    with gone as materialized (
        select l.about, (l.leaf >> 15)::int as stretch, array_agg((l.leaf & 32767)::int) as leaves,
               ~ bit_or(set_bit(0::bit(32768), (l.leaf & 32767)::int, 1)) as others
          from gone_rows r join road.leaf l on l.seq = r.seq group by 1, 2
    )
    update road.mark m
       set leaves = nullif(array(select n from unnest(m.leaves) n where n <> all (g.leaves) order by n), '{}'),
           bits = m.bits & g.others
      from gone g
     where (m.institution, m.stretch) = (g.about, g.stretch) and (m.leaves && g.leaves or m.bits & ~ g.others <> 0::bit(32768));
    delete from road.mark m
     where m.leaves is null and coalesce(bit_count(m.bits), 0) = 0 and m.institution in (select r.institution from gone_rows r);
    delete from road.word w
     where w.institution in (select r.institution from gone_rows r)
       and not exists (select from road.mark m where (m.institution, m.mark) = (w.institution, 'word:' || w.word));
    return null;
end $$;
