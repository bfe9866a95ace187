drop table download_keys;
drop table download_clients;
drop table download_hours;
