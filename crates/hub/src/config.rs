//! Settings: read once at start, from the environment and one TOML file, and nowhere else.
//!
//! [`settings`] is the reference that everything follows: what is read, the defaults, the checks, and
//! `docs/settings.md`. To add a setting, add it there and to [`Config`]. A variable wins over the file. Every mistake
//! is collected before anything fails, so that an operator sees all of them at once; no message shows a secret.

mod limits;
mod oidc;
mod problems;
mod reach;
mod reader;
mod settings;
mod sources;
mod stores;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::publishers::Issuer;
use crate::scans::clamd::Address;
use crate::web::client_address::TrustedProxies;
use crate::web::outbound::AllowedTargets;
use hub_storage::{Secret, StoreConfig};

pub use limits::{OauthLimits, RateLimits, RequestLimits, RulesConfig, SessionLimits};
pub use oidc::OidcConfig;
pub use problems::{Problem, Problems};
pub use reach::{MailConfig, SshConfig};
pub use settings::{Setting, all_settings, render_reference};
pub use sources::{Origin, Values};

/// Everything an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Caches, and with nothing else configured the database and the store.
    pub data_dir: PathBuf,
    /// The address to serve on.
    pub listen: SocketAddr,
    /// The address people use, without a slash at its end, when it is not what requests say.
    pub public_url: Option<String>,
    /// What this process does.
    pub role: Role,
    /// The database; without it a private Postgres runs in the data folder.
    pub database_url: Option<Secret>,
    /// The most connections this process opens to the database.
    pub database_max_connections: u32,
    /// Whether `hub serve` brings the schema up to date itself.
    pub migrate_on_start: bool,
    /// Where bytes are kept.
    pub store: StoreConfig,
    /// The largest file git itself may hold, in bytes; larger ones must be LFS.
    pub inline_limit_bytes: u64,
    /// The most that all files of one bucket may take together, in bytes; without it there is no limit.
    pub bucket_limit_bytes: Option<u64>,
    /// The most that all buckets of one owner may take together, in bytes; without it there is no limit.
    pub owner_buckets_limit_bytes: Option<u64>,
    /// The most that all repositories of one owner may take together, in bytes, unless another limit is set for them; without it there
    /// is no limit.
    pub owner_storage_limit_bytes: Option<u64>,
    /// Large files above this size in bytes go in parts, when the client knows how.
    pub lfs_multipart_above_bytes: u64,
    /// The size of a part in bytes; S3 wants at least 5 MiB.
    pub lfs_part_bytes: u64,
    /// Whether clients are led to Xet, the protocol that moves files in chunks.
    pub xet: bool,
    /// Where clients reach the store of chunks, without a slash at its end; by default the hub itself.
    pub xet_url: Option<String>,
    /// After how many days in chunks the whole copy of a large file goes; 0: never.
    pub xet_plain_days: u64,
    /// How long a token to read chunks works, in seconds.
    pub xet_read_token_secs: u64,
    /// How long a token to write chunks works, in seconds.
    pub xet_write_token_secs: u64,
    /// After how long without a byte taken a download in chunks counts as stalled, in seconds.
    pub xet_stall_secs: u64,
    /// For how many days a repository keeps large files that none of its refs names.
    pub gc_unused_days: u64,
    /// For how many days what was done to repositories can be undone.
    pub undo_days: u64,
    /// For how many days it is kept which account fetched which file; 0: not at all.
    pub fetch_ledger_days: u64,
    /// For how many days lines of the audit log are kept; `None`: for ever.
    pub audit_days: Option<u64>,
    /// For how many days large files and chunks wait that nobody needs any more.
    pub gc_quarantine_days: u64,
    /// How large this node's copies of packs may grow, in bytes.
    pub cache_limit_bytes: u64,
    /// Whether nothing that people made is changed.
    pub read_only: bool,
    /// Whether strangers may sign up.
    pub open_signup: bool,
    /// Whether people must confirm their mail address before they sign in.
    pub require_confirmed_email: bool,
    /// The outside provider at which people sign in, if there is one.
    pub oidc: Option<OidcConfig>,
    /// How long browsers stay logged in.
    pub sessions: SessionLimits,
    /// How long people stay signed in to applications.
    pub oauth: OauthLimits,
    /// Who signs for jobs of CI that may be trusted; none: nobody is.
    pub publisher_issuers: Vec<Issuer>,
    /// What browsers are told of TLS (`Strict-Transport-Security`), if anything.
    pub hsts: Option<String>,
    /// A file of passwords that were in breaches.
    pub breached_passwords: Option<PathBuf>,
    /// How many wrong passwords for one account are taken from one network in 15 minutes; 0: any number.
    pub sign_in_tries: u64,
    /// How many requests somebody may make.
    pub rate_limits: RateLimits,
    /// How long a stop goes on taking requests while it says that it is not ready, in seconds.
    pub drain_secs: u64,
    /// How long a stop waits for requests in hand, in seconds.
    pub shutdown_timeout_secs: u64,
    /// How long a request may stop in the middle of its body, in seconds; 0: for ever.
    pub body_silence_secs: u64,
    /// The proxies in front of the hub.
    pub trusted_proxies: TrustedProxies,
    /// What `/metrics` asks for as Bearer token; without it only this machine may read them.
    pub metrics_token: Option<Secret>,
    /// The Meilisearch that answers searches; without it each node has an index of its own.
    pub meili_url: Option<String>,
    /// The key that it asks for.
    pub meili_key: Option<Secret>,
    /// How files that were pushed are looked at.
    pub scan: ScanConfig,
    /// What new accounts may do.
    pub rules: RulesConfig,
    /// How many days old an account must be for what it likes to count for trending; 0: any.
    pub trending_account_days: u64,
    /// How mail is sent; without it, it is kept in a folder.
    pub mail: Option<MailConfig>,
    /// How often new repositories are looked for in saved searches that have alerts, in seconds.
    pub alerts_every_secs: u64,
    /// What webhooks may be sent to although it is not public, or that and nothing else.
    pub webhooks_allow: AllowedTargets,
    /// Where the file is that proves a mail domain; `{domain}` stands for it.
    pub domain_proof_url: String,
    /// The name server that is asked for records that prove a mail domain; without it, the system's.
    pub domain_nameserver: Option<SocketAddr>,
    /// Where git by SSH is served; without it, it is not.
    pub ssh: Option<SshConfig>,
    /// Whether everybody sees the page of the design system.
    pub design_page: bool,
    /// What is logged, and how.
    pub log: LogConfig,
}

