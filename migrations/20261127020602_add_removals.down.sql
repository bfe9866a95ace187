drop index moderation_acts_removals_idx;
alter table moderation_covers drop constraint moderation_covers_kind_check;
alter table moderation_covers add constraint moderation_covers_kind_check
    check (kind in ('repo', 'comment', 'discussion', 'lock', 'collection', 'user')) not valid;
alter table moderation_acts drop constraint moderation_acts_act_check;
alter table moderation_acts add constraint moderation_acts_act_check
    check (act in ('dismiss', 'hide_comment', 'lock_discussion', 'hide_discussion', 'disable_repo', 'disable_repos', 'hide_collection',
                   'suspend_user', 'ban_user', 'restore')) not valid;
