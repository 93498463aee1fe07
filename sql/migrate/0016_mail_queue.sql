-- Whose turn it is is read off an index, however many wait since the same moment; and a lease changes a mail in its place.

drop index mejora.mail_not_before_idx;
create index on mejora.mail (not_before, mail) where ended_at is null;
alter table mejora.mail set (fillfactor = 60);
