-- Accounts that their owners want deleted: for a time they can be kept after all, then they go for good.
set local lock_timeout = '10s';
alter table users add column deletion_asked_at timestamptz, add column deletes_at timestamptz;
create index users_deletes_at_idx on users (deletes_at) where deletes_at is not null;

-- The name of a deleted account, which nobody else can take; its repositories' rows belong to it.
alter table namespaces drop constraint namespaces_kind_check;
alter table namespaces add constraint namespaces_kind_check check (kind in ('user', 'organization', 'deleted'));

alter table mail_links drop constraint mail_links_purpose_check;
alter table mail_links add constraint mail_links_purpose_check check (purpose in ('reset_password', 'change_email', 'keep_account'));

create function audit_account_deletion() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        perform write_audit(old.user_pk, 'account.delete', null, null, null);
    elsif new.deletes_at is null then
        perform write_audit(new.user_pk, 'account.keep', null, null, new.user_pk);
    else
        perform write_audit(new.user_pk, 'account.delete_ask', null, jsonb_build_object('until', new.deletes_at), new.user_pk);
    end if;
    return null;
end $$;
create trigger users_audit_deletion after update of deletes_at on users for each row
    when (old.deletes_at is distinct from new.deletes_at) execute function audit_account_deletion();
create trigger users_audit_delete after delete on users for each row execute function audit_account_deletion();
