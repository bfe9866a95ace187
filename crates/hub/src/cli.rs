//! The command line: `hub serve`, `hub migrate`, `hub config check`, `hub doctor`, `hub admin …`.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 asked wrongly
//! (a mistake in the arguments or the settings).

mod accounts;
mod backup;
mod check;
mod doctor;
mod gc;
mod serve;

use std::fmt::Display;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::accounts::site_roles::SiteRole;
use crate::config::{Config, LogFormat, Role};
use crate::scans::{apart, child};
use crate::{db, logging, start};

/// A self-hosted hub for models, datasets and Spaces.
#[derive(Debug, Parser)]
#[command(name = "hub", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the hub until it is told to stop (SIGTERM or Ctrl-C).
    Serve {
        /// What this process does: all, web, cas (chunks of large files alone) or jobs.
        #[arg(long, value_parser = parse_role)]
        role: Option<Role>,
    },
    /// Brings the database schema up to date.
    Migrate,
    /// Looks at the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Looks at everything that a hub needs, and says how to mend what is wrong. Exits with 1 if something does not work.
    Doctor {
        /// Prints one JSON object instead of lines.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: Option<doctor::DoctorCommand>,
    },
    /// Manages what is on the hub. Works beside a running hub.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Looks at files that `hub serve` gives it, and can do nothing else: for no person.
    #[command(hide = true)]
    ScanOne,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Shows the settings and where they come from, and explains mistakes. Secrets are not shown.
    Check {
        /// Also tries the database and the store.
        #[arg(long)]
        connect: bool,
    },
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Makes an account. Without --password-stdin a password is made up and printed once.
    CreateUser {
        /// The user name.
        name: String,
        /// The mail address.
        #[arg(long)]
        email: String,
        /// The full name.
        #[arg(long, default_value = "")]
        fullname: String,
        /// Makes this person an administrator of the hub. The first account is one in any case.
        #[arg(long)]
        admin: bool,
        /// Reads the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Says what somebody is on the hub as a whole: `admin` runs it, `moderator` looks after what others publish, `none` is what
    /// everybody is.
    Role {
        /// The user name.
        name: String,
        /// `admin`, `moderator` or `none`.
        #[arg(value_parser = parse_site_role)]
        role: SiteRole,
    },
    /// Proves that all that repositories need is in the store. Exits with 1 if something is missing or damaged.
    Fsck {
        /// One repository, such as `ada/bert` or `datasets/ada/squad`. Without it, all of them.
        repo: Option<String>,
        /// Also reads every large file and compares its SHA-256.
        #[arg(long)]
        deep: bool,
    },
    /// Removes large files, chunks and unfinished uploads that nobody needs, as the hub does by itself once a day, and says what went and
    /// why.
    Gc {
        /// Only says what would go, step by step. What a step leaves to the next is found by the next run.
        #[arg(long)]
        dry_run: bool,
        /// Instead of gc.unused_days: how long repositories keep what none of their refs names.
        #[arg(long, value_name = "DAYS")]
        grace_unused: Option<u32>,
        /// Instead of undo.days: how long is kept what an undo of deletions and of moved branches needs.
        #[arg(long, value_name = "DAYS")]
        grace_deleted: Option<u32>,
        /// Instead of gc.quarantine_days. With 0, downloads under way may break off.
        #[arg(long, value_name = "DAYS")]
        grace_quarantine: Option<u32>,
        /// Deletes objects of the store that the database does not know, even if they are suspiciously many.
        #[arg(long)]
        many_orphans: bool,
    },
    /// Joins the git packs of repositories that have too many, as the hub does by itself.
    Repack {
        /// One repository, such as `ada/bert` or `datasets/ada/squad`. Without it, all of them.
        repo: Option<String>,
    },
    /// Removes the second factors of a user who lost them, and ends their sessions: their password alone opens the account again.
    RemoveSecondFactors {
        /// The user name.
        name: String,
    },
    /// Begins to delete an account, as its owner can in the settings: nobody can log in to it, and after undo.days it is removed for good.
    DeleteAccount {
        /// The user name.
        name: String,
    },
    /// Keeps an account that is being deleted, as its owner can by the link in the mail.
    KeepAccount {
        /// The user name.
        name: String,
    },
    /// Keeps an organization that is being deleted, as those can who administered it.
    KeepOrganization {
        /// Its name.
        name: String,
    },
    /// Makes access tokens worthless that leaked, and has their owners told: reads any text from standard input and looks for
    /// tokens in it.
    RevokeTokens,
    /// Saves the database and what it names of the store in a folder, beside a running hub. A folder holds many backups, which
    /// share what they have in common.
    Backup {
        /// The folder.
        folder: PathBuf,
        /// Removes older backups afterwards, so that this many are left.
        #[arg(long, value_name = "COUNT")]
        keep: Option<NonZeroUsize>,
    },
    /// Reads a backup to its last byte. Exits with 1 if it cannot be restored.
    VerifyBackup {
        /// The folder.
        folder: PathBuf,
        /// The backup; by default the newest.
        #[arg(long)]
        name: Option<String>,
    },
    /// Restores a backup into the hub of the settings, which must be empty and not run. Its store may be of another kind.
    Restore {
        /// The folder.
        folder: PathBuf,
        /// The backup; by default the newest.
        #[arg(long)]
        name: Option<String>,
    },
    /// Prints the fingerprint by which clients of git over SSH know this hub.
    SshHostKey,
    /// Makes a new key that signs links, forms and short-lived tokens. What former keys signed stays valid until they are forgotten.
    RotateSigningKey {
        /// Forgets keys that stopped signing at least so many days ago: links in mails, invitations and feeds that they signed end.
        /// With 0, all former keys at once.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(0..=36_500))]
        forget_older_than: Option<i32>,
    },
    /// Has every node build its search index anew, beside the one in use.
    Reindex,
    /// Fills the hub with invented repositories, for measuring and trying out. They have metadata and a card, and no weights or data.
    Synth {
        /// The account that has the few real repositories whose files the invented ones share.
        account: String,
        /// How many models.
        #[arg(long, default_value_t = 10_000)]
        models: u64,
        /// How many datasets.
        #[arg(long, default_value_t = 3_000)]
        datasets: u64,
        /// How many Spaces.
        #[arg(long, default_value_t = 1_000)]
        spaces: u64,
        /// Another number invents others.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Makes the users, tokens and organizations that a TOML, JSON or YAML file lists, where they are missing.
    Seed {
        /// The file.
        file: PathBuf,
    },
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be all, web, cas or jobs".to_owned())
}

fn parse_site_role(text: &str) -> Result<SiteRole, String> {
    SiteRole::parse(text).ok_or_else(|| "must be admin, moderator or none".to_owned())
}

/// Runs the program with the arguments of this process.
pub fn run() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let command = match command {
        // First, and before any other thread is there.
        Command::ScanOne => return child::run().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Command::Config { command: ConfigCommand::Check { connect } } => return block_on(check::run(connect)),
        Command::Doctor { json, command } => return block_on(doctor::run(command, json)),
        command => command,
    };
    let mut config = match Config::load() {
        Ok(config) => config,
        Err(problems) => {
            complain(format!("{problems}See docs/settings.md, or run `hub config check`."));
            return ExitCode::from(2);
        }
    };
    match command {
        Command::Serve { role } => {
            config.role = role.unwrap_or(config.role);
            config.scan.program = config.scan.sandbox.then(apart::program);
            logging::init(&config.log);
            block_on(serve::run(config))
        }
        Command::Migrate => block_on(migrate(quiet(config))),
        Command::Admin { command } => block_on(accounts::run(quiet(config), command)),
        Command::ScanOne | Command::Config { .. } | Command::Doctor { .. } => ExitCode::SUCCESS,
    }
}

/// Commands speak for themselves: only warnings go to the log, unless HUB_LOG asks for more.
fn quiet(mut config: Config) -> Config {
    if std::env::var_os("HUB_LOG").is_none() {
        config.log.filter = "warn".to_owned();
    }
    config.log.format = LogFormat::Human;
    logging::init(&config.log);
    config
}

/// The web server makes its own threads; this runtime carries the background work.
fn block_on(future: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => fail(error),
    }
}

async fn migrate(config: Config) -> ExitCode {
    let (pool, postgres) = match start::open_database(&config, start::Beside::Allowed).await {
        Ok(opened) => opened,
        Err(error) => return fail(error),
    };
    let done = db::migrate(&pool).await;
    pool.close().await;
    if let Some(postgres) = postgres
        && let Err(error) = postgres.stop().await
    {
        return fail(error);
    }
    match done {
        Ok(()) => {
            say("The database schema is up to date.");
            ExitCode::SUCCESS
        }
        Err(error) => fail(error),
    }
}

/// Writes a line to standard output. A reader that went away is no reason to fail.
fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line to standard error.
fn complain(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn fail(error: impl Display) -> ExitCode {
    complain(format!("hub: {error}"));
    ExitCode::FAILURE
}
