//! What stands in the place of a pattern's parts: things of ada's and acme's.

use hub_tests::TestHub;

/// What stands in the place of a pattern's parts.
pub(super) struct Things {
    /// One to replace, and one to revoke.
    token_pks: [String; 2],
    key_pk: String,
    gpg_key: String,
    session: String,
    identity: String,
    /// A case, what was done about it, and the appeal against that.
    moderation: [String; 3],
    /// A recall that holds everywhere.
    recall: String,
    invitation_pk: String,
    webhook: String,
    delivery: String,
    /// An application that ada keeps, and the key of one that she uses.
    client: String,
    client_pk: String,
}

impl Things {
    pub(super) fn path(&self, pattern: &str) -> String {
        let owner = if pattern.contains("organizations}") || pattern.contains("/organizations/") { "acme" } else { "ada" };
        let mut path = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (part, after) = after.split_once('}').unwrap();
            path.push_str(before);
            path.push_str(match part.split(':').next().unwrap() {
                "name" => owner,
                "kind" if part.contains("organizations") => "organizations",
                "kind" => "users",
                "namespace" => "acme",
                "repo_type" => "models",
                "user" => "nobody-here",
                "key_pk" => &self.key_pk,
                "gpg_key" => &self.gpg_key,
                "token_pk" if pattern.ends_with("revoke") => &self.token_pks[1],
                "token_pk" => &self.token_pks[0],
                "invitation_pk" => &self.invitation_pk,
                "webhook" => &self.webhook,
                "delivery" => &self.delivery,
                "client" => &self.client,
                "client_pk" => &self.client_pk,
                "pk" | "line" | "batch" | "user_pk" | "until" | "request_pk" | "domain_pk" | "publisher_pk" => "1",
                "case" => &self.moderation[0],
                "act" => &self.moderation[1],
                "appeal" => &self.moderation[2],
                "recall" => &self.recall,
                "id" if pattern.contains("sessions") => &self.session,
                "id" if pattern.contains("sign-in") => &self.identity,
                _ => "x",
            });
            rest = after;
        }
        path + rest
    }

    /// What is nobody's, where nothing has to be there.
    pub(super) fn made_up() -> Self {
        let one = || "1".to_owned();
        Self {
            token_pks: [one(), one()],
            key_pk: one(),
            gpg_key: one(),
            session: "00".to_owned(),
            identity: one(),
            moderation: [one(), one(), one()],
            recall: one(),
            invitation_pk: one(),
            webhook: one(),
            client: one(),
            client_pk: one(),
            delivery: one(),
        }
    }

    /// What of ada's and acme's everybody tries to touch.
    pub(super) async fn find(hub: &TestHub) -> Self {
        let pool = &hub.app().pool;
        let scalar = |sql: &'static str| async move { sqlx::query_scalar::<_, String>(sql).fetch_one(pool).await.unwrap() };
        Self {
            token_pks: [
                scalar("select token_pk::text from access_tokens where name = 'spare'").await,
                scalar("select token_pk::text from access_tokens where name = 'another'").await,
            ],
            gpg_key: scalar(
                "insert into gpg_keys (user_pk, fingerprint, parts, emails, public_key)
                 select namespace_pk, 'F', '[]', '{}', '' from namespaces where name = 'ada' returning key_pk::text",
            )
            .await,
            key_pk: scalar(
                "insert into ssh_keys (user_pk, title, fingerprint, public_key)
                 select namespace_pk, 'laptop', 'SHA256:x', 'ssh-ed25519 x' from namespaces where name = 'ada' returning key_pk::text",
            )
            .await,
            session: scalar(
                "select encode(session_hash, 'hex') from sessions join namespaces on namespace_pk = user_pk
                 where name = 'ada' order by sessions.created_at limit 1",
            )
            .await,
            identity: scalar(
                "insert into user_identities (user_pk, issuer, subject)
                 select namespace_pk, 'https://login.example.org', 'ada' from namespaces where name = 'ada' returning identity_pk::text",
            )
            .await,
            moderation: [
                scalar(
                    "insert into moderation_cases (subject_kind, subject_pk, subject, href, category, weight)
                     values ('account', 1, 'user x', '/x', 'spam', 3) returning case_pk::text",
                )
                .await,
                scalar(
                    "insert into moderation_acts (case_pk, moderator_pk, moderator, act, subject_kind, subject_pk, subject, href, category, reason, batch)
                     select case_pk, 1, 'x', 'suspend_user', 'account', 1, 'user x', '/x', 'spam', 'Why.', 1 from moderation_cases
                     returning act_pk::text",
                )
                .await,
                scalar("insert into moderation_appeals (act_pk, body) select act_pk, 'No.' from moderation_acts returning appeal_pk::text").await,
            ],
            recall: scalar(
                "insert into recalls (everywhere, category, title, body) values (true, 'other', 'A file', 'Why it is recalled.')
                 returning recall_pk::text",
            )
            .await,
            invitation_pk: scalar("select invitation_pk::text from organization_invitations limit 1").await,
            webhook: scalar("select public_id from webhooks").await,
            delivery: scalar(
                "insert into webhook_deliveries (webhook_pk, event, payload, state)
                 select webhook_pk, 'ping', '{}', 'delivered' from webhooks returning public_id",
            )
            .await,
            client: scalar(
                "insert into oauth_clients (user_pk, origin, name, redirect_uris, scopes, secret_hash)
                 select namespace_pk, 'person', 'Painter', '{}', '{openid}', sha256('x') from namespaces where name = 'ada'
                 returning client_id",
            )
            .await,
            client_pk: scalar(
                "insert into oauth_consents (client_pk, user_pk, scopes, organization_pks)
                 select client_pk, namespace_pk, '{openid}', '{}' from namespaces, oauth_clients
                 where namespaces.name = 'ada' and origin = 'hub' returning client_pk::text",
            )
            .await,
        }
    }
}
