alter table moderation_covers drop constraint moderation_covers_kind_check;
alter table moderation_covers add constraint moderation_covers_kind_check
    check (kind in ('repo', 'comment', 'discussion', 'lock', 'collection', 'user', 'profile', 'picture', 'deleted', 'limit', 'unlisted'))
    not valid;
alter table moderation_acts drop constraint moderation_acts_act_check;
alter table moderation_acts add constraint moderation_acts_act_check
    check (act in ('dismiss', 'hide_comment', 'lock_discussion', 'hide_discussion', 'disable_repo', 'disable_repos', 'hide_collection',
                   'suspend_user', 'ban_user', 'remove_user', 'limit_user', 'restore')) not valid;
drop trigger repos_keep_label on repos;
drop function keep_label();
alter table users drop column shows_labelled;
alter table repos drop column labelled_by_moderators;
alter table repos drop column labelled_by_owner;
