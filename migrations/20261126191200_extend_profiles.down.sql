drop table pictures;
alter table organizations drop column links;
alter table organizations drop column homepage;
alter table users drop column links;
alter table users drop column homepage;
