-- What was validated stays so.
select 1;
