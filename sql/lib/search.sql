-- Questions to the audit trail: what an entry is marked with, and the entries that have all the marks of a question.

create function lib.words(text text) returns setof text immutable language sql as $$
    select left(w, 40) from regexp_split_to_table(lib.fold(text), '[^[:alnum:]]+') w where w <> ''
$$;

-- A value's text without what JSON adds to it.
create function lib.value_plain(value jsonb) returns text immutable language sql as $$
    select regexp_replace(value::text, '\\(\\|["/bfnrt])', ' ', 'g')
$$;

create function lib.fields_changed(before jsonb, after jsonb) returns table (field text, was jsonb, now jsonb) immutable language sql as $$
    select key, nullif(before -> key, 'null'), nullif(after -> key, 'null')
      from jsonb_object_keys(coalesce(before, '{}') || coalesce(after, '{}')) key
     where key <> 'version' and nullif(before -> key, 'null') is distinct from nullif(after -> key, 'null')
$$;

-- What an entry changed, field by field; an import's under the numbers of its actions.
create function lib.audit_changes(op text, before jsonb, after jsonb) returns table (item_no int, field text, was jsonb, now jsonb)
immutable language sql as $$
    select null::int, f.field, f.was, f.now from lib.fields_changed(before, after) f where op <> 'plan_import'
    union all
    select null::int, f.field, f.was, f.now from lib.fields_changed(before -> 'plan', after -> 'plan') f where op = 'plan_import'
    union all
    select i.key::int, f.field, f.was, f.now
      from jsonb_each(case when op = 'plan_import' then after -> 'actions' end) i,
           lib.fields_changed(before #> array['actions', i.key], i.value) f
$$;

-- The actions of its plan that an entry is about without being one action's: changed, added or carried over.
create function lib.audit_items(op text, after jsonb) returns setof int immutable language sql as $$
    select key::int from jsonb_object_keys(case when op = 'plan_import' then after -> 'actions' end) key
    union all
    select value::int
      from jsonb_array_elements_text(case op when 'plan_import' then after -> 'added' when 'plan_carry' then after -> 'actions' end) value
$$;

-- The marks of entries, and the places of those that have them, counted in the array's order from the first on. All at once and what is
-- equal only once, because one entry after the other takes five times as long. Without texts: only who, what and about what. In plpgsql,
-- as lib.mark_hits, to be planned but once.
create function lib.audit_marks(seqs bigint[], first_place int, texts boolean) returns table (institution text, mark text, places int[])
stable language plpgsql
set search_path = pg_catalog, mejora, public set work_mem = '64MB' set enable_sort = off as $$
#variable_conflict use_column
begin
    return query with entry as materialized (
        select (first_place + s.place - 1)::int as place, a.* from unnest(seqs) with ordinality s (seq, place) join road.audit a on a.seq = s.seq
    ), change as materialized (
        select e.place, e.institution, c.field, c.was, c.now from entry e, lib.audit_changes(e.op, e.before, e.after) c where texts
    ), told (place, institution, kind, text) as (
        select e.place, e.institution, 'word', concat_ws(' ', e.name, e.who, e.unit, array_to_string(e.args, ' ')) from entry e where texts
        union all select e.place, e.institution, 'why', e.why from entry e where texts and e.why <> ''
        union all select c.place, c.institution, 'old.' || c.field, lib.value_plain(c.was) from change c where c.was is not null
        union all select c.place, c.institution, 'new.' || c.field, lib.value_plain(c.now) from change c where c.now is not null
    ), token as materialized (
        select t.institution, t.kind, s.token collate "C" as token, array_agg(t.place) as places
          from told t, string_to_table(t.text, ' ') s (token) group by 1, 2, 3
    ), word as materialized (
        select t.token, w.word from (select distinct t.token from token t) t, lib.words(t.token) w (word)
    ), part (institution, mark, places) as (
        select e.institution, m.mark, array_agg(e.place)
          from entry e, unnest(array['', 'person:' || e.person, 'who:' || e.who, 'key:' || e.key, 'unit:' || e.unit, 'op:' || e.op,
                                     'outcome:' || e.outcome, case when e.outcome <> 'ok' then 'refused' end, 'plan:' || e.plan,
                                     'item:' || e.plan || '/' || e.item_no,
                                     'task:' || e.plan || '/' || e.item_no || '.' || e.task_no]) m (mark)
         where m.mark is not null group by 1, 2
        union all select e.institution, 'role:' || r, array_agg(e.place) from entry e, unnest(e.roles) r group by 1, 2
        union all select e.institution, 'item:' || e.plan || '/' || i, array_agg(e.place) from entry e, lib.audit_items(e.op, e.after) i group by 1, 2
        union all select c.institution, 'field:' || c.field, array_agg(c.place) from change c group by 1, 2
        union all select t.institution, k.kind || ':' || w.word, t.places
                    from token t join word w on w.token = t.token,
                         unnest(case t.kind when 'word' then '{word}' when 'why' then '{word,why}' else array['word', left(t.kind, 3), t.kind] end) k (kind)
    )
    select p.institution, p.mark collate "C", uniq(sort(road.any_of(p.places))) from part p group by 1, 2;
end $$;

-- Places in a stretch as bits.
create function lib.bits(places int[]) returns bit immutable strict language plpgsql as $$
declare
    first_word constant int := places[1] / 64;
    word int := first_word;
    bits bigint := 0;
    words text := '';
    place int;
begin
    foreach place in array places loop
        if place / 64 > word then
            words := words || bits::bit(64) || repeat('0', 64 * (place / 64 - word - 1));
            word := place / 64;
            bits := 0;
        end if;
        bits := bits | (1::bigint << 63 - place % 64);
    end loop;
    return (words || bits::bit(64))::bit(32768) >> 64 * first_word;
end $$;

-- Shall what there is of a mark be bits? In a whole stretch it is leaves or bits; before, it may be both, which saves turning a few leaves
-- into bits again and again.
create function lib.as_bits(whole boolean, leaves int[], bits bit, more_bits bit) returns boolean immutable language sql as $$
    select coalesce(cardinality(leaves), 0) > case when whole then 128 else 1024 end or whole and num_nonnulls(bits, more_bits) > 0
$$;

-- Marks the next leaves of a stretch, when there are so many; how many it was. One server at a time.
create function lib.audit_index(least_entries int, most_entries int) returns int language plpgsql as $$
declare
    done bigint;
    size bigint;
    upto bigint;
    seqs bigint[];
    whole boolean;
    few int;                                                      -- more of an index run's leaves than these are bits
    nothing constant bit(32768) := 0::bit(32768);
begin
    if not pg_try_advisory_xact_lock(hashtext('mejora.index')) then
        return 0;
    end if;
    perform set_config('mejora.institution', '*', true);
    done := coalesce((select max(m.upto) from road.marked m), 0);
    size := coalesce((select max(c.size) from road.checkpoint c), 0);
    upto := least(done + most_entries, ((done >> 15) + 1) << 15);
    if upto > size then
        upto := size;
        if upto - done < least_entries then
            return 0;
        end if;
    end if;
    whole := upto & 32767 = 0;
    few := least(128, (upto - done) / 32);
    seqs := array(select l.seq from generate_series(done, upto - 1) place left join road.leaf l on l.leaf = place order by place);
    with marked as materialized (
        select * from lib.audit_marks(seqs, (done & 32767)::int, true)
    ), words as (
        insert into road.word select m.institution, w from marked m, lateral (select substr(m.mark, 6)) v (w)
         where m.mark like 'word:%' and length(w) >= 4 and w ~ '[^0-9]'
           and not exists (select from road.word x where (x.institution, x.word) = (m.institution, w)) on conflict do nothing
    ), times as (
        insert into road.marked select upto, coalesce(min(a.at), '-infinity'), coalesce(max(a.at), '-infinity')   -- all may be gone by now
          from road.audit a where a.seq = any (seqs)
    )
    insert into road.mark as had (institution, mark, stretch, leaves, bits)
    select m.institution, m.mark, done >> 15, case when cardinality(m.places) <= few then m.places end,
           case when cardinality(m.places) > few then lib.bits(m.places) end
      from marked m order by 1, 2
        on conflict (institution, mark, stretch) do update
       set leaves = case when not lib.as_bits(whole, had.leaves || excluded.leaves, had.bits, excluded.bits) then had.leaves || excluded.leaves end,
           bits = case when lib.as_bits(whole, had.leaves || excluded.leaves, had.bits, excluded.bits)
                       then coalesce(had.bits | excluded.bits, had.bits, excluded.bits, nothing)
                            | coalesce(lib.bits(had.leaves || excluded.leaves), nothing)
                       else coalesce(had.bits | excluded.bits, had.bits, excluded.bits) end;
    return upto - done;
end $$;

-- Compares dense marks of closed groups with those before them, for so long; false: all are compared.
create function lib.marks_apart(until timestamptz) returns boolean security definer set search_path = pg_catalog, pg_temp
language plpgsql as $$
declare
    m road.mark_group;
begin
    loop
        select * into m from road.mark_group g where g.dense is not null and g.apart is null order by g.institution, g.nth, g.mark limit 1;
        if not found then
            return false;
        end if;
        m.dense := m.dense || '';                                 -- fetched once, not for each that it is compared with
        update road.mark_group g
           set apart = array(select o.mark from road.mark_group o
                              where (o.institution, o.nth) = (m.institution, m.nth) and o.mark < m.mark and o.dense is not null
                                and o.dense & m.dense = 0::bit(1048576))
         where (g.institution, g.nth, g.mark) = (m.institution, m.nth, m.mark);
        exit when clock_timestamp() >= until;
    end loop;
    return true;
end $$;

-- Merges the next marks of a group of 32 whole stretches, sweeps what is merged, or compares it, about so many rows at a time and for so
-- long; false: nothing is left to be done. One server at a time. As the owner, because row-level security keeps ranges of marks from being read
-- by index.
create function lib.audit_close(most_rows int, most_ms int) returns boolean security definer set search_path = pg_catalog, pg_temp
language plpgsql as $$
declare
    until constant timestamptz := clock_timestamp() + most_ms * interval '1 millisecond';
    c road.mark_closing;
    first_stretch int;
    beyond text;                                                  -- the next time begins here; null: with another institution
    nothing constant bit(32768) := 0::bit(32768);
begin
    if not pg_try_advisory_xact_lock(hashtext('mejora.index')) then
        return true;
    end if;
    perform set_config('mejora.institution', '*', true);
    insert into road.mark_closing (nth)
    select n.nth from (select coalesce(max(nth) + 1, 0) as nth from road.mark_closing) n
     where n.nth + 1 <= (select max(m.upto) >> 20 from road.marked m) and not exists (select from road.mark_closing where phase <> 'done');
    select * into c from road.mark_closing where phase <> 'done';
    if not found then
        return lib.marks_apart(until);
    end if;
    first_stretch := 32 * c.nth;
    loop
        beyond := (select m.mark from road.mark m
                    where m.institution = c.next_institution and m.mark >= c.next_mark and m.stretch between first_stretch and first_stretch + 31
                    order by m.mark, m.stretch offset greatest(most_rows, 32) limit 1);
        if c.phase = 'merging' then
            insert into road.mark_group (institution, nth, mark, n, leaves, bits, dense)  -- from 1025 to 16384 both, from 8193 on uncompressed
            select c.next_institution, c.nth, o.mark, o.n,
                   case when o.n <= 16384
                        then array(select (m.stretch & 31) << 15 | p
                                     from road.mark m, lateral (select unnest(m.leaves) union all select lib.places(m.bits) where m.bits is not null) p (p)
                                    where (m.institution, m.mark) = (c.next_institution, o.mark) and m.stretch between first_stretch and first_stretch + 31
                                    order by 1) end,
                   case when o.n <= 8192 then all_of.bits end, case when o.n > 8192 then all_of.bits end
              from (select m.mark, sum(coalesce(cardinality(m.leaves), 0) + coalesce(bit_count(m.bits), 0))::int as n
                      from road.mark m
                     where m.institution = c.next_institution and m.mark >= c.next_mark and m.mark < coalesce(beyond, U&'\+10FFFF')
                       and m.stretch between first_stretch and first_stretch + 31
                     group by 1) o
              left join lateral (select road.joined(coalesce(m.bits, nothing) | coalesce(lib.bits(m.leaves), nothing) order by s) as bits
                                   from generate_series(first_stretch, first_stretch + 31) s
                                   left join road.mark m on (m.institution, m.mark, m.stretch) = (c.next_institution, o.mark, s)
                                                        and m.stretch between first_stretch and first_stretch + 31) all_of on o.n > 1024;
        else
            delete from road.mark m
             where m.institution = c.next_institution and m.mark >= c.next_mark and m.mark < coalesce(beyond, U&'\+10FFFF')
               and m.stretch between first_stretch and first_stretch + 31;
        end if;
        c.next_mark := coalesce(beyond, '');
        if beyond is null then
            c.next_institution := (select m.institution from road.mark m where m.institution > c.next_institution order by m.institution limit 1);
            if c.next_institution is null then
                c.next_institution := '';
                c.phase := case c.phase when 'merging' then 'sweeping' else 'done' end;
            end if;
        end if;
        exit when c.phase = 'done' or clock_timestamp() >= until;
    end loop;
    update road.mark_closing m set phase = c.phase, next_institution = c.next_institution, next_mark = c.next_mark where m.nth = c.nth;
    return true;
end $$;

-- One thing a question asks for: an entry has one of the marks, or (word) one of this kind that sounds like the word.
create type lib.wanted as (marks text[], kind text, word text);
create type lib.found as (leaf bigint, entry road.audit);

-- A slip of the hand or a plural; short words are what they are.
create function lib.sounds_like(word text, other text) returns boolean immutable language sql
set search_path = pg_catalog, mejora, public as $$
    select word = other or length(other) >= 4 and length(word) <= 40
           and levenshtein_less_equal(word, left(other, 40), case when length(other) < 6 then 1 else 2 end)
                   <= case when length(other) < 6 then 1 else 2 end
$$;

create function lib.words_like(institution text, word text) returns text[] stable language sql
set search_path = pg_catalog, mejora, public as $$
    select array(select distinct w.word collate "C"
                   from road.word w where w.word % words_like.word and (words_like.institution = '*' or w.institution = words_like.institution)
                    and lib.sounds_like(w.word, words_like.word)
                  union select words_like.word collate "C")
$$;

-- What is not marked yet is read: what was sealed since, and behind it what is not sealed, in the order in which it will be.
create function lib.audit_fresh(scope text, wanted lib.wanted[], since timestamptz, until timestamptz, from_leaf bigint, past bigint,
                                oldest_first boolean, max_entries int) returns setof lib.found
stable language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    sealed xid8 := coalesce((select c.xid from road.checkpoint c order by c.size desc limit 1), '0');
begin
    sealed := case when sealed < pg_snapshot_xmax(pg_current_snapshot()) then sealed else '0' end;   -- as lib.unsealed
    return query with last as (
        select past as seq, (select a.xid from road.audit a where a.seq = past) as xid,   -- which may be gone by now
               (select l.leaf from road.leaf l where l.seq = past) as leaf where past is not null
    ), entry as materialized (
        select e.leaf, e.a
          from (select l.leaf, a from road.leaf l join road.audit a on a.seq = l.seq where l.leaf >= from_leaf
                union all
                select null, a from road.audit a
                 where a.xid >= sealed and (select l.leaf from road.leaf l where l.seq = a.seq) is null) e
          left join last on true
         where (scope = '*' or (e.a).institution = scope)
           and (since is null or (e.a).at >= since) and (until is null or (e.a).at < until)
           and (past is null or case when oldest_first then (coalesce(e.leaf, 1::bigint << 62), (e.a).xid, (e.a).seq)
                                                          > (coalesce(last.leaf, 1::bigint << 62), last.xid, last.seq)
                                     else (coalesce(e.leaf, 1::bigint << 62), (e.a).xid, (e.a).seq)
                                        < (coalesce(last.leaf, 1::bigint << 62), last.xid, last.seq) end)
    ), page as materialized (
        select array_agg((e.a).seq) as seqs from entry e
    ), marked as (
        select page.seqs[place] as seq, array_agg(m.mark) as marks
          from page, lib.audit_marks(page.seqs, 1, exists (select from unnest(wanted) w, unnest(w.marks) m
                                                            where m ~ '^(word|why|field|old|new)')) m, unnest(m.places) place
         group by 1
    )
    select e.leaf, e.a from entry e join marked m on m.seq = (e.a).seq
     where not exists (select from unnest(wanted) w
                        where not w.marks && m.marks
                          and not coalesce((select bool_or(lib.sounds_like(substr(x, length(w.kind) + 1), w.word))
                                              from unnest(m.marks) x where starts_with(x, w.kind)), false))
     order by case when oldest_first then 1 else -1 end * coalesce(e.leaf, 1::bigint << 62),
              case when oldest_first then (e.a).xid end, case when oldest_first then (e.a).seq end, (e.a).xid desc, (e.a).seq desc
     limit max_entries;
end $$;

-- The entries of these leaves, so many at most. In the order of the index, so that no more are read; a bitmap would begin with all of them,
-- and so would a sort by what is worked out from a direction: hence a statement for each.
create function lib.leaves_read(leaves bigint[], since timestamptz, until timestamptz, oldest_first boolean, most int) returns setof lib.found
stable language plpgsql set enable_bitmapscan = off as $$
begin
    if oldest_first then
        return query select l.leaf, a from road.leaf l join road.audit a on a.seq = l.seq
                      where l.leaf = any (leaves) and (since is null or a.at >= since) and (until is null or a.at < until)
                      order by l.leaf limit most;
    else
        return query select l.leaf, a from road.leaf l join road.audit a on a.seq = l.seq
                      where l.leaf = any (leaves) and (since is null or a.at >= since) and (until is null or a.at < until)
                      order by l.leaf desc limit most;
    end if;
end $$;

-- The entries that have all that is wanted, in the order of the log or from its end; past: those beyond this one.
create function lib.audit_find(scope text, wanted lib.wanted[], since timestamptz, until timestamptz, past bigint, oldest_first boolean,
                               max_entries int) returns setof lib.found
stable language plpgsql set search_path = pg_catalog, mejora, public as $$
#variable_conflict use_variable
declare
    done bigint := coalesce((select max(m.upto) from road.marked m), 0);
    first_leaf bigint := lib.leaf_since(since);
    end_leaf bigint := least(lib.leaf_until(until), done);
    past_leaf bigint := (select l.leaf from road.leaf l where l.seq = past);
    scopes text[] := lib.mark_scopes(scope);
    sign int := case when oldest_first then 1 else -1 end;
    rest int := max_entries;
    units int[];
    begun int := 1;
    many int;
    dated constant boolean := num_nonnulls(since, until) > 0;     -- not all that is marked at once may be of that time
    begins constant timestamptz := case when oldest_first then since else until end;
    page int := case when max_entries is null then 4096 when begins is null then max_entries else greatest(max_entries, 200) end;
    beyond int;
    stretches int;
    hits bigint[];
    n int;
begin
    if past_leaf is not null and oldest_first then
        first_leaf := greatest(first_leaf, past_leaf + 1);
    elsif past_leaf is not null then
        end_leaf := least(end_leaf, past_leaf);
    end if;
    if not oldest_first and coalesce(past_leaf >= done, true) then
        return query select * from lib.audit_fresh(scope, wanted, since, until, done, past, false, rest);
        get diagnostics n = row_count;
        rest := rest - n;
    end if;
    if not (oldest_first and past is not null and past_leaf is null) then   -- else all is behind us
        select * into wanted, units, many from lib.mark_units(scopes, wanted, first_leaf, end_leaf, sign, page);
    end if;
    while begun <= cardinality(units) and coalesce(rest > 0, true) loop
        beyond := begun;
        stretches := 0;
        while stretches < many and beyond <= cardinality(units) loop
            stretches := stretches + case when units[beyond] < 0 then 32 else 1 end;
            beyond := beyond + 1;
        end loop;
        hits := array(select lib.mark_hits(scopes, wanted, units[begun:beyond - 1], first_leaf, end_leaf, sign, page));
        return query select * from lib.leaves_read(hits, since, until, oldest_first, rest);
        get diagnostics n = row_count;
        rest := rest - n;
        n := cardinality(hits);
        if n < page then
            begun := beyond;
            many := lib.stretches_for(page, n::float / stretches);
        elsif oldest_first then
            first_leaf := hits[n] + 1;
        else
            end_leaf := hits[n];
        end if;
        page := case when not dated then coalesce(rest, page) when n = page then least(4 * page, 4096) else page end;
    end loop;
    if oldest_first and coalesce(rest > 0, true) then
        return query select * from lib.audit_fresh(scope, wanted, since, until, done, past, true, rest);
    end if;
end $$;

-- Where to begin and to end for a time. A clock that was put back by more than a day would mislead them.
create function lib.leaf_since(since timestamptz) returns bigint stable language sql as $$
    select case when since is null then 0 else coalesce(
               (select m.upto from road.marked m where m.upto <
                    (select min(m.upto) from road.marked m
                      where m.last_at >= since and m.last_at <= interval '1 day' +
                            (select m.last_at from road.marked m where m.last_at >= since order by m.last_at limit 1))
                 order by m.upto desc limit 1), case when since > (select max(m.last_at) from road.marked m) then 1::bigint << 62 else 0 end) end
$$;
create function lib.leaf_until(until timestamptz) returns bigint stable language sql as $$
    select case when until is null then 1::bigint << 62 else coalesce(
               (select max(m.upto) from road.marked m
                 where m.first_at < until and m.first_at >= -interval '1 day' +
                       (select m.first_at from road.marked m where m.first_at < until order by m.first_at desc limit 1)), 0) end
$$;

-- The institutions that have marks: one after the other by index.
create function lib.mark_scopes(scope text) returns text[] stable language sql as $$
    with recursive one (institution) as (
        select '' collate "C" where scope = '*'
        union all
        select least((select m.institution from road.mark m where m.institution > o.institution order by m.institution limit 1),
                     (select m.institution from road.mark_group m where m.institution > o.institution order by m.institution limit 1))
          from one o where o.institution is not null
    )
    select case when scope = '*' then array(select o.institution from one o where o.institution <> '') else array[scope] end
$$;

-- How many stretches to look through for so many leaves when so many are expected in each: some more, for chance, but at most 64 groups, which
-- are 8 MB for each thing wanted.
create function lib.stretches_for(leaves int, expected float) returns int immutable language sql as $$
    select least(ceil(1.3 * leaves / nullif(expected, 0)), 2048)::int
$$;

-- The stretches, and the closed groups (as -1 - n), in which each wanted mark is somewhere and none is known never to meet another; what is
-- wanted, the rarest first; and how many stretches so many leaves are likely to take.
create function lib.mark_units(scopes text[], inout wanted lib.wanted[], first_leaf bigint, end_leaf bigint, sign int, leaves int,
                               out units int[], out many int)
stable language plpgsql set search_path = pg_catalog, mejora, public as $$
#variable_conflict use_variable
declare
    closed int[] := array(select c.nth from road.mark_closing c where c.phase <> 'merging' and c.nth between first_leaf >> 20 and (end_leaf - 1) >> 20);
    open_stretch int := 32 * coalesce((select max(c.nth) + 1 from road.mark_closing c where c.phase <> 'merging'), 0);
    single text[] := array(select w.marks[1] from unnest(wanted) w where cardinality(w.marks) = 1);
    rarest lib.wanted[] := '{}';
    met float := 32768;                                           -- in a stretch
    one record;
begin
    for one in
        select w as wanted, g.n, g.nths || array(select distinct m.stretch from road.mark m
                                                  where m.institution = any (scopes) and m.mark = any (w.marks)
                                                    and m.stretch between greatest(first_leaf >> 15, open_stretch) and (end_leaf - 1) >> 15) as units
          from unnest(wanted) w,
               lateral (select coalesce(sum(m.n), 0) as n, coalesce(array_agg(distinct -1 - m.nth), '{}') as nths from road.mark_group m
                         where m.institution = any (scopes) and m.nth = any (closed) and m.mark = any (w.marks)
                           and not coalesce(m.apart && single, false)) g
         order by g.n
    loop
        rarest := rarest || one.wanted;
        met := met * one.n / nullif(1048576.0 * cardinality(closed), 0);
        units := case when units is null then one.units else units & one.units end;
        exit when units = '{}';
    end loop;
    wanted := case units when '{}' then wanted else rarest end;   -- not all of it came up when nothing has all
    units := array(select u from unnest(units) u order by sign * case when u < 0 then 32 * (-1 - u) else u end);
    many := case when met is null then 1 else lib.stretches_for(leaves, met) end;
end $$;

-- The marks of a stretch, or (as -1 - n) of a closed group; of what a group has as leaves and as bits, the leaves where there are so few.
create function lib.unit_marks(scopes text[], marks text[], unit int, few int) returns table (leaves int[], bits bit varying) stable language sql as $$
    select m.leaves, m.bits from road.mark m
     where unit >= 0 and m.institution = any (unit_marks.scopes) and m.mark = any (unit_marks.marks) and m.stretch = unit
    union all
    select case when leaf.one then m.leaves end, case when not leaf.one then coalesce(m.dense, m.bits) end
      from road.mark_group m,
           lateral (select m.leaves is not null and (m.n <= few or coalesce(m.dense, m.bits) is null)) leaf (one)
     where unit < 0 and m.institution = any (unit_marks.scopes) and m.nth = -1 - unit and m.mark = any (unit_marks.marks)
$$;

-- What these stretches and groups have of all that is wanted where that is many marks each, one after the other until there are so many
-- leaves of it. As it is kept, but it may be both: leaves, and bits for others.
create function lib.units_meet(scopes text[], wanted lib.wanted[], units int[], first_leaf bigint, end_leaf bigint, most int)
returns table (base bigint, size int, leaves int[], bits bit varying) stable language plpgsql set search_path = pg_catalog, mejora, public as $$
#variable_conflict use_variable
declare
    unit int;
    w lib.wanted;
    more int[];
    others bit varying;
    n bigint := 0;
begin
    foreach unit in array units loop
        base := case when unit < 0 then (-1 - unit)::bigint << 20 else unit::bigint << 15 end;
        size := case when unit < 0 then 1048576 else 32768 end;
        continue when base + size <= first_leaf or base >= end_leaf;
        exit when n >= most;
        for i in 1..cardinality(wanted) loop
            w := wanted[i];
            if i > 1 and bits is null then                        -- few so far: only those are looked up
                select coalesce(road.any_of(case when m.bits is null then m.leaves & leaves
                                                 else coalesce(m.leaves & leaves, '{}') | array(select p from unnest(leaves) p where get_bit(m.bits, p) = 1)
                                            end), '{}')
                  into leaves
                  from (select u.leaves, u.bits || '' as bits from lib.unit_marks(scopes, w.marks, unit, 16384) u offset 0) m;
            else
                select road.any_of(m.leaves), bit_or(m.bits) into more, others
                  from lib.unit_marks(scopes, w.marks, unit, case when i = 1 and cardinality(w.marks) = 1 then 8192 else 0 end) m;
                if i = 1 then
                    leaves := more;
                    bits := others;
                else
                    if num_nonnulls(leaves, more) > 0 then
                        bits := bits || '';                       -- at hand, for single bits are looked up
                        others := others || '';
                        leaves := coalesce(leaves & more, '{}') | array(select p from unnest(leaves) p where get_bit(others, p) = 1)
                                  | array(select p from unnest(more) p where get_bit(bits, p) = 1);
                    end if;
                    bits := bits & others;
                    if bits = 0::bit(1048576) or bits = 0::bit(32768) then
                        bits := null;
                    end if;
                end if;
            end if;
            exit when bits is null and coalesce(leaves = '{}', true);
        end loop;
        continue when bits is null and coalesce(leaves = '{}', true);
        if bits is not null then
            bits := bits || '';
            leaves := array(select p from unnest(leaves) p where get_bit(bits, p) = 0);
        end if;
        if base >= first_leaf and base + size <= end_leaf then
            n := n + coalesce(cardinality(leaves), 0) + coalesce(bit_count(bits), 0);
        end if;
        return next;
    end loop;
end $$;

create function lib.places(bits bit varying) returns setof int immutable language sql as $$
    select 64 * word + 8 * byte + one
      from generate_series(0, length(bits) / 64 - 1) word, generate_series(0, 7) byte, generate_series(0, 7) one
     where substring(bits from 64 * word + 1 for 64) <> 0::bit(64) and substring(bits from 64 * word + 8 * byte + 1 for 8) <> 0::bit(8)
       and get_bit(bits, 64 * word + 8 * byte + one) = 1
$$;

-- The next leaves of these stretches and groups that have all that is wanted, at most so many. In a group, what is kept as leaves is compared
-- as leaves, unless more than 4096 of them were to be looked up one by one in what is not. What is left as bits becomes leaves by
-- the stretch and its sixteenths, and no more of it than it takes; where a sixteenth has one, zero bytes are trimmed before it, which takes
-- a tenth of position(B'1' in bits).
create function lib.mark_hits(scopes text[], wanted lib.wanted[], units int[], first_leaf bigint, end_leaf bigint, sign int, most int)
returns setof bigint stable language plpgsql set search_path = pg_catalog, mejora, public as $$
declare                                                           -- what is one mark each is compared in all of them at once
    single boolean := cardinality(scopes) = 1 and (select bool_and(cardinality(w.marks) = 1) from unnest(wanted) w);
begin
    return query with every (base, size, n, leaves, bits) as (
        select m.stretch::bigint << 15, 32768, count(*), road.all_of(m.leaves) filter (where m.bits is null),
               bit_and(case when num_nulls(m.leaves, m.bits) > 0 then m.bits else m.bits | lib.bits(m.leaves) end)::bit varying
          from unnest(wanted) w join road.mark m on m.institution = scopes[1] and m.mark = w.marks[1] and m.stretch = any (units)
         where single group by m.stretch
        union all
        select g.nth::bigint << 20, 1048576, count(*), road.all_of(g.leaves) filter (where g.as_leaves),
               bit_and(coalesce(g.dense, g.bits)) filter (where not g.as_leaves) || ''   -- at hand, for single bits are looked up
          from (select m.nth, m.leaves, m.bits, m.dense,
                       m.leaves is not null and (min(m.n) over one <= 4096 or bool_and(m.leaves is not null) over one) as as_leaves
                  from unnest(wanted) w join road.mark_group m
                    on m.institution = scopes[1] and m.mark = w.marks[1] and m.nth = any (array(select -1 - u from unnest(units) u where u < 0))
                 where single window one as (partition by m.nth)) g
         group by g.nth
    ), met (base, size, places, bits) as materialized (
        select e.base, e.size, case when e.bits is null then e.leaves
                                    else array(select l.p from (select unnest(e.leaves) as p offset 0) l where get_bit(e.bits, l.p) = 1) end,
               case when e.leaves is null then nullif(e.bits, 0::bit(1048576)) end
          from every e where e.n = cardinality(wanted)
        union all
        select m.* from lib.units_meet(scopes, wanted, units, first_leaf, end_leaf, most) m where not single
    ), stretch (base, size, places, bits, n) as (
        select m.base, m.size, m.places, null, cardinality(m.places) from met m where m.places <> '{}'
        union all
        select m.base + 32768 * nth, 32768, null, s.bits, bit_count(s.bits)
          from met m, generate_series(0, m.size / 32768 - 1) nth, lateral (select substring(m.bits from 32768 * nth + 1 for 32768)) s (bits)
         where s.bits <> 0::bit(32768)
    ), near as materialized (
        select s.*, sum(case when s.base >= first_leaf and s.base + s.size <= end_leaf then s.n else 0 end)
                    over (partition by s.size order by sign * s.base rows between unbounded preceding and 1 preceding) as before
          from stretch s where s.base + s.size > first_leaf and s.base < end_leaf
    ), part (base, bits, n, before) as (
        select n.base + 2048 * nth, p.bits, p.n,
               sum(case when n.base + 2048 * nth >= first_leaf and n.base + 2048 * (nth + 1) <= end_leaf then p.n else 0 end)
               over (order by sign * (n.base + 2048 * nth) rows between unbounded preceding and 1 preceding)
          from near n, generate_series(0, 15) nth, lateral (select b, bit_count(b) as n from substring(n.bits from 2048 * nth + 1 for 2048) b) p (bits, n)
         where n.places is null and coalesce(n.before, 0) < most and p.n > 0
    ), hit (leaf) as materialized (
        select n.base + place from near n, unnest(n.places) place where coalesce(n.before, 0) < most
        union all
        select p.base + first.place + position(B'1' in substring(p.bits from first.place + 1 for 8)) - 1
          from part p, lateral (select 8 * (256 - octet_length(ltrim(substr(varbit_send(p.bits), 5), '\x00'))) offset 0) first (place)
         where p.n = 1 and coalesce(p.before, 0) < most
        union all
        select p.base + place from part p, lib.places(p.bits) place where p.n > 1 and coalesce(p.before, 0) < most
    )
    select h.leaf from hit h where h.leaf >= first_leaf and h.leaf < end_leaf order by sign * h.leaf limit most;
end $$;

create function lib.day_begins(institution text, day date) returns timestamptz stable language sql as $$
    select day::timestamp at time zone coalesce((select i.time_zone from mejora.institution i where i.institution = day_begins.institution), 'UTC')
$$;

-- What is wrong with a question.
create function lib.audit_refuse(institution text, who text, unit text, variadic texts text[] default '{}')
returns table (outcome mejora.outcome, error text, error_args text[]) stable language sql as $$
    select m.* from lib.missing(institution, null, null) m
    union all
    select 'not_found', 'no_such_person', array[who]
     where who !~ '/' and not exists (select from mejora.person p where p.code = who)
    union all
    select 'not_found', 'no_such_unit', array[unit]
     where unit is not null and institution <> '*' and lib.unit_find(institution, unit) is null
    union all
    select 'invalid', 'no_words', array[t] from unnest(texts) t where t is not null and not exists (select from lib.words(t))
$$;

create function lib.words_marks(institution text, kind text, word text) returns text[] stable language sql as $$
    select array(select kind || w from unnest(lib.words_like(institution, word)) w)
$$;

-- A question as marks. What is rarest comes first where that can be foreseen. In plpgsql, to be planned but once.
create function lib.audit_wanted(institution text, plan int, item_no int, task_no int, who text, unit text, op text,
                                 result mejora.audit_outcome, key bigint, role mejora.role, field text, was text, now text, reason text,
                                 text text, refusal mejora.outcome) returns lib.wanted[] stable language plpgsql as $$
begin
    return (select coalesce(array_agg(row(w.marks, w.kind, w.word)::lib.wanted), array[row('{""}', null, null)::lib.wanted])
              from (select lib.words_marks(institution, 'word:', word), 'word:', word from lib.words(text) word
                    union all select lib.words_marks(institution, 'why:', word), 'why:', word from lib.words(reason) word
                    union all select array['task:' || plan || '/' || item_no || '.' || task_no], null, null
                    union all select array['item:' || plan || '/' || item_no], null, null
                    union all select array['plan:' || plan], null, null where item_no is null
                    union all select coalesce((select array_agg('person:' || p.id) from mejora.person p where who in (p.code, p.institution || '/' || p.code)),
                                              array['who:' || who]), null, null where who is not null
                    union all select array['key:' || key], null, null
                    union all select array['unit:' || case institution when '*' then unit else lib.unit_find(institution, unit) end], null, null where unit is not null
                    union all select array['old' || coalesce('.' || field, '') || ':' || word], null, null from lib.words(was) word
                    union all select array['new' || coalesce('.' || field, '') || ':' || word], null, null from lib.words(now) word
                    union all select array['field:' || field], null, null
                    union all select array['op:' || op], null, null
                    union all select array['outcome:' || refusal], null, null
                    union all select array['role:' || role], null, null
                    union all select array[case result when 'ok' then 'outcome:ok' else 'refused' end], null, null where result is not null
                   ) w (marks, kind, word)
             where w.marks[1] is not null);
end $$;

-- What an export of some entries has of these leaves, so many at most: the entries wanted, those that are gone, which may have been
-- some of them, and those that account for what is gone.
create function lib.leaves_wanted(scope text, wanted lib.wanted[], since timestamptz, until timestamptz, from_leaf bigint, beyond bigint,
                                  max_leaves int) returns bigint[] stable language plpgsql as $$
declare
    past bigint := (select l.seq from road.leaf l where l.leaf = from_leaf - 1);
    ret bigint[];
begin
    ret := array(select f.leaf from lib.audit_find(scope, wanted, since, until, past, true, max_leaves) f where f.leaf < beyond);
    if cardinality(ret) = max_leaves then                         -- there are more: no need to look further for the others
        beyond := ret[max_leaves];
    end if;
    return array(select unnest(ret)
                 union
                 select f.leaf from lib.audit_find(scope, array[row('{op:audit_prune}', null, null)::lib.wanted], null, null, past, true, max_leaves) f
                  where f.leaf < beyond
                 union
                 select l.leaf from road.leaf l
                  where l.leaf >= from_leaf and l.leaf < beyond and (scope = '*' or l.about = scope)
                    and not exists (select from road.audit a where a.seq = l.seq)
                 order by 1 limit max_leaves);
end $$;

-- A cursor says behind which entry to go on and when the first page was asked for: what came later, such as the entry about the
-- question itself, stays out. It is good for the same question by the same person.
create function lib.cursor_sign(body bytea, me int, question text) returns bytea stable language sql as $$
    select substring(sha256(k.key || sha256(k.key || body || int4send(me) || convert_to(question, 'UTF8'))) for 16) from road.cursor_key k
$$;
create function lib.cursor_make(seq bigint, at timestamptz, me int, question text) returns text stable language sql as $$
    select encode(body || lib.cursor_sign(body, me, question), 'hex')
      from (select int8send(seq) || int8send((extract(epoch from at) * 1000000)::bigint)) b (body)
$$;
create function lib.cursor_read(cursor text, me int, question text, out seq bigint, out at timestamptz) stable language sql as $$
    select ('x' || left(cursor, 16))::bit(64)::bigint,
           timestamptz 'epoch' + ('x' || substr(cursor, 17, 16))::bit(64)::bigint * interval '1 microsecond'
     where case when cursor ~ '^[0-9a-f]{64}$'
                then lib.cursor_sign(decode(left(cursor, 32), 'hex'), me, question) = decode(substr(cursor, 33), 'hex') end
$$;
