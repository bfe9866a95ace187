drop table access_requests;
