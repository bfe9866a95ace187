drop table deleted_resource_groups;
