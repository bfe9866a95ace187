alter table organizations drop column refuses_pickles;
alter table repos drop column refuses_pickles;
