drop table hub_secrets, access_tokens, sessions, organization_members, organizations, users, namespaces;
