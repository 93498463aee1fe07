-- Two marks that many entries have but none has both, such as a person and another one's unit, take the longest to be compared with nothing
-- to show for it. So the marks of a closed group are compared once (lib.marks_apart), and what never meets is kept. Pruning leaves it true.

alter table road.mark_group add column apart text[] collate "C";   -- the dense marks before this dense one that no entry has too; null: not known
create index mark_group_dense on road.mark_group (institution, nth, mark) where dense is not null;
create index mark_group_to_compare on road.mark_group (institution, nth, mark) where dense is not null and apart is null;

-- Marks that from 1025 to 16384 entries of a group have are from now on kept as leaves, too, as well as bits: for what few entries have they are
-- compared far sooner. Groups made before are read as they are.

-- Where merging goes on. It is no institution's own, which a column called institution would say.
alter table road.mark_closing rename column institution to next_institution;
alter table road.mark_closing rename column mark to next_mark;
