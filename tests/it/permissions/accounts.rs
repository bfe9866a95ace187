//! Who may do what with accounts and organisations, and what everybody may: walked over every route that is about no repository.
//! A route of the hub that stands in no table fails [`no_route_is_left_out`].

use hub::accounts::{OrgRole, TokenRole, User};
use hub_tests::{Client, TestHub, json};

use super::routes::{Route, mounted};
use crate::pages::browser::{Browser, PASSWORD, Page};

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Everybody.
    Open,
    /// Everybody with a browser: the form's token is asked for, and no access token has one.
    Form,
    /// Whoever is logged in, in a browser.
    Browser,
    /// Whoever has an account, by whatever proves it.
    Account,
    /// The same, but for tokens that only read and those for chosen repositories.
    Actor,
    /// The same, and tokens that may write to some repository.
    Talker,
    /// Members of the organisation, in a browser.
    Member,
    /// Members who may write, and who runs the hub.
    Writer,
    /// Members and who runs the hub, by whatever proves it.
    Belongs,
    /// Its admins and who runs the hub, in a browser.
    OrgAdmin,
    /// The same, and by tokens that may act in their name.
    OrgActor,
    /// Only whose it is, in a browser; to all others it is not there.
    Own,
    /// Only who runs the hub; to all others it is not there.
    Operator,
    /// The same, and who moderates it.
    Moderator,
}
use Gate::{Account, Actor, Belongs, Form, Member, Moderator, Open, Operator, OrgActor, OrgAdmin, Own, Talker, Writer};

