drop table repo_scans;
drop table repo_scanned_blobs;
drop table file_scans;
