-- A repository, or an organisation for all of its own, can refuse files that run code when they are loaded.
set local lock_timeout = '10s';
alter table repos add column refuses_pickles boolean not null default false;
alter table organizations add column refuses_pickles boolean not null default false;
