alter table conversions drop column asks;
