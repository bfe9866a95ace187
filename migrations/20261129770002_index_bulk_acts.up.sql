-- All acts of one submission are looked up by their number. By itself: what was done before is read without keeping readers out.
set local lock_timeout = '10s';
create index moderation_acts_batch_idx on moderation_acts (batch, act_pk) where batch is not null;
