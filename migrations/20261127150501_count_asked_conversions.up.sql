-- How often a conversion was asked for in the day since: who asks again and again for what fails reaches the limit as well.
alter table conversions add column asks integer not null default 1;
