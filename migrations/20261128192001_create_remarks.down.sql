-- Without remarks, their comments stay as comments like others.
set local lock_timeout = '10s';
drop table remark_replies;
drop table remark_threads;
