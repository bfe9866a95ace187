-- Each statement says it for itself.
set local lock_timeout = '10s';
drop function has_other_judges(bigint, bigint);
