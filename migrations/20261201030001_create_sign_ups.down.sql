-- Sign-ups whose link was not opened are gone: people sign up again.
set local lock_timeout = '10s';
drop table sign_ups;
