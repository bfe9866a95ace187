drop table site_banner;
