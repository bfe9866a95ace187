drop table collection_upvotes;
drop table collection_items;
drop table collections;
