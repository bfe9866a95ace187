drop table access_request_mails;
drop table access_requests;
