-- When 32 stretches of leaves are whole, what is marked in them is merged into a group (lib.audit_close): one row for each mark instead of
-- 32, so that many entries are compared at once. What is in groups that are not closed is in road.mark, as before.

create table road.mark_group (
    institution text collate "C" not null,
    nth         int not null,                                     -- the leaves from nth * 2 ^ 20 on
    mark        text collate "C" not null,
    n           int not null,                                     -- so many leaves have it
    leaves      int[],                                            -- counted from the group's first, in order; or, if they are many,
    bits        bit varying,                                      -- a bit for each of the 2 ^ 20, compressed; or, if that is of no use,
    dense       bit varying,                                      -- not
    primary key (institution, nth, mark)
);
alter table road.mark_group alter column leaves set storage external, alter column dense set storage external;
create type road.closing_phase as enum ('merging', 'sweeping', 'done');
create table road.mark_closing (                                  -- a group is read once it is merged; then its stretches are swept
    nth         int primary key,
    phase       road.closing_phase not null default 'merging',
    institution text collate "C" not null default '',             -- it goes on with this mark
    mark        text collate "C" not null default ''
);
alter table road.mark_group enable row level security;
create policy own_institution on road.mark_group using (institution = (select mejora.here()) or (select mejora.sees_all()));
create aggregate road.joined(bit varying) (sfunc = bitcat, stype = bit varying);

do $$
begin
    alter table road.mark_group alter column bits set compression lz4;
exception when feature_not_supported then                         -- a PostgreSQL built without it: it takes longer, that is all
    null;
end $$;

create or replace function road.unmark() returns trigger security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('mejora.index'));      -- what is just being merged is read neither before nor after
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
    with gone as materialized (
        select l.about, (l.leaf >> 20)::int as nth, array_agg((l.leaf & 1048575)::int) as leaves,
               ~ bit_or(set_bit(0::bit(1048576), (l.leaf & 1048575)::int, 1)) as others
          from gone_rows r join road.leaf l on l.seq = r.seq group by 1, 2
    ), was as materialized (
        select m.institution, m.nth, m.mark, left_of.*, coalesce(bit_count(left_of.bits), cardinality(left_of.leaves)) as n
          from gone g
          join road.mark_group m on (m.institution, m.nth) = (g.about, g.nth),
               lateral (select array(select p from unnest(m.leaves) p where p <> all (g.leaves) order by p) as leaves,
                               coalesce(m.dense, m.bits) & g.others as bits) left_of
         where m.leaves && g.leaves or bit_count(left_of.bits) < m.n
    ), emptied as (
        delete from road.mark_group m using was w where (m.institution, m.nth, m.mark) = (w.institution, w.nth, w.mark) and w.n = 0
    )
    update road.mark_group m
       set n = w.n, leaves = case when m.leaves is not null then w.leaves end, bits = case when m.bits is not null then w.bits end,
           dense = case when m.dense is not null then w.bits end
      from was w where (m.institution, m.nth, m.mark) = (w.institution, w.nth, w.mark) and w.n > 0;
    delete from road.word w
     where w.institution in (select r.institution from gone_rows r)
       and not exists (select from road.mark m where (m.institution, m.mark) = (w.institution, 'word:' || w.word))
       and not exists (select from road.mark_closing c
                         join road.mark_group m on (m.institution, m.nth, m.mark) = (w.institution, c.nth, 'word:' || w.word));
    return null;
end $$;
