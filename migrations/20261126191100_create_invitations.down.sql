drop table organization_invitations;
