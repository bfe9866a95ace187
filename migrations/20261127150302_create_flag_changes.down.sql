drop table flag_changes;