/// How files that were pushed are looked at.
#[derive(Debug, Clone)]
pub struct ScanConfig {
    /// Whether they are.
    pub enabled: bool,
    /// Whether that is done, and the pickles of checkpoints are read, in processes of their own, which can do nothing else.
    pub sandbox: bool,
    /// The program that is started for it, which is this one. Without it, the hub does it itself.
    pub program: Option<PathBuf>,
    /// The ClamAV daemon that looks at them, too.
    pub clamd: Option<Address>,
    /// The largest file that it is sent, in bytes.
    pub clamd_max_bytes: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Levels, in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// What a hub process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves requests and works through background jobs.
    All,
    /// Serves requests only.
    Web,
    /// Serves the store of chunks only (`/xet`).
    Cas,
    /// Works through background jobs; serves health and metrics only.
    Jobs,
}

impl Role {
    /// Reads `all`, `web`, `cas` or `jobs`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            "web" => Some(Self::Web),
            "cas" => Some(Self::Cas),
            "jobs" => Some(Self::Jobs),
            _ => None,
        }
    }

    /// Whether background jobs run in this process.
    pub fn runs_jobs(self) -> bool {
        matches!(self, Self::All | Self::Jobs)
    }

    /// Whether this process answers more than health and metrics.
    pub fn serves_web(self) -> bool {
        matches!(self, Self::All | Self::Web)
    }
}

impl Config {
    /// Settings for a hub that keeps everything in one folder; the rest as documented.
    pub fn in_folder(data_dir: PathBuf) -> Self {
        let mut problems = Problems::default();
        Self { data_dir: data_dir.clone(), store: stores::in_folder(&data_dir), ..build(&Values::default(), &mut problems) }
    }

