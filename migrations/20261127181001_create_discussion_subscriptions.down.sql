drop table discussion_subscriptions;
