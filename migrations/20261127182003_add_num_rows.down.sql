alter table repos drop column num_rows;
