drop table deleted_webhooks;
