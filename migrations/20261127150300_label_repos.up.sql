-- Repositories that are not for all audiences: as their card says, or their owner, or moderators. All of it is one tag.
set local lock_timeout = '10s';
alter table repos add column labelled_by_owner boolean not null default false;
alter table repos add column labelled_by_moderators boolean not null default false;
-- Whether somebody is shown them without being asked.
alter table users add column shows_labelled boolean not null default false;

-- Tags are derived from the card again and again: what others said stays in them.
create function keep_label() returns trigger language plpgsql as $$
declare
    label constant text := 'not-for-all-audiences';
begin
    if new.labelled_by_owner or new.labelled_by_moderators then
        if not label = any(new.tags) then
            new.tags := new.tags || label;
        end if;
    elsif not coalesce(new.card -> 'tags' ? label, false) then
        new.tags := array_remove(new.tags, label);
    end if;
    return new;
end $$;
create trigger repos_keep_label before update on repos for each row
    when (new.labelled_by_owner or new.labelled_by_moderators or old.labelled_by_owner or old.labelled_by_moderators)
    execute function keep_label();

alter table moderation_acts drop constraint moderation_acts_act_check;
alter table moderation_acts add constraint moderation_acts_act_check
    check (act in ('dismiss', 'hide_comment', 'lock_discussion', 'hide_discussion', 'disable_repo', 'disable_repos', 'hide_collection',
                   'suspend_user', 'ban_user', 'remove_user', 'limit_user', 'label_repo', 'restore')) not valid;
alter table moderation_covers drop constraint moderation_covers_kind_check;
alter table moderation_covers add constraint moderation_covers_kind_check
    check (kind in ('repo', 'comment', 'discussion', 'lock', 'collection', 'user', 'profile', 'picture', 'deleted', 'limit', 'unlisted',
                    'label'))
    not valid;
