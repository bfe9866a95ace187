drop index events_actor_pk_created_at_idx;
drop table follows;
