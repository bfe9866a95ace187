delete from jobs where kind = 'convert_weights';
drop table conversions;
