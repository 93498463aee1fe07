-- After a restore from a backup nothing may go out by itself: what was sent since then would be sent again. The server
-- asks here at its start, and every minute, with what it keeps in its state directory: a mark, and how far the audit
-- trail had come.

-- mark: a random word, then what tells the file from a copy of it. The database was restored or copied when it is not
-- where any server knew it (another cluster, or made anew there), when it is behind what this server saw, or when the
-- mark is a copy. A server that is new to a database that is where it was is just new.
create function lib.home_claim(mark text, reached bigint, out held boolean, out now_at bigint) language plpgsql as $$
#variable_conflict use_variable
declare
    place text := (select c.system_identifier || '/' || d.oid
                     from pg_control_system() c, pg_database d where d.datname = current_database());
begin
    perform set_config('mejora.institution', '*', true),
            pg_advisory_xact_lock(hashtextextended('mejora.home', 0));
    now_at := coalesce((select max(a.seq) from road.audit a), 0);
    held := exists (select from road.home)
            and (not exists (select from road.home h where h.place = place)
                 or now_at < reached
                 or (select coalesce(bool_and(h.mark <> mark), false) from road.home h
                      where split_part(h.mark, '.', 1) = split_part(mark, '.', 1)));
    if held then
        insert into mejora.reminder_pause (institution, plan, held)
        select i.institution, 0, true from mejora.institution i where i.institution <> '*'
            on conflict on constraint reminder_pause_pkey do update set held = true;
    end if;
    insert into road.home (mark, place) values (mark, place) on conflict do nothing;
end $$;
