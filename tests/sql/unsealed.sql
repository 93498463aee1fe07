-- What is to be sealed next, whatever order transactions and entries are numbered in.
begin;
select pg_advisory_xact_lock(hashtext('mejora.seal')), pg_advisory_xact_lock(hashtext('mejora.index')) as alone \gset
select no_plan();
set local session_replication_role = replica;                     -- nothing stands in the way of leaves that go again

-- Entries in the order of their numbers, each as transaction:leaf; those that are to be sealed, counted from 1.
create function pg_temp.left_over(entries text, checkpoint xid8) returns text language plpgsql as $$
declare
    base constant bigint := coalesce((select max(l.leaf) + 1 from road.leaf l), 0);
    numbers bigint[] := '{}';
    entry text[];
    number bigint;
    told text;
begin
    foreach entry slice 1 in array array(select string_to_array(e, ':') from string_to_table(entries, ' ') e) loop
        insert into road.audit (institution, op, outcome, xid) values ('tuns', 'whoami', 'ok', entry[1]::xid8) returning seq into number;
        numbers := numbers || number;
        if entry[2] <> '' then
            insert into road.leaf (leaf, seq, about, nodes) values (base + entry[2]::int, number, 'tuns', '\x00');
        end if;
    end loop;
    insert into road.checkpoint (size, xid, note) select max(l.leaf) + 1, checkpoint, 'test' from road.leaf l;
    select coalesce(string_agg(array_position(numbers, u.seq)::text, ' ' order by u.ordinality), '') into told
      from lib.unsealed(100000) with ordinality u where u.seq = any (numbers);
    delete from road.checkpoint c where c.size > base;
    delete from road.leaf l where l.leaf >= base;
    delete from road.audit a where a.seq = any (numbers);
    return told;
end $$;

select is(pg_temp.left_over(t.entries, t.checkpoint::xid8), t.expect, t.what) from (values
    ('3:0 4: 5:',           '3',                   '2 3', 'what came after the last one sealed'),
    ('4: 3:0',              '3',                   '1',   'a lower number of a later transaction'),
    ('5: 4: 3:0',           '3',                   '2 1', 'in the order of transactions'),
    ('3:0 3: 3:',           '3',                   '2 3', 'the rest of a transaction that wrote more than a batch'),
    ('900000000000:0 3:',   '900000000000',        '2',   'in a cluster that counts anew: what is not sealed'),
    ('5:0 4:1 3:2 6:',      '3',                   '4',   'and when it has counted so far: not what was sealed before'),
    ('3:0 900000000000:',   '3',                   '',    'not what may still be preceded')
) t (entries, checkpoint, expect, what);

select * from finish();
rollback;
