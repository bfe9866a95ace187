drop table sign_ins;
alter table sessions drop column address;
