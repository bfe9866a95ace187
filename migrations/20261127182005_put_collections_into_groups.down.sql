-- Without their group, all members of the organisation would see what is private in it.
delete from collections where private and resource_group_pk is not null;
alter table collections drop column resource_group_pk;
