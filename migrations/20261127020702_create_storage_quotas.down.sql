drop table storage_quotas;
