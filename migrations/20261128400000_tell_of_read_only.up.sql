-- While the hub takes no changes, whoever switched it so tells people why.
set local lock_timeout = '10s';
alter table flag_changes add column told text;
