-- They go with `keep_hidden_comments`.
select 1;
