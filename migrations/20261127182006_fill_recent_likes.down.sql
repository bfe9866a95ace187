-- The columns go with `count_recent_likes`.
select 1;
