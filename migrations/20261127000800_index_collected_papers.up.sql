-- Collections are listed by a paper that is in them: without this, all items of all collections are read for it.
set local lock_timeout = '10s';
create index collection_items_paper_only_idx on collection_items (paper) where paper is not null;
