-- Nothing to take back: the constraints go with their columns.
select 1;
