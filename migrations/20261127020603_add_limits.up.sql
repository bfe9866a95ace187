-- Accounts whose new repositories are in no list, no search and no notification.
set local lock_timeout = '10s';
-- Whose new things are in no list; and the things.
alter table users add column limited_at timestamptz;
alter table repos add column unlisted boolean not null default false;
create function keep_unlisted() returns trigger language plpgsql as $$
begin
    new.unlisted := exists (select from users where limited_at is not null and user_pk in (new.created_by, new.namespace_pk));
    return new;
end $$;
create trigger repos_keep_unlisted before insert on repos for each row execute function keep_unlisted();
create trigger repos_search_unlisted after update of unlisted on repos for each row
    when (new.repo_type <> 'bucket' and old.unlisted is distinct from new.unlisted) execute function note_search_change();
