alter table repos drop column derived_version;
