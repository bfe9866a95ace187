-- What such acts covered stays as it is.
set local lock_timeout = '10s';
alter table moderation_covers drop constraint moderation_covers_kind_check;
alter table moderation_covers add constraint moderation_covers_kind_check
    check (kind in ('repo', 'comment', 'discussion', 'lock', 'collection', 'user', 'profile', 'picture', 'deleted', 'limit', 'unlisted',
                    'label'))
    not valid;
alter table moderation_acts drop constraint moderation_acts_act_check;
alter table moderation_acts add constraint moderation_acts_act_check
    check (act in ('dismiss', 'hide_comment', 'lock_discussion', 'hide_discussion', 'disable_repo', 'disable_repos', 'hide_collection',
                   'suspend_user', 'ban_user', 'remove_user', 'limit_user', 'label_repo', 'restore')) not valid;
