drop trigger organizations_notify_owner_update on organizations;
drop trigger organizations_notify_owner on organizations;
drop trigger users_notify_owner_update on users;
drop trigger users_notify_owner on users;
drop trigger namespaces_notify_owner_update on namespaces;
drop trigger namespaces_notify_owner on namespaces;
drop function notify_owner();
