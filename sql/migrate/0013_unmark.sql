-- What is pruned is not searched for either: its words go with it. Only road.prune deletes entries.
create function road.unmark() returns trigger security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    update road.mark m set leaves = array(select n from unnest(m.leaves) n where n <> all (g.leaves) order by n)
      from (select l.about, (l.leaf >> 15)::int as stretch, array_agg((l.leaf & 32767)::int) as leaves
              from gone_rows r join road.leaf l on l.seq = r.seq group by 1, 2) g
     where (m.institution, m.stretch) = (g.about, g.stretch) and m.leaves && g.leaves;
    delete from road.mark m where m.leaves = '{}' and m.institution in (select r.institution from gone_rows r);
    delete from road.word w
     where w.institution in (select r.institution from gone_rows r)
       and not exists (select from road.mark m where (m.institution, m.mark) = (w.institution, 'word:' || w.word));
    return null;
end $$;
create trigger unmark after delete on road.audit referencing old table as gone_rows
    for each statement execute function road.unmark();
