-- What watchers ask for: an institution's part of the sealed log from a place on.

create index on road.leaf (about, leaf);