/// Method, pattern as the sources have it, who is let in. No body is complete. What ends something comes last.
const ROWS: &[(&str, &str, Gate)] = &[
    ("GET", "/", Open),
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/static/{version}/{path:.*}", Open),
    ("GET", "/favicon.ico", Open),
    ("GET", "/robots.txt", Open),
    ("GET", "/design", Operator),
    ("GET", "/tasks", Open),
    ("GET", "/tasks/{task}", Open),
    ("GET", "/licences", Open),
    ("GET", "/licences/{id}", Open),
    ("GET", "/licenses", Open),
    ("GET", "/licenses/{id}", Open),
    ("GET", "/search", Open),
    ("GET", "/find/model", Open),
    ("GET", "/{repo_type:models|datasets|spaces|buckets}", Open),
    ("GET", "/{repo_type:models|datasets|spaces}.atom", Open),
    ("GET", "/{repo_type:models|datasets|spaces}.json", Open),
    ("GET", "/{repo_type:models|datasets|spaces}.values", Open),
    ("GET", "/api/tasks", Open),
    ("GET", "/api/models", Open),
    ("GET", "/api/datasets", Open),
    ("GET", "/api/spaces", Open),
    ("GET", "/api/models-tags-by-type", Open),
    ("GET", "/api/datasets-tags-by-type", Open),
    ("GET", "/api/trending", Open),
    ("GET", "/api/quicksearch", Open),
    ("GET", "/api/spaces/semantic-search", Open),
    ("GET", "/api/agent-harnesses", Open),
    ("HEAD", "/api/telemetry/{topic:.*}", Open),
    ("POST", "/api/validate-yaml", Open),
    ("GET", "/{namespace}", Open),
    ("GET", "/{namespace}/-/followers", Open),
    ("GET", "/{namespace}/-/following", Open),
    ("GET", "/{namespace}/-/activity.atom", Open),
    ("POST", "/{namespace}/-/follow", Gate::Browser),
    ("POST", "/{namespace}/-/watch", Gate::Browser),
    ("POST", "/uploads", Talker),
    // To those who do not see the repository, there is none: `discussions/attachments.rs`.
    ("GET", "/uploads/{id}/{name}", Open),
    ("GET", "/avatars/{file}", Open),
    ("GET", "/avatars/{name}/{file}", Open),
    ("GET", "/api/users/{name}/overview", Open),
    ("GET", "/api/users/{name}/likes", Open),
    ("GET", "/api/organizations/{name}/overview", Open),
    ("GET", "/api/organizations/{name}/members", Open),
    ("GET", "/api/{kind:users|organizations}/{name}/followers", Open),
    ("GET", "/api/{kind:users}/{name}/following", Open),
    ("POST", "/api/{kind:users|organizations}/{name}/follow", Actor),
    ("DELETE", "/api/{kind:users|organizations}/{name}/follow", Actor),
    ("GET", "/api/whoami-v2", Account),
    ("GET", "/api/settings/repositories", Account),
    ("GET", "/api/settings/deleted-repos", Account),
    ("GET", "/api/organizations/{name}/settings/repositories", Writer),
    ("POST", "/api/tokens/revoke-leaked", Open),
    ("GET", "/api/collections", Open),
    ("GET", "/collections", Open),
    ("GET", "/collections/{namespace}/{slug}", Open),
    ("GET", "/collections/new", Gate::Browser),
    ("POST", "/collections/new", Gate::Browser),
    ("GET", "/collections/add", Gate::Browser),
    ("POST", "/collections/add", Gate::Browser),
    ("GET", "/join", Open),
    ("POST", "/join", Form),
    ("GET", "/signup", Open),
    ("GET", "/login", Open),
    ("POST", "/login", Form),
    ("GET", "/login/new-password", Open),
    ("POST", "/login/new-password", Form),
    ("GET", "/login/second-factor", Open),
    ("POST", "/login/second-factor", Form),
    ("POST", "/login/second-factor/challenge", Form),
    ("POST", "/login/passkey", Form),
    ("POST", "/login/passkey/challenge", Form),
    ("GET", "/sudo", Gate::Browser),
    ("POST", "/sudo", Gate::Browser),
    ("POST", "/sudo/challenge", Gate::Browser),
    ("GET", "/settings/authentication", Gate::Browser),
    ("GET", "/settings/authentication/app", Gate::Browser),
    ("POST", "/settings/authentication/app", Gate::Browser),
    ("POST", "/settings/authentication/app/remove", Gate::Browser),
    ("POST", "/settings/authentication/recovery-codes", Gate::Browser),
    ("POST", "/settings/authentication/passkeys", Gate::Browser),
    ("POST", "/settings/authentication/passkeys/challenge", Gate::Browser),
    ("POST", "/settings/authentication/passkeys/{pk}/rename", Gate::Browser),
    ("POST", "/settings/authentication/passkeys/{pk}/remove", Gate::Browser),
    ("GET", "/login/keep-account", Open),
    ("POST", "/login/keep-account", Form),
    ("GET", "/login/oidc", Open),
    ("POST", "/login/oidc", Form),
    ("GET", "/login/oidc/callback", Open),
    ("GET", "/login/oidc/join", Open),
    ("POST", "/login/oidc/join", Form),
    ("GET", "/login/oidc/link", Open),
    ("POST", "/login/oidc/link", Form),
    ("GET", "/forgot-password", Open),
    ("POST", "/forgot-password", Form),
    ("GET", "/reset-password", Open),
    ("POST", "/reset-password", Form),
    ("GET", "/change-email", Open),
    ("POST", "/change-email", Form),
    ("GET", "/confirm-email/{user_pk}/{until}/{signature}", Open),
    ("POST", "/confirm-email/{user_pk}/{until}/{signature}", Open),
    ("GET", "/invitations/{invitation_pk}/{signature}", Open),
    ("POST", "/invitations/{invitation_pk}/{signature}", Form),
    ("GET", "/settings", Open),
    ("GET", "/settings/profile", Gate::Browser),
    ("POST", "/settings/profile", Gate::Browser),
    ("POST", "/settings/picture", Gate::Browser),
    ("POST", "/settings/picture/remove", Gate::Browser),
    ("POST", "/settings/confirm-email", Gate::Browser),
    ("POST", "/settings/email", Gate::Browser),
    ("POST", "/settings/email/cancel", Gate::Browser),
    ("POST", "/settings/password", Gate::Browser),
    ("POST", "/settings/audience", Gate::Browser),
    ("POST", "/settings/username", Gate::Browser),
    ("GET", "/settings/storage", Gate::Browser),
    ("POST", "/settings/storage", Gate::Browser),
    ("GET", "/settings/lineage", Moderator),
    ("GET", "/report", Gate::Browser),
    ("POST", "/report", Gate::Browser),
    ("GET", "/settings/reports", Gate::Browser),
    ("GET", "/recalls", Open),
    ("GET", "/recalls.atom", Open),
    ("GET", "/recalls/{recall}", Open),
    ("POST", "/recalls/{recall}", Moderator),
    ("GET", "/recalls/new", Moderator),
    ("POST", "/recalls/new", Moderator),
    ("GET", "/api/recalls", Open),
    ("GET", "/api/recalls/{recall}", Open),
    ("GET", "/moderation", Moderator),
    ("GET", "/moderation/decided", Moderator),
    ("GET", "/moderation/cases/{case}", Moderator),
    ("POST", "/moderation/cases/{case}", Moderator),
    ("GET", "/moderation/log", Moderator),
    ("GET", "/moderation/appeals", Moderator),
    ("POST", "/moderation/appeals/{appeal}", Moderator),
    ("GET", "/moderation/replies", Moderator),
    ("POST", "/moderation/replies", Operator),
    ("GET", "/moderation/statistics", Moderator),
    ("GET", "/moderation/statistics/export", Moderator),
    ("POST", "/moderation/acts/{act}/undo", Moderator),
    ("POST", "/moderation", Moderator),
    ("GET", "/moderation/notice/{repo_type}/{namespace}/{name}", Open),
    ("GET", "/moderation/appeal/{act}/{signature}", Open),
    ("POST", "/moderation/appeal/{act}/{signature}", Form),
    ("GET", "/admin", Operator),
    ("GET", "/admin/users", Operator),
    ("GET", "/admin/users/{name}", Operator),
    ("POST", "/admin/users/{name}", Operator),
    ("GET", "/admin/jobs", Operator),
    ("POST", "/admin/jobs", Operator),
    ("GET", "/admin/audit", Operator),
    ("GET", "/admin/banner", Operator),
    ("POST", "/admin/banner", Operator),
    ("GET", "/admin/flags", Operator),
    ("POST", "/admin/flags", Operator),
    ("POST", "/banner/close", Form),
    ("GET", "/admin/organizations", Operator),
    ("GET", "/admin/repositories", Operator),
    ("POST", "/admin/repositories", Operator),
    ("GET", "/admin/storage", Operator),
    ("POST", "/admin/storage", Operator),
    ("GET", "/admin/storage/{name}", Operator),
    ("POST", "/admin/storage/{name}", Operator),
    ("GET", "/admin/audit/export", Operator),
    ("GET", "/settings/tokens", Gate::Browser),
    ("POST", "/settings/tokens", Gate::Browser),
    ("GET", "/settings/keys", Gate::Browser),
    ("POST", "/settings/keys", Gate::Browser),
    ("GET", "/settings/gpg-keys", Gate::Browser),
    ("POST", "/settings/gpg-keys", Gate::Browser),
    ("GET", "/settings/sessions", Gate::Browser),
    ("GET", "/settings/deleted", Gate::Browser),
    ("GET", "/settings/deleted/collections", Gate::Browser),
    ("GET", "/settings/deleted/webhooks", Gate::Browser),
    ("GET", "/settings/security-log", Gate::Browser),
    ("GET", "/settings/security-log/export", Gate::Browser),
    ("GET", "/settings/gated-repos", Gate::Browser),
    ("GET", "/settings/saved-searches", Gate::Browser),
    ("POST", "/settings/saved-searches", Gate::Browser),
    ("GET", "/settings/saved-searches/new", Gate::Browser),
    ("POST", "/settings/saved-searches/{pk}", Gate::Browser),
    ("POST", "/settings/saved-searches/{pk}/open", Gate::Browser),
    ("POST", "/settings/saved-searches/{pk}/feed", Gate::Browser),
    ("POST", "/settings/saved-searches/{pk}/delete", Gate::Browser),
    ("GET", "/saved-searches/{pk}/{signature}/feed.atom", Open),
    ("GET", "/saved-searches/{pk}/{signature}/feed.json", Open),
    ("GET", "/saved-searches/{pk}/{signature}/unsubscribe", Open),
    ("POST", "/saved-searches/{pk}/{signature}/unsubscribe", Open),
    ("GET", "/notifications", Gate::Browser),
    ("POST", "/notifications", Gate::Browser),
    ("GET", "/notifications/{user_pk}/{signature}/unsubscribe", Open),
    ("POST", "/notifications/{user_pk}/{signature}/unsubscribe", Open),
    ("GET", "/settings/notifications", Gate::Browser),
    ("POST", "/settings/notifications", Gate::Browser),
    ("GET", "/api/notifications", Actor),
    ("POST", "/api/discussions/mark-as-read", Actor),
    ("PATCH", "/api/settings/watch", Actor),
    ("GET", "/settings/webhooks", Gate::Browser),
    ("POST", "/settings/webhooks", Gate::Browser),
    ("GET", "/settings/webhooks/new", Gate::Browser),
    ("GET", "/settings/webhooks/{webhook}", Own),
    ("POST", "/settings/webhooks/{webhook}", Own),
    ("GET", "/settings/webhooks/{webhook}/edit", Own),
    ("GET", "/settings/webhooks/{webhook}/deliveries/{delivery}", Own),
    ("POST", "/settings/webhooks/{webhook}/deliveries/{delivery}/replay", Own),
    ("POST", "/settings/webhooks/{webhook}/test", Own),
    ("POST", "/settings/webhooks/{webhook}/switch", Own),
    ("POST", "/settings/webhooks/{webhook}/delete", Own),
    ("GET", "/.well-known/openid-configuration", Open),
    ("GET", "/.well-known/oauth-authorization-server", Open),
    ("GET", "/oauth/jwks", Open),
    ("POST", "/oauth/register", Open),
    ("GET", "/oauth/authorize", Open),
    ("POST", "/oauth/authorize", Gate::Browser),
    ("GET", "/oauth/device", Gate::Browser),
    ("POST", "/oauth/device/answer", Gate::Browser),
    ("GET", "/settings/applications", Gate::Browser),
    ("POST", "/settings/applications", Gate::Browser),
    ("GET", "/settings/applications/new", Gate::Browser),
    ("GET", "/settings/applications/{client}", Own),
    ("POST", "/settings/applications/{client}", Own),
    ("POST", "/settings/applications/{client}/secret", Own),
    ("POST", "/settings/applications/{client}/delete", Own),
    ("GET", "/settings/connected-applications", Gate::Browser),
    ("POST", "/settings/connected-applications/{client_pk}/revoke", Own),
    ("GET", "/settings/organizations", Gate::Browser),
    ("GET", "/organizations/new", Gate::Browser),
    ("POST", "/organizations/new", Gate::Browser),
    ("GET", "/organizations/{name}/settings", OrgAdmin),
    ("POST", "/organizations/{name}/settings", OrgAdmin),
    ("POST", "/organizations/{name}/settings/second-factors", OrgAdmin),
    ("POST", "/organizations/{name}/settings/name", OrgAdmin),
    ("GET", "/organizations/{name}/settings/deleted", OrgAdmin),
    ("GET", "/organizations/{name}/settings/audit-log", OrgAdmin),
    ("GET", "/organizations/{name}/settings/audit-log/export", OrgAdmin),
    ("POST", "/organizations/{name}/settings/audit-log/{line}/undo", OrgAdmin),
    ("GET", "/organizations/{name}/settings/requests", OrgAdmin),
    ("POST", "/organizations/{name}/settings/requests/{request_pk}", OrgAdmin),
    ("GET", "/organizations/{name}/settings/service-accounts", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts", OrgAdmin),
    ("GET", "/organizations/{name}/settings/service-accounts/{account}", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/switch", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/tokens", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/rename", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/rotate", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/tokens/{token_pk}/revoke", OrgAdmin),
    ("POST", "/organizations/{name}/settings/service-accounts/{account}/delete", OrgAdmin),
    ("GET", "/organizations/{name}/settings/domains", OrgAdmin),
    ("POST", "/organizations/{name}/settings/domains", OrgAdmin),
    ("POST", "/organizations/{name}/settings/domains/{domain_pk}", OrgAdmin),
    ("GET", "/organizations/{name}/settings/publishers", OrgAdmin),
    ("POST", "/organizations/{name}/settings/publishers", OrgAdmin),
    ("POST", "/organizations/{name}/settings/publishers/{publisher_pk}/remove", OrgAdmin),
    ("POST", "/organizations/{name}/join-by-domain", Gate::Browser),
    ("GET", "/organizations/{name}/join", Gate::Browser),
    ("POST", "/organizations/{name}/join", Gate::Browser),
    ("POST", "/organizations/{name}/join/cancel", Gate::Browser),
    ("GET", "/organizations/{name}/settings/groups", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups", OrgAdmin),
    ("GET", "/organizations/{name}/settings/groups/{id}", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups/{id}", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups/{id}/delete", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups/{id}/restore", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups/{id}/members", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups/{id}/members/{user}", OrgAdmin),
    ("POST", "/organizations/{name}/settings/groups/{id}/repos", OrgAdmin),
    ("GET", "/api/organizations/{name}/resource-groups", Belongs),
    ("POST", "/api/organizations/{name}/resource-groups", OrgActor),
    ("GET", "/api/organizations/{name}/resource-groups/{id}", Belongs),
    ("PATCH", "/api/organizations/{name}/resource-groups/{id}", OrgActor),
    ("DELETE", "/api/organizations/{name}/resource-groups/{id}", OrgActor),
    ("POST", "/api/organizations/{name}/resource-groups/{id}/users", OrgActor),
    ("PATCH", "/api/organizations/{name}/resource-groups/{id}/users/{user}", OrgActor),
    ("DELETE", "/api/organizations/{name}/resource-groups/{id}/users/{user}", OrgActor),
    ("POST", "/organizations/{name}/picture", OrgAdmin),
    ("POST", "/organizations/{name}/picture/remove", OrgAdmin),
    ("POST", "/organizations/{name}/members", OrgAdmin),
    ("POST", "/organizations/{name}/members/{user}", OrgAdmin),
    ("POST", "/organizations/{name}/invitations", OrgAdmin),
    ("POST", "/organizations/{name}/invitation-links", OrgAdmin),
    ("POST", "/organizations/{name}/invitations/{invitation_pk}/revoke", OrgAdmin),
    ("POST", "/settings/keys/{key_pk}/remove", Own),
    ("POST", "/settings/gpg-keys/{gpg_key}/remove", Own),
    ("POST", "/settings/tokens/{token_pk}/rename", Own),
    ("POST", "/settings/tokens/{token_pk}/rotate", Own),
    ("POST", "/settings/tokens/{token_pk}/revoke", Own),
    ("GET", "/settings/data", Gate::Browser),
    ("POST", "/settings/data/delete-account", Gate::Browser),
    ("POST", "/settings/data/export", Gate::Browser),
    ("GET", "/settings/sign-in", Gate::Browser),
    ("POST", "/settings/sign-in/{id}/unlink", Own),
    ("POST", "/settings/sessions/{id}/end", Own),
    ("POST", "/settings/sessions/end-others", Gate::Browser),
    ("POST", "/organizations/{name}/leave", Member),
    ("GET", "/organizations/{name}/settings/delete", OrgAdmin),
    ("POST", "/organizations/{name}/settings/delete", OrgAdmin),
    ("POST", "/logout", Form),
];

/// Routes about no repository that other tests walk, and which. What is about one is in `permissions.rs`.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("DELETE", "/api/repos/delete", "permissions: deleting_and_moving_are_for_admins"),
    ("POST", "/api/repos/move", "permissions: deleting_and_moving_are_for_admins"),
    ("POST", "/api/repos/create", "repos"),
    ("ANY", "/{name}/resolve/{tail:.*}", "repos: there is nothing"),
    ("ANY", "/{repo_type:datasets|spaces}/{name}/resolve/{tail:.*}", "repos: there is nothing"),
    // Forms for new repositories, one for each kind.
    ("GET", "<path>", "pages::repos"),
    ("POST", "<path>", "pages::repos"),
    ("POST", "/api/buckets/{namespace}/{name}", "buckets"),
    ("GET", "/api/buckets/{namespace}", "buckets"),
    // To all but who may restore it, a deleted repository is not there.
    ("POST", "/api/deleted-repos/{id}/restore", "undo::repos"),
    ("POST", "/settings/deleted/{id}/restore", "undo::pages"),
    ("GET", "/settings/storage/{owner}", "undo::storage"),
    ("POST", "/settings/deleted/webhooks/{webhook}/restore", "webhooks: a_deleted_webhook_comes_back_with_its_secret"),
    ("GET", "/settings/data/{id}/download", "accounts::closing"),
    // Until an organisation is deleted, there is nothing to keep.
    ("POST", "/organizations/{name}/keep", "organizations::closing"),
    // What a signature or a token of its own opens.
    ("PUT", "/lfs/put/{repo}/{oid}", "lfs"),
    ("PUT", "/lfs/part/{repo}/{oid}", "lfs"),
    ("GET", "/lfs/complete/{repo}/{oid}", "lfs"),
    ("POST", "/lfs/complete/{repo}/{oid}", "lfs"),
    ("POST", "/lfs/verify/{repo}/{oid}", "lfs"),
    ("GET", "/lfs/get/{repo}/{oid}", "lfs"),
    ("HEAD", "/lfs/get/{repo}/{oid}", "lfs"),
    ("POST", "/xet/v1/xorb-grants/{prefix}/{hash}", "xet::tokens"),
    ("POST", "/xet/v1/xorbs/{prefix}/{hash}", "xet::tokens"),
    ("POST", "/xet/v1/shards", "xet::tokens"),
    ("POST", "/xet/v2/shards", "xet::tokens"),
    ("GET", "/xet/v1/reconstructions/{hash}", "xet::tokens"),
    ("GET", "/xet/v2/reconstructions/{hash}", "xet::tokens"),
    ("GET", "/xet/v1/chunks/{prefix}/{hash}", "xet::tokens"),
    ("POST", "/xet/v1/telemetry", "xet::tokens"),
    ("GET", "/xet/v2/file-chunk-hashes/{hash}", "xet::tokens"),
    ("GET", "/xet/data/{xorb}/{range}", "xet::tokens"),
    // Where applications show their own secrets, codes and tokens, and no account's.
    ("POST", "/oauth/token", "oauth"),
    ("POST", "/oauth/device", "oauth::device"),
    ("GET", "/oauth/userinfo", "oauth: an_application_may_do_what_was_allowed_and_no_more"),
    ("POST", "/oauth/userinfo", "oauth: an_application_may_do_what_was_allowed_and_no_more"),
    ("POST", "/oauth/revoke", "oauth::tricks"),
    ("POST", "/oauth/introspect", "oauth::tricks"),
    // Fine-grained tokens have permissions of their own for these.
    ("GET", "/api/settings/webhooks", "webhooks"),
    ("POST", "/api/settings/webhooks", "webhooks"),
    ("GET", "/api/settings/webhooks/{webhook}", "webhooks"),
    ("POST", "/api/settings/webhooks/{webhook}", "webhooks"),
    ("DELETE", "/api/settings/webhooks/{webhook}", "webhooks"),
    ("POST", "/api/settings/webhooks/{webhook}/enable", "webhooks"),
    ("POST", "/api/settings/webhooks/{webhook}/disable", "webhooks"),
    ("GET", "/metrics", "operations"),
    ("GET", "/api/doctor/{ticket}/seen/{rest:.*}", "operations"),
    ("POST", "/api/doctor/{ticket}/body", "operations"),
    ("GET", "/api/doctor/{ticket}/slow", "operations"),
    ("GET", "/notifications/{pk}", "notifications: nobody_reads_what_others_were_told"),
    // Collections have visibility of their own.
    ("POST", "/api/collections", "collections"),
    ("GET", "/api/collections/{namespace}/{slug}", "collections"),
    ("PATCH", "/api/collections/{namespace}/{slug}", "collections"),
    ("DELETE", "/api/collections/{namespace}/{slug}", "collections"),
    ("POST", "/api/collections/{namespace}/{slug}/items", "collections"),
    ("PATCH", "/api/collections/{namespace}/{slug}/items/{item}", "collections"),
    ("DELETE", "/api/collections/{namespace}/{slug}/items/{item}", "collections"),
    ("POST", "/api/collections/{namespace}/{slug}/upvote", "collections"),
    ("DELETE", "/api/collections/{namespace}/{slug}/upvote", "collections"),
    ("POST", "/api/collections/{namespace}/{slug}/resource-group", "collections"),
    ("POST", "/settings/deleted/collections/{collection}/restore", "collections: what_was_deleted_comes_back"),
    ("POST", "/collections/{namespace}/{slug}/update", "collections"),
    ("POST", "/collections/{namespace}/{slug}/delete", "collections"),
    ("POST", "/collections/{namespace}/{slug}/upvote", "collections"),
    ("POST", "/collections/{namespace}/{slug}/items", "collections"),
    ("POST", "/collections/{namespace}/{slug}/items/{item}", "collections"),
];

/// Who asks, and whether a browser does.
const BROWSERS: [&str; 7] = ["anonymous", "stranger", "reader", "member", "moderator", "operator", "ada"];
const TOKENS: [&str; 4] = ["ada's read token", "ada's write token", "ada's token for acme", SUSPENDED];
/// A member of acme whom moderators suspended.
const SUSPENDED: &str = "a suspended member's write token";

fn is_let_in(who: &str, gate: Gate) -> bool {
    let is_token = TOKENS.contains(&who);
    if who == SUSPENDED {
        return gate == Open;
    }
    match gate {
        Open => true,
        Form => !is_token,
        Gate::Browser => !is_token && who != "anonymous",
        Account => who != "anonymous",
        Actor => who == "ada's write token" || (!is_token && who != "anonymous"),
        Talker => !matches!(who, "anonymous" | "ada's read token"),
        Member => matches!(who, "reader" | "member" | "ada"),
        Writer => !matches!(who, "anonymous" | "stranger" | "moderator" | "reader"),
        Belongs => !matches!(who, "anonymous" | "stranger" | "moderator"),
        OrgActor => matches!(who, "operator" | "ada" | "ada's write token"),
        OrgAdmin => matches!(who, "operator" | "ada"),
        Own => who == "ada",
        Operator => who == "operator",
        Moderator => matches!(who, "operator" | "moderator"),
    }
}

/// What stands in the place of a pattern's parts.
struct Things {
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
    fn path(&self, pattern: &str) -> String {
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
                "pk" | "line" | "user_pk" | "until" | "request_pk" | "domain_pk" | "publisher_pk" => "1",
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
}

/// What of ada's and acme's everybody tries to touch.
async fn things(hub: &TestHub) -> Things {
    let pool = &hub.app().pool;
    let scalar = |sql: &'static str| async move { sqlx::query_scalar::<_, String>(sql).fetch_one(pool).await.unwrap() };
    Things {
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
                "insert into moderation_acts (case_pk, moderator_pk, moderator, act, subject_kind, subject_pk, subject, href, category, reason)
                 select case_pk, 1, 'x', 'suspend_user', 'account', 1, 'user x', '/x', 'spam', 'Why.' from moderation_cases
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

async fn acme() -> TestHub {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    hub.account("stranger").await;
    hub.account("moderator").await;
    hub.sql("update users set is_moderator = true where email = 'moderator@example.org'").await;
    let (reader, member, ada) = (hub.account("reader").await, hub.account("member").await, hub.account("ada").await);
    let suspended = hub.account("suspended").await;
    let members = [(&ada, OrgRole::Admin), (&suspended, OrgRole::Write), (&member, OrgRole::Write), (&reader, OrgRole::Read)];
    hub.organization("acme", &members).await;
    hub.sql("update users set suspended_at = now() where email = 'suspended@example.org'").await;
    hub
}

async fn find_user(hub: &TestHub, name: &str) -> User {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let pk = hub::accounts::queries::find_namespace(&mut conn, name).await.unwrap().unwrap().namespace_pk;
    drop(conn);
    hub::accounts::queries::find_user(&hub.app().pool, pk).await.unwrap().unwrap()
}

async fn tokens_of_ada(hub: &TestHub) -> Vec<(&'static str, Client)> {
    let ada = find_user(hub, "ada").await;
    let scopes = json!({ "scoped": [{ "entity": { "type": "org", "name": "acme" }, "permissions": ["repo.content.read", "repo.write"] }] });
    vec![
        (TOKENS[0], hub.token(&ada, TokenRole::Read).await),
        (TOKENS[1], hub.token(&ada, TokenRole::Write).await),
        (TOKENS[2], hub.scoped_token(&ada, TokenRole::FineGrained, scopes).await),
        (SUSPENDED, hub.token(&find_user(hub, "suspended").await, TokenRole::Write).await),
    ]
}

fn body_of(pattern: &str) -> &'static str {
    if pattern.ends_with("revoke-leaked") { r#"{"tokens": []}"# } else { "{}" }
}

/// Whether an answer says that this is not for who asked.
fn is_refusal(status: u16, location: &str, gate: Gate) -> bool {
    let gone = status == 404 && matches!(gate, Own | Member | Operator | Moderator);
    matches!(status, 401 | 403) || gone || location.starts_with("/login")
}

#[tokio::test]
async fn everybody_reaches_what_the_table_says() {
    let hub = acme().await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let tokens = tokens_of_ada(&hub).await;
    for name in ["spare", "another"] {
        ada.submit("/settings/tokens", "/settings/tokens", &[("name", name), ("role", "read"), ("expires", "")]).await;
    }
    let webhook = [("url", "https://hub.invalid/"), ("watched", "stranger"), ("domains", "repo")];
    assert_eq!(ada.submit("/settings/webhooks/new", "/settings/webhooks", &webhook).await.status, 303);
    let settings = "/organizations/acme/settings";
    let page = ada.submit(settings, "/organizations/acme/invitation-links", &[("link_role", "read"), ("days", "7")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let things = things(&hub).await;
    let mut wrong = Vec::new();
    for (who, client) in &tokens {
        for (method, pattern, gate) in ROWS {
            let request = client.request(method.parse().unwrap(), &things.path(pattern));
            let request = match pattern.starts_with("/api/") {
                true => request.header("Content-Type", "application/json").body(body_of(pattern)),
                false => request.header("Content-Type", "application/x-www-form-urlencoded"),
            };
            let response = request.send().await.unwrap();
            let location = response.headers().get("location").map_or("", |to| to.to_str().unwrap()).to_owned();
            note(&mut wrong, who, (method, pattern, *gate), response.status().as_u16(), &location);
        }
    }
    for who in BROWSERS {
        let mut browser = match who {
            "anonymous" => Browser::new(&hub),
            name => Browser::logged_in(&hub, name).await,
        };
        let csrf = browser.open(if who == "anonymous" { "/login" } else { "/settings/profile" }).await.csrf();
        for (method, pattern, gate) in ROWS {
            let page = ask(&mut browser, method, pattern, &things.path(pattern), &csrf).await;
            let location = page.headers.get("location").map_or("", |to| to.to_str().unwrap());
            note(&mut wrong, who, (method, pattern, *gate), page.status, location);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    hub.stop().await;
}

async fn ask(browser: &mut Browser, method: &str, pattern: &str, path: &str, csrf: &str) -> Page {
    match (method, pattern.starts_with("/api/") || pattern == "/uploads") {
        ("GET", _) => browser.get(path).await,
        (_, true) => browser.call(method.parse().unwrap(), path, csrf, body_of(pattern)).await,
        _ if pattern.ends_with("/picture") => {
            let form = reqwest::multipart::Form::new().text("csrf_token", csrf.to_owned());
            browser.send_form(path, form).await
        }
        _ if pattern.ends_with("/rename") => browser.post(path, &[("csrf_token", csrf), ("name", "renamed")]).await,
        _ => browser.post(path, &[("csrf_token", csrf), ("current_password", PASSWORD)]).await,
    }
}

fn note(wrong: &mut Vec<String>, who: &str, (method, pattern, gate): (&str, &str, Gate), status: u16, location: &str) {
    let is_told = who == SUSPENDED && gate == Open;
    if (is_refusal(status, location, gate) == is_let_in(who, gate) && !is_told) || status >= 500 {
        wrong.push(format!("{who}: {method} {pattern} is {status} {location}"));
    }
}

#[tokio::test]
async fn no_form_is_taken_without_its_token() {
    let hub = acme().await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let other = Browser::logged_in(&hub, "member").await.open("/settings/profile").await.csrf();
    let one = || "1".to_owned();
    let things = Things {
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
    };
    let forms = ROWS.iter().filter(|(method, pattern, gate)| *method == "POST" && !pattern.starts_with("/api/") && *gate != Open);
    let mut wrong = Vec::new();
    for (_, pattern, _) in forms {
        let path = things.path(pattern);
        // What only scripts send has its token in a header: without it nobody is there.
        let refused = if *pattern == "/uploads" { 401 } else { 403 };
        for csrf in ["", "nonsense", &other] {
            let page = ask(&mut ada, "POST", pattern, &path, csrf).await;
            if page.status != refused {
                wrong.push(format!("{pattern} with `{csrf}` is {}", page.status));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(ada.get("/settings/profile").await.status, 200, "the session has not ended");
    hub.stop().await;
}

#[test]
fn no_route_is_left_out() {
    let is_of = |route: &Route, method: &str, pattern: &str| (route.method, route.pattern.as_str()) == (method, pattern);
    let is_known = |route: &Route| {
        let in_rows = ROWS.iter().any(|(method, pattern, _)| is_of(route, method, pattern));
        in_rows || route.is_about_a_repository() || ELSEWHERE.iter().any(|(method, pattern, _)| is_of(route, method, pattern))
    };
    let mounted = mounted();
    let missing: Vec<_> = mounted.iter().filter(|route| !is_known(route)).collect();
    assert!(missing.is_empty(), "routes in no table: {missing:#?}");
    let rows = ROWS.iter().map(|(method, pattern, _)| (method, pattern));
    let rows = rows.chain(ELSEWHERE.iter().map(|(method, pattern, _)| (method, pattern)));
    let gone: Vec<_> = rows.filter(|(method, pattern)| !mounted.iter().any(|route| is_of(route, method, pattern))).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:#?}");
}
