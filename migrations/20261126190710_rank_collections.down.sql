alter table collections drop column trending;
