-- A password that the hub made for somebody works until then, and only to be changed. Null for those that people chose.
set local lock_timeout = '10s';
alter table users add column password_ends_at timestamptz;
