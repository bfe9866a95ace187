//! The reference of all settings, and how a text becomes a value.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::problems::Problems;
use super::sources::Values;
use crate::scans::clamd::Address;
use crate::web::client_address::TrustedProxies;
use crate::web::outbound::AllowedTargets;

/// What the text of a setting must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A folder.
    Folder,
    /// `address:port`.
    Address,
    /// A URL with one of these schemes.
    Url(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds.
    Number(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Levels in the syntax of tracing's `EnvFilter`.
    LogFilter,
    /// Addresses and networks, separated by commas.
    Networks,
    /// Addresses, networks and names of hosts, separated by commas.
    Targets,
    /// Any text.
    Text,
}

/// One thing an operator can set.
#[derive(Debug)]
pub struct Setting {
    /// The name in the TOML file; a dot makes a table.
    pub key: &'static str,
    /// The environment variable.
    pub env: &'static str,
    /// The value when nothing is set; empty for none.
    pub default: &'static str,
    /// What it must look like.
    pub form: Form,
    /// Whether the value must never be shown.
    pub secret: bool,
    /// What it does, for the operator.
    pub doc: &'static str,
}

const fn setting(key: &'static str, env: &'static str, default: &'static str, form: Form, doc: &'static str) -> Setting {
    Setting { key, env, default, form, secret: false, doc }
}

const fn secret(key: &'static str, env: &'static str, form: Form, doc: &'static str) -> Setting {
    Setting { key, env, default: "", form, secret: true, doc }
}

const HTTP: Form = Form::Url(&["http", "https"]);
const PER_HOUR: Form = Form::Number(0, 100_000);

/// Every setting there is.
pub static SETTINGS: &[Setting] = &[
    setting(
        "data_dir",
        "HUB_DATA_DIR",
        "data",
        Form::Folder,
        "The folder for caches and, with nothing else configured, for the database and all files. Created when missing.",
    ),
    setting("listen", "HUB_LISTEN", "127.0.0.1:8080", Form::Address, "The address and port to serve on."),
    setting(
        "public_url",
        "HUB_PUBLIC_URL",
        "",
        HTTP,
        "The address that people and clients use, such as `https://hub.example.org`. Set it behind a proxy. Without it, \
         links are made from the `Host` header of each request.",
    ),
    setting(
        "role",
        "HUB_ROLE",
        "all",
        Form::Choice(&["all", "web", "cas", "jobs"]),
        "What this process does: `web` serves requests, `cas` only those to the store of chunks (`/xet`), `jobs` works \
         through background jobs, `all` does all of it. \
         `hub serve --role` wins over this.",
    ),
    setting("open_signup", "HUB_OPEN_SIGNUP", "true", Form::Switch, "Whether strangers may make an account."),
    setting(
        "require_confirmed_email",
        "HUB_REQUIRE_CONFIRMED_EMAIL",
        "false",
        Form::Switch,
        "Whether people must open the link in a mail to their address before they can sign in. Administrators of the hub need \
         not. Without a mail server the mails lie in the folder `outbox` in the data folder.",
    ),
    setting(
        "oidc.issuer",
        "HUB_OIDC_ISSUER",
        "",
        HTTP,
        "The provider of OpenID Connect at which people can sign in (docs/sign-in.md), such as \
         `https://login.example.org/realms/acme`, exactly as it names itself in `issuer` of \
         `/.well-known/openid-configuration` under that address.",
    ),
    setting("oidc.client_id", "HUB_OIDC_CLIENT_ID", "", Form::Text, "The hub's client id at that provider."),
    secret(
        "oidc.client_secret",
        "HUB_OIDC_CLIENT_SECRET",
        Form::Text,
        "The secret of that client. Without it the hub is a public client, which PKCE alone protects.",
    ),
    setting(
        "oidc.client_secret_file",
        "HUB_OIDC_CLIENT_SECRET_FILE",
        "",
        Form::Text,
        "A file with that secret, if the secret itself is not set.",
    ),
    setting("oidc.name", "HUB_OIDC_NAME", "single sign-on", Form::Text, "What people call the provider: `Sign in with …`."),
    setting(
        "oidc.scopes",
        "HUB_OIDC_SCOPES",
        "profile email",
        Form::Text,
        "What the provider is asked for besides who somebody is, separated by spaces.",
    ),
    setting(
        "oidc.allowed_domains",
        "HUB_OIDC_ALLOWED_DOMAINS",
        "",
        Form::Text,
        "Domains, separated by commas: only people whose mail address there is confirmed by the provider sign in by it. Set it for \
         a provider at which everybody can have an account.",
    ),
    setting(
        "oidc.signup",
        "HUB_OIDC_SIGNUP",
        "true",
        Form::Switch,
        "Whether people whom the provider knows may make an account by signing in, also with `HUB_OPEN_SIGNUP=false`.",
    ),
    setting(
        "oidc.only",
        "HUB_OIDC_ONLY",
        "false",
        Form::Switch,
        "Whether nobody signs in with a password, in the browser or with git, and nobody makes an account but by the provider. Access \
         tokens go on working.",
    ),
    setting(
        "limits.sign_in_tries",
        "HUB_LIMITS_SIGN_IN_TRIES",
        "20",
        Form::Number(0, 1_000_000),
        "How many wrong passwords for one account are taken from one network address in 15 minutes; ten times as many from one \
         address for all accounts, and for one account from all addresses. Counted on each node. 0: any number.",
    ),
    setting(
        "sessions.days",
        "HUB_SESSIONS_DAYS",
        "30",
        Form::Number(1, 400),
        "For how many days a browser stays logged in, at most.",
    ),
    setting(
        "sessions.idle_hours",
        "HUB_SESSIONS_IDLE_HOURS",
        "336",
        Form::Number(1, 9600),
        "For how many hours a browser that asks for nothing stays logged in. It is looked at every five minutes.",
    ),
    setting(
        "oauth.days",
        "HUB_OAUTH_DAYS",
        "90",
        Form::Number(1, 3650),
        "For how many days somebody stays signed in to an application (docs/oauth.md), at most; then they are asked again.",
    ),
    setting(
        "oauth.command_line_days",
        "HUB_OAUTH_COMMAND_LINE_DAYS",
        "365",
        Form::Number(1, 3650),
        "The same for `hf`, the command line.",
    ),
    setting(
        "hsts.days",
        "HUB_HSTS_DAYS",
        "365",
        Form::Number(0, 3650),
        "For how many days browsers refuse to come to the hub without TLS once they came by it (`Strict-Transport-Security`). \
         Said only where `HUB_PUBLIC_URL` begins with `https://`. 0: not said.",
    ),
    setting(
        "hsts.subdomains",
        "HUB_HSTS_SUBDOMAINS",
        "false",
        Form::Switch,
        "Whether that holds for all names below the hub's, too: set it where nothing there is served without TLS.",
    ),
    setting(
        "rate_limits.enabled",
        "HUB_RATE_LIMITS_ENABLED",
        "true",
        Form::Switch,
        "Whether requests are counted, on each node, and those above a limit answered with 429 and the headers `RateLimit` and \
         `Retry-After`, by which clients wait. Accounts are counted over all their tokens; everybody else by network address, \
         which is that of a proxy where `HUB_TRUSTED_PROXIES` does not name it. Requests of this machine itself without an \
         account are not counted.",
    ),
    setting(
        "rate_limits.window_secs",
        "HUB_RATE_LIMITS_WINDOW_SECS",
        "300",
        Form::Number(1, 86_400),
        "How long requests are counted before counting starts anew, in seconds.",
    ),
    setting(
        "rate_limits.api",
        "HUB_RATE_LIMITS_API",
        "20000",
        Form::Number(0, 1_000_000_000),
        "How many requests of the API, git and LFS an account may make in that time. 0: any number. The same for the others.",
    ),
    setting(
        "rate_limits.resolvers",
        "HUB_RATE_LIMITS_RESOLVERS",
        "100000",
        Form::Number(0, 1_000_000_000),
        "How many requests of files (`/resolve/`, `/raw/`) an account may make.",
    ),
    setting(
        "rate_limits.pages",
        "HUB_RATE_LIMITS_PAGES",
        "5000",
        Form::Number(0, 1_000_000_000),
        "How many pages an account may open.",
    ),
    setting(
        "rate_limits.anonymous_api",
        "HUB_RATE_LIMITS_ANONYMOUS_API",
        "10000",
        Form::Number(0, 1_000_000_000),
        "How many requests of the API, git and LFS may come from one network address without an account.",
    ),
    setting(
        "rate_limits.anonymous_resolvers",
        "HUB_RATE_LIMITS_ANONYMOUS_RESOLVERS",
        "50000",
        Form::Number(0, 1_000_000_000),
        "How many requests of files may come from one network address without an account.",
    ),
    setting(
        "rate_limits.anonymous_pages",
        "HUB_RATE_LIMITS_ANONYMOUS_PAGES",
        "2500",
        Form::Number(0, 1_000_000_000),
        "How many pages may be opened from one network address without an account.",
    ),
    setting(
        "design_page",
        "HUB_DESIGN_PAGE",
        "false",
        Form::Switch,
        "Whether everybody sees `/design`, the page of all components of the design system. Administrators always do.",
    ),
    setting(
        "drain_secs",
        "HUB_DRAIN_SECS",
        "0",
        Form::Number(0, 300),
        "How many seconds a stop goes on taking requests while `/readyz` says 503, so that a load balancer notices first.",
    ),
    setting(
        "shutdown_timeout_secs",
        "HUB_SHUTDOWN_TIMEOUT_SECS",
        "30",
        Form::Number(0, 3600),
        "How many seconds a stop waits for requests in hand before it drops them.",
    ),
    setting(
        "trusted_proxies",
        "HUB_TRUSTED_PROXIES",
        "127.0.0.0/8, ::1",
        Form::Networks,
        "The addresses or networks of proxies in front of the hub, separated by commas. Only what they say in \
         `X-Forwarded-For` is believed; everybody else is taken for the client.",
    ),
    secret(
        "metrics_token",
        "HUB_METRICS_TOKEN",
        Form::Text,
        "The Bearer token that `/metrics` asks for. Without it, only requests made on this machine, and not passed on \
         by a proxy, may read the metrics.",
    ),
    setting(
        "search.meili_url",
        "MEILI_URL",
        "",
        HTTP,
        "The Meilisearch that lists and searches are answered by, such as `http://meilisearch:7700`; all nodes share it. Without it, \
         each node has a search index of its own in its data folder.",
    ),
    secret("search.meili_key", "MEILI_MASTER_KEY", Form::Text, "The key that this Meilisearch asks for."),
    setting(
        "scan.enabled",
        "HUB_SCAN",
        "true",
        Form::Switch,
        "Whether files that were pushed are looked at for secrets, dangerous pickles and other code (docs/scanning.md).",
    ),
    setting(
        "scan.clamd",
        "HUB_CLAMD",
        "",
        Form::Text,
        "The ClamAV daemon that looks at pushed files, too: `host:port`, or the path of its socket. Without it, malware is \
         not looked for.",
    ),
    setting(
        "scan.clamd_max_mib",
        "HUB_CLAMD_MAX_MIB",
        "100",
        Form::Number(1, 1_000_000),
        "The largest file that ClamAV is sent, in MiB. Its own `StreamMaxLength` must not be smaller.",
    ),
    secret(
        "mail.smtp_url",
        "HUB_MAIL_SMTP_URL",
        Form::Url(&["smtp", "smtps"]),
        "The server that takes mail, such as `smtps://hub:password@mail.example.org`, or \
         `smtp://hub:password@mail.example.org:587?tls=required` for STARTTLS. Without it, mails are kept in `outbox` of the data \
         folder, as files that mail programs open.",
    ),
    setting("mail.from", "HUB_MAIL_FROM", "", Form::Text, "Who sends mail, such as `Hub <hub@example.org>`."),
    setting(
        "alerts.every_secs",
        "HUB_ALERTS_EVERY_SECS",
        "300",
        Form::Number(1, 86_400),
        "How often new repositories are looked for in saved searches that have alerts, in seconds.",
    ),
    setting(
        "webhooks.allow",
        "HUB_WEBHOOKS_ALLOW",
        "",
        Form::Targets,
        "Networks, addresses and names of hosts, separated by commas, that webhooks may be sent to although they are not public, \
         such as `10.1.0.0/16, ci.example.org`. Everything there can then be sent requests by every user of the hub, who is also \
         shown how its answers begin.",
    ),
    setting(
        "domains.proof_url",
        "HUB_DOMAINS_PROOF_URL",
        "https://{domain}/.well-known/hub-domain-challenge.txt",
        Form::Text,
        "Where the file is that proves a mail domain to be an organization's; `{domain}` stands for it. In a closed network it can \
         be one server that the operator keeps, such as `https://proofs.example.org/{domain}.txt`, which `HUB_WEBHOOKS_ALLOW` has \
         to allow where it is not public.",
    ),
    secret(
        "database.url",
        "DATABASE_URL",
        Form::Url(&["postgres", "postgresql"]),
        "The Postgres database (15 or newer), such as `postgres://hub:password@db.example.org/hub`; `?sslmode=verify-full` at its \
         end asks for TLS (docs/production.md). Without it, the hub runs a private Postgres in its data folder, from the system's \
         PostgreSQL.",
    ),
    setting(
        "database.max_connections",
        "HUB_DATABASE_MAX_CONNECTIONS",
        "24",
        Form::Number(2, 1000),
        "The most connections that this process opens to the database.",
    ),
    setting(
        "database.migrate_on_start",
        "HUB_DATABASE_MIGRATE_ON_START",
        "true",
        Form::Switch,
        "Whether `hub serve` brings the schema up to date itself. With `false` it refuses to start until `hub migrate` has run.",
    ),
    setting(
        "s3.endpoint",
        "HUB_S3_ENDPOINT",
        "",
        HTTP,
        "The S3-compatible service, such as `https://s3.eu-central-1.amazonaws.com`. With it, all files live in the \
         bucket; without it, in the data folder.",
    ),
    setting(
        "s3.public_endpoint",
        "HUB_S3_PUBLIC_ENDPOINT",
        "",
        HTTP,
        "The same service as clients reach it, when that is another address than `s3.endpoint`. Clients upload and \
         download there directly.",
    ),
    setting("s3.bucket", "HUB_S3_BUCKET", "", Form::Text, "The bucket. Created when missing, if the key may."),
    setting("s3.region", "HUB_S3_REGION", "us-east-1", Form::Text, "The region to sign requests for."),
    setting("s3.access_key_id", "HUB_S3_ACCESS_KEY_ID", "", Form::Text, "The id of the access key."),
    secret("s3.secret_access_key", "HUB_S3_SECRET_ACCESS_KEY", Form::Text, "The secret of the access key."),
    setting(
        "s3.path_style",
        "HUB_S3_PATH_STYLE",
        "true",
        Form::Switch,
        "`true` for `endpoint/bucket/key`, which most services speak; `false` for `bucket.endpoint/key`.",
    ),
    setting(
        "azure.account",
        "HUB_AZURE_ACCOUNT",
        "",
        Form::Text,
        "The storage account at Azure. With it, all files live in a container of Azure Blob Storage.",
    ),
    setting("azure.container", "HUB_AZURE_CONTAINER", "", Form::Text, "The container. Created when missing."),
    secret("azure.access_key", "HUB_AZURE_ACCESS_KEY", Form::Text, "A key of the storage account, in Base64."),
    setting(
        "azure.endpoint",
        "HUB_AZURE_ENDPOINT",
        "",
        HTTP,
        "The address of the account's blobs, when it is not `https://<account>.blob.core.windows.net`.",
    ),
    setting(
        "azure.public_endpoint",
        "HUB_AZURE_PUBLIC_ENDPOINT",
        "",
        HTTP,
        "The same as clients reach it, when that is another address. Clients download there directly.",
    ),
    setting(
        "gcs.bucket",
        "HUB_GCS_BUCKET",
        "",
        Form::Text,
        "The bucket of Google Cloud Storage, which must exist. With it, all files live there.",
    ),
    setting(
        "gcs.key_file",
        "HUB_GCS_KEY_FILE",
        "",
        Form::Text,
        "The file with the key of a service account, in JSON. Without it, the machine's own service account is used.",
    ),
    setting(
        "gcs.endpoint",
        "HUB_GCS_ENDPOINT",
        "",
        HTTP,
        "The address of the service, when it is not Google's own. Clients download there directly.",
    ),
    setting(
        "limits.inline_mib",
        "HUB_LIMITS_INLINE_MIB",
        "10",
        Form::Number(1, 1024),
        "The largest file that git itself may hold, in MiB. Larger files must come through Git LFS.",
    ),
    setting(
        "limits.bucket_gib",
        "HUB_LIMITS_BUCKET_GIB",
        "0",
        Form::Number(0, 1_000_000_000),
        "The most that all files of one bucket may take together, in GiB. `0`: no limit.",
    ),
    setting(
        "limits.owner_buckets_gib",
        "HUB_LIMITS_OWNER_BUCKETS_GIB",
        "0",
        Form::Number(0, 1_000_000_000),
        "The most that all buckets of one account or organization may take together, in GiB. `0`: no limit.",
    ),
    setting(
        "limits.owner_storage_gib",
        "HUB_LIMITS_OWNER_STORAGE_GIB",
        "0",
        Form::Number(0, 1_000_000_000),
        "The most that all repositories of one account or organization may take together, in GiB: large files and git history. \
         Administrators set other limits for single ones. `0`: no limit.",
    ),
    setting(
        "lfs.multipart_above_mib",
        "HUB_LFS_MULTIPART_ABOVE_MIB",
        "256",
        Form::Number(1, 5120),
        "Large files above this size, in MiB, are uploaded in parts by clients that know how.",
    ),
    setting(
        "lfs.part_mib",
        "HUB_LFS_PART_MIB",
        "32",
        Form::Number(5, 5120),
        "The size of such a part, in MiB. Parts grow when a file would need more than 1000 of them.",
    ),
    setting(
        "xet.enabled",
        "HUB_XET_ENABLED",
        "true",
        Form::Switch,
        "Whether clients are led to Xet, the protocol that moves large files in chunks. With `false` they download by plain \
         HTTP. (Users and repositories have a switch of their own.)",
    ),
    setting(
        "xet.url",
        "HUB_XET_URL",
        "",
        HTTP,
        "Where clients reach the store of chunks, such as `https://cas.example.org`, when processes with the role `cas` serve \
         it at another address. Changing it makes clients forget what they know of chunks.",
    ),
    setting(
        "xet.plain_days",
        "HUB_XET_PLAIN_DAYS",
        "0",
        Form::Number(0, 36_500),
        "After how many days in chunks the whole copy of a large file is dropped, which frees its space; clients that do not \
         speak Xet then get it put together by the hub, also with S3. `0` keeps whole copies for ever.",
    ),
    setting(
        "xet.read_token_secs",
        "HUB_XET_READ_TOKEN_SECS",
        "900",
        Form::Number(5, 86_400),
        "For how many seconds a client may read chunks before it must ask for leave again, which it does by itself. Clients \
         renew half a minute early: below 60 they ask before nearly every request.",
    ),
    setting("xet.write_token_secs", "HUB_XET_WRITE_TOKEN_SECS", "3600", Form::Number(5, 86_400), "The same for sending chunks."),
    setting(
        "xet.stall_secs",
        "HUB_XET_STALL_SECS",
        "30",
        Form::Number(1, 3600),
        "After how many seconds in which a client takes no byte of a download in chunks `/metrics` counts it as stalled.",
    ),
    setting(
        "gc.unused_days",
        "HUB_GC_UNUSED_DAYS",
        "7",
        Form::Number(1, 36_500),
        "For how many days a repository keeps a large file that none of its branches and tags names, now or before a change that \
         can be undone (`undo.days`): the time between an upload and its commit.",
    ),
    setting(
        "undo.days",
        "HUB_UNDO_DAYS",
        "30",
        Form::Number(1, 36_500),
        "For how many days what was done to repositories can be undone: deletions, moves, forced pushes, deleted branches and tags, \
         squashed histories, visibility and gating. As long is everything kept that this needs.",
    ),
    setting(
        "fetch_ledger.days",
        "HUB_FETCH_LEDGER_DAYS",
        "365",
        Form::Number(0, 36_500),
        "For how many days it is kept which account fetched which large file, pickle or script, so that it can be told when one is \
         recalled. `0`: it is not kept, and what was kept goes.",
    ),
    setting(
        "audit.keep_days",
        "HUB_AUDIT_KEEP_DAYS",
        "0",
        Form::Number(0, 36_500),
        "For how many days lines of the audit log are kept; they go in no other way. `0`: for ever.",
    ),
    setting(
        "rules.new_account_days",
        "HUB_RULES_NEW_ACCOUNT_DAYS",
        "0",
        Form::Number(0, 3650),
        "For how many days an account is new, and the rules look at what it does. `0`: there are no rules. Worth it where strangers \
         sign up.",
    ),
    setting(
        "rules.repos_per_hour",
        "HUB_RULES_REPOS_PER_HOUR",
        "20",
        PER_HOUR,
        "How many repositories a new account makes. `0`: any number.",
    ),
    setting(
        "rules.discussions_per_hour",
        "HUB_RULES_DISCUSSIONS_PER_HOUR",
        "10",
        PER_HOUR,
        "How many discussions and pull requests it opens.",
    ),
    setting("rules.comments_per_hour", "HUB_RULES_COMMENTS_PER_HOUR", "30", PER_HOUR, "How many comments it writes."),
    setting("rules.mentions_per_hour", "HUB_RULES_MENTIONS_PER_HOUR", "30", PER_HOUR, "How many people it mentions."),
    setting("rules.invitations_per_hour", "HUB_RULES_INVITATIONS_PER_HOUR", "20", PER_HOUR, "How many invitations it sends."),
    setting(
        "rules.organizations_per_hour",
        "HUB_RULES_ORGANIZATIONS_PER_HOUR",
        "5",
        PER_HOUR,
        "How many organizations it makes.",
    ),
    setting(
        "rules.links",
        "HUB_RULES_LINKS",
        "3",
        Form::Number(0, 1_000),
        "How many links to elsewhere a comment of a new account may have: one with more is hidden until a moderator has looked at it. \
         A card with more is reported. `0`: any number.",
    ),
    setting(
        "rules.copies",
        "HUB_RULES_COPIES",
        "5",
        Form::Number(0, 1_000),
        "When new accounts have said the same so often within a week, it is reported. `0`: never.",
    ),
    setting(
        "rules.alike",
        "HUB_RULES_ALIKE",
        "5",
        Form::Number(0, 1_000),
        "When so many new accounts have said nearly the same within a week, in comments or cards, it is reported. Cards that training \
         programs write are much alike, too. `0`: never.",
    ),
    setting(
        "rules.empty_repos",
        "HUB_RULES_EMPTY_REPOS",
        "10",
        Form::Number(0, 1_000),
        "A new account that has made so many public repositories with nothing in them is reported: it may be taking names. `0`: never.",
    ),
    setting(
        "rules.names",
        "HUB_RULES_NAMES",
        "",
        Form::Text,
        "Names that are known outside of the hub, separated by commas: new users and organizations whose names look like one of them \
         are reported, as are those that look like one that is here.",
    ),
    setting(
        "trending.account_days",
        "HUB_TRENDING_ACCOUNT_DAYS",
        "7",
        Form::Number(0, 3650),
        "How many days old an account must be when it likes something, for that like to count for the trending score \
         (docs/trending.md). `0`: any account's likes count.",
    ),
    setting(
        "gc.quarantine_days",
        "HUB_GC_QUARANTINE_DAYS",
        "3",
        Form::Number(1, 36_500),
        "For how many days large files and chunks are kept that nobody needs any more, in case somebody comes to need them again.",
    ),
    setting(
        "ssh.address",
        "HUB_SSH_ADDRESS",
        "",
        Form::Address,
        "The address and port to serve git by SSH on, such as `0.0.0.0:2222`. Not set: there is no git by SSH.",
    ),
    setting(
        "ssh.public_host",
        "HUB_SSH_PUBLIC_HOST",
        "",
        Form::Text,
        "The host by which people reach that address, when it is not that of the hub's pages.",
    ),
    setting(
        "ssh.public_port",
        "HUB_SSH_PUBLIC_PORT",
        "0",
        Form::Number(0, 65_535),
        "The port by which people reach that address. `0`: the port of `HUB_SSH_ADDRESS`.",
    ),
    setting(
        "limits.cache_gib",
        "HUB_LIMITS_CACHE_GIB",
        "20",
        Form::Number(1, 1_000_000),
        "How large this node's copies of git packs may grow, in GiB. Those not used for longest go first; those in use stay.",
    ),
    setting(
        "log.filter",
        "HUB_LOG",
        "info",
        Form::LogFilter,
        "What is logged: `error`, `warn`, `info`, `debug` or `trace`, also by part: `info,hub=debug,sqlx=debug`.",
    ),
    setting(
        "log.format",
        "HUB_LOG_FORMAT",
        "human",
        Form::Choice(&["human", "json"]),
        "The form of a log line: `human` for people (coloured on a terminal), `json` for machines.",
    ),
];

impl Setting {
    pub(super) fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

/// Reads typed values, and notes what does not fit. A wrong value reads as its default.
pub(super) struct Reader<'a> {
    pub(super) values: &'a Values,
    pub(super) problems: &'a mut Problems,
}

impl Reader<'_> {
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        Some(self.values.get(key).to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn choice(&mut self, key: &str) -> String {
        let Some(Setting { form: Form::Choice(words), .. }) = Setting::find(key) else { return String::new() };
        let read = |text: &str| words.contains(&text).then(|| text.to_owned());
        self.typed(key, read, &format!("must be one of {}", listed(words))).unwrap_or_default()
    }

    pub(super) fn switch(&mut self, key: &str) -> bool {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        };
        self.typed(key, read, "must be `true` or `false`").unwrap_or_default()
    }

    pub(super) fn number(&mut self, key: &str) -> u64 {
        let Some(Setting { form: Form::Number(min, max), .. }) = Setting::find(key) else { return 0 };
        let read = |text: &str| text.parse().ok().filter(|number| (min..=max).contains(&number));
        self.typed(key, read, &format!("must be a whole number from {min} to {max}")).unwrap_or(*min)
    }

    pub(super) fn address(&mut self, key: &str) -> SocketAddr {
        let read = |text: &str| text.replace("localhost:", "127.0.0.1:").parse().ok();
        let wanted = "must be an address and a port, such as `127.0.0.1:8080` or `0.0.0.0:80`";
        self.typed(key, read, wanted).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    pub(super) fn optional_address(&mut self, key: &str) -> Option<SocketAddr> {
        self.text(key)?;
        let read = |text: &str| text.replace("localhost:", "127.0.0.1:").parse().ok();
        self.typed(key, read, "must be an address and a port, such as `0.0.0.0:2222`")
    }

    pub(super) fn url(&mut self, key: &str) -> Option<String> {
        let Some(Setting { form: Form::Url(schemes), .. }) = Setting::find(key) else { return None };
        let read = |text: &str| {
            let url = url::Url::parse(text).ok()?;
            (schemes.contains(&url.scheme()) && url.host().is_some()).then(|| text.to_owned())
        };
        let starts: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        self.text(key)?;
        self.typed(key, read, &format!("must be a URL with a host that starts with {}", listed(&starts)))
    }

    pub(super) fn networks(&mut self, key: &str) -> TrustedProxies {
        let wanted = "must be addresses or networks such as `10.0.0.5, 172.16.0.0/12`";
        self.typed(key, TrustedProxies::parse, wanted).unwrap_or_default()
    }

    pub(super) fn clamd(&mut self, key: &str) -> Option<Address> {
        self.text(key)?;
        self.typed(key, Address::parse, "must be `host:port`, or the path of a socket such as `/run/clamav/clamd.ctl`")
    }

    pub(super) fn targets(&mut self, key: &str) -> AllowedTargets {
        let wanted = "must be networks, addresses or names of hosts such as `10.1.0.0/16, ci.example.org`";
        self.typed(key, AllowedTargets::parse, wanted).unwrap_or_default()
    }

    /// A URL in which `{domain}` stands for a domain.
    pub(super) fn domain_url(&mut self, key: &str) -> String {
        let read = |text: &str| {
            let url = url::Url::parse(&text.replace("{domain}", "example.org")).ok()?;
            (text.contains("{domain}") && matches!(url.scheme(), "http" | "https")).then(|| text.to_owned())
        };
        let wanted = "must be a URL with `{domain}` in it, such as `https://{domain}/.well-known/hub-domain-challenge.txt`";
        self.typed(key, read, wanted).unwrap_or_default()
    }

    pub(super) fn log_filter(&mut self, key: &str) -> String {
        let read = |text: &str| tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned());
        let wanted = "must be a level (`error`, `warn`, `info`, `debug`, `trace`) or a list such as `info,hub=debug`";
        self.typed(key, read, wanted).unwrap_or_else(|| "info".to_owned())
    }

    fn typed<T>(&mut self, key: &str, read: impl Fn(&str) -> Option<T>, wanted: &str) -> Option<T> {
        if let Some(value) = read(self.values.get(key)) {
            return Some(value);
        }
        self.problems.bad_value(self.values, key, wanted);
        read(Setting::find(key)?.default)
    }
}

