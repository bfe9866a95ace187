alter table users drop column new_email;
drop table mail_links;
