drop table repo_scans;
drop table file_scans;
