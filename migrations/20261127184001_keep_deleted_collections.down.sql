drop table deleted_collections;
