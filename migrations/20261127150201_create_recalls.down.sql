drop table recall_told;
drop table recall_files;
drop table recalls;
drop function audit_recall();
