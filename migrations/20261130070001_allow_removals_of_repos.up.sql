-- Moderators remove one repository, and limit, suspend and remove organisations. A suspended or removed organisation changes nothing.
set local lock_timeout = '10s';
alter table moderation_acts drop constraint moderation_acts_act_check;
alter table moderation_acts add constraint moderation_acts_act_check
    check (act in ('dismiss', 'hide_comment', 'lock_discussion', 'hide_discussion', 'disable_repo', 'disable_repos', 'remove_repo',
                   'hide_collection', 'suspend_user', 'ban_user', 'remove_user', 'limit_user', 'label_repo', 'limit_organization',
                   'suspend_organization', 'remove_organization', 'restore')) not valid;
alter table moderation_covers drop constraint moderation_covers_kind_check;
alter table moderation_covers add constraint moderation_covers_kind_check
    check (kind in ('repo', 'comment', 'discussion', 'lock', 'collection', 'user', 'profile', 'picture', 'deleted', 'limit', 'unlisted',
                    'label', 'organization'))
    not valid;
