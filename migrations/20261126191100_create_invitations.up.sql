-- Invitations to organisations: by mail for one person, or by a link for as many as have it. What opens one is signed and kept
-- nowhere; without its row it is worth nothing, so that deleting the row revokes it.
create table organization_invitations (
    invitation_pk bigint generated always as identity (start with 12001) primary key,
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    role text not null check (role in ('admin', 'write', 'contributor', 'read')),
    -- To whom it was sent; null for a link.
    email text check (length(email) between 3 and 254),
    invited_by bigint not null references users (user_pk) on delete cascade,
    uses integer not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- A link is handed on; it makes no admins.
    check (email is not null or role <> 'admin')
);
create unique index organization_invitations_email_idx on organization_invitations (organization_pk, lower(email));
create index organization_invitations_invited_by_idx on organization_invitations (invited_by);
create index organization_invitations_expires_at_idx on organization_invitations (expires_at);
