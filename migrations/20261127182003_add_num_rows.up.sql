-- How many rows a dataset has by its card, as lists sort by it; zero for what is not known. What there is already is derived again
-- in the background.
set local lock_timeout = '10s';
alter table repos add column num_rows bigint not null default 0;