impl Values {
    /// A folder; any text names one.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        PathBuf::from(self.get(key))
    }
}

fn listed(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Writes `docs/settings.md`.
pub fn render_reference() -> String {
    let mut text = "# Settings\n\n\
        Generated from `crates/hub/src/config/settings.rs` by its test; edit it there.\n\n\
        Each setting is an environment variable, and a key of one TOML file: the one that `HUB_CONFIG` names, or \
        `hub.toml` in the data folder if it exists. A variable wins over the file. With nothing set at all, a hub runs \
        on `http://127.0.0.1:8080` and keeps everything in `./data`. `hub config check` shows what a hub would run \
        with, where each value comes from, and what is wrong with it; `--connect` also tries the database and the \
        store. Secrets are never shown.\n\n\
        ```toml\nlisten = \"0.0.0.0:8080\"\npublic_url = \"https://hub.example.org\"\n\n[database]\nurl = \
        \"postgres://hub:password@db.example.org/hub\"\n```\n\n\
        | variable | key | default | meaning |\n|---|---|---|---|\n"
        .to_owned();
    for setting in SETTINGS {
        let default = match setting.default {
            "" => "not set".to_owned(),
            value => format!("`{value}`"),
        };
        let Setting { env, key, doc, .. } = setting;
        let doc = if setting.secret { format!("{doc} Secret.") } else { (*doc).to_owned() };
        text.push_str(&format!("| `{env}` | `{key}` | {default} | {doc} |\n"));
    }
    text.push_str("| `HUB_CONFIG` | | not set | The TOML file to read instead of `hub.toml` in the data folder. |\n");
    text
}
