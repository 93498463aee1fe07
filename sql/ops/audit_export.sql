create type op.audit_leaf as (leaf bigint, hash bytea, entry bytea, hidden boolean);
create type op.audit_seal as (size bigint, note text);

-- Leaves and the checkpoints between them, in the order of the log: a page ends after 500 leaves or some 4 MiB. What belongs to
-- other institutions comes as its hash: the tree can be built and nothing be read.
create function op.audit_export(
    me int, institution text, since date, leaf bigint, inout size bigint,
    out key text, out first bigint, out edge bytea, out leaves op.audit_leaf[], out checkpoints op.audit_seal[], out next bigint,
    out outcome mejora.outcome, out error text, out error_args text[])
stable language plpgsql as $$
#variable_conflict use_variable
declare
    zone text := coalesce((select i.time_zone from mejora.institution i where i.institution = institution), 'UTC');
    last bigint := (select c.size from road.checkpoint c order by c.size desc limit 1);
begin
    size := least(coalesce(size, last, 0), coalesce(last, 0));
    select m.* into outcome, error, error_args from lib.missing(institution, null, null) m where m.outcome is not null;
    if found then
        return;
    end if;
    outcome := 'ok';
    key := lib.log_key();
    if leaf is null then                                          -- where the first checkpoint of that day or later begins
        first := case when since is null then 0 else coalesce((select max(c.size) from road.checkpoint c
                      where c.at < since::timestamp at time zone zone and c.size <= size), 0) end;
        edge := lib.tree_edge(first);
        leaf := first;
    end if;
    with page as (
        select l.leaf, row(l.leaf, substring(l.nodes for 32), case when not hidden then e.bytes end, nullif(hidden, false))::op.audit_leaf as one,
               sum(coalesce(octet_length(e.bytes), 0)) over (order by l.leaf rows unbounded preceding exclude current row) as before
          from (select * from road.leaf l where l.leaf >= leaf and l.leaf < size order by l.leaf limit 500) l
          cross join lateral (select institution <> '*' and l.about <> institution as hidden) h
          left join lateral (select lib.audit_bytes(a) as bytes from road.audit a where a.seq = l.seq) e on not hidden
    )
    select array_agg(p.one order by p.leaf), max(p.leaf) + 1 into leaves, next from page p where coalesce(p.before, 0) < 4000000;
    next := (select l.leaf from road.leaf l where l.leaf >= next and l.leaf < size order by l.leaf limit 1);
    checkpoints := (select array_agg(row(c.size, c.note)::op.audit_seal order by c.size) from road.checkpoint c
                     where c.size >= leaf + (edge is null)::int and c.size <= coalesce(next, size));
end $$;