    /// Reads the settings of this process.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn load() -> Result<Self, Problems> {
        let (config, _, problems) = Self::examine(std::env::vars_os().filter_map(|(name, value)| {
            // A variable that is not UTF-8 is none of ours.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        if problems.has_errors() { Err(problems) } else { Ok(config) }
    }

    /// The hub's own address where no request names one: the public one, else the one this process listens on.
    pub fn base(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Reads settings from these variables and the file they name, with what `hub config check` shows: where each
    /// value comes from, and what is wrong. The config holds defaults in place of wrong values.
    pub fn examine(environment: impl IntoIterator<Item = (String, String)>) -> (Self, Values, Problems) {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let mut problems = Problems::default();
        let values = sources::gather(&environment, &mut problems);
        let config = build(&values, &mut problems);
        (config, values, problems)
    }
}

/// Turns texts into the typed settings. Wrong values are noted and read as their defaults.
fn build(values: &Values, problems: &mut Problems) -> Config {
    let data_dir = values.path("data_dir");
    let mut read = reader::Reader { values, problems };
    Config {
        listen: read.address("listen"),
        public_url: read.url("public_url").map(|url| url.trim_end_matches('/').to_owned()),
        role: Role::parse(&read.choice("role")).unwrap_or(Role::All),
        database_url: read.url("database.url").map(Secret::new),
        database_max_connections: u32::try_from(read.number("database.max_connections")).unwrap_or(u32::MAX),
        migrate_on_start: read.switch("database.migrate_on_start"),
        store: stores::read_store(&mut read, &data_dir),
        inline_limit_bytes: read.number("limits.inline_mib") * 1024 * 1024,
        bucket_limit_bytes: limits::read_limit(&mut read, "limits.bucket_gib"),
        owner_buckets_limit_bytes: limits::read_limit(&mut read, "limits.owner_buckets_gib"),
        owner_storage_limit_bytes: limits::read_limit(&mut read, "limits.owner_storage_gib"),
        lfs_multipart_above_bytes: read.number("lfs.multipart_above_mib") * 1024 * 1024,
        lfs_part_bytes: read.number("lfs.part_mib") * 1024 * 1024,
        xet: read.switch("xet.enabled"),
        xet_url: read.url("xet.url").map(|url| url.trim_end_matches('/').to_owned()),
        xet_plain_days: read.number("xet.plain_days"),
        xet_read_token_secs: limits::read_token_secs(&mut read, "xet.read_token_secs"),
        xet_write_token_secs: limits::read_token_secs(&mut read, "xet.write_token_secs"),
        xet_stall_secs: read.number("xet.stall_secs"),
        gc_unused_days: read.number("gc.unused_days"),
        undo_days: read.number("undo.days"),
        fetch_ledger_days: read.number("fetch_ledger.days"),
        audit_days: Some(read.number("audit.keep_days")).filter(|days| *days > 0),
        gc_quarantine_days: read.number("gc.quarantine_days"),
        cache_limit_bytes: read.number("limits.cache_gib") * 1024 * 1024 * 1024,
        read_only: read.switch("read_only"),
        open_signup: read.switch("open_signup"),
        require_confirmed_email: read.switch("require_confirmed_email"),
        oidc: oidc::read_oidc(&mut read),
        sessions: SessionLimits {
            days: limits::read_days(&mut read, "sessions.days"),
            idle_hours: i32::try_from(read.number("sessions.idle_hours")).unwrap_or(i32::MAX),
        },
        oauth: OauthLimits {
            days: limits::read_days(&mut read, "oauth.days"),
            command_line_days: limits::read_days(&mut read, "oauth.command_line_days"),
        },
        publisher_issuers: read.issuers("publishers.issuers"),
        hsts: reach::read_hsts(&mut read),
        breached_passwords: read.text("passwords.breached_file").map(PathBuf::from),
        sign_in_tries: read.number("limits.sign_in_tries"),
        rate_limits: limits::read_rate_limits(&mut read),
        drain_secs: read.number("drain_secs"),
        shutdown_timeout_secs: read.number("shutdown_timeout_secs"),
        body_silence_secs: read.number("limits.body_silence_secs"),
        trusted_proxies: read.networks("trusted_proxies"),
        metrics_token: read.text("metrics_token").map(Secret::new),
        meili_url: read.url("search.meili_url").map(|url| url.trim_end_matches('/').to_owned()),
        meili_key: read.text("search.meili_key").map(Secret::new),
        scan: ScanConfig {
            enabled: read.switch("scan.enabled"),
            sandbox: read.switch("scan.sandbox"),
            // Whoever starts a hub in their own program has no such process: `hub serve` sets it.
            program: None,
            clamd: read.clamd("scan.clamd"),
            clamd_max_bytes: read.number("scan.clamd_max_mib") * 1024 * 1024,
        },
        rules: limits::read_rules(&mut read),
        trending_account_days: read.number("trending.account_days"),
        mail: reach::read_mail(&mut read),
        alerts_every_secs: read.number("alerts.every_secs"),
        webhooks_allow: reach::read_targets(&mut read),
        domain_proof_url: read.domain_url("domains.proof_url"),
        domain_nameserver: read.optional_address("domains.nameserver"),
        ssh: reach::read_ssh(&mut read),
        design_page: read.switch("design_page"),
        log: LogConfig {
            filter: read.log_filter("log.filter"),
            format: if read.choice("log.format") == "json" { LogFormat::Json } else { LogFormat::Human },
        },
        data_dir,
    }
}

#[cfg(test)]
mod tests;
