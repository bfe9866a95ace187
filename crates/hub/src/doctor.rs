//! `hub doctor`: looks at everything that a hub needs, and says for each thing that is wrong how it is mended.
//!
//! It looks from outside, as an operator would: each check opens its own part, so that one that is broken hides no other.
//! Nothing is changed, but for small objects in the store that it removes again.
//!
//! - [`database`], [`store`], [`machine`], [`mail`], [`passwords`], [`scanner`], [`clamav`], [`search`]: what the hub leans on.
//! - [`front`]: the way from people to the hub, through whatever stands before it; [`mirror`] is the hub's end of it.
//! - [`clients`]: what the client libraries on this machine make of `HF_ENDPOINT`.

mod clamav;
pub mod clients;
mod database;
mod front;
mod machine;
mod mail;
pub mod mirror;
mod passwords;
mod queries;
mod scanner;
mod search;
mod store;

use std::time::Duration;

use serde::Serialize;

use crate::config::{Config, Problems};
use crate::signing::Signer;
use crate::start;

/// How long one question may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Pass,
    /// It works, and could be better or will not work for everybody.
    Warn,
    /// Something does not work.
    Fail,
}

impl Verdict {
    /// The word at the start of a line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// What one look has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    pub(crate) fn pass(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Pass, message: message.into(), mend: None }
    }

    pub(crate) fn warn(check: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, message: message.into(), mend: Some(mend.into()) }
    }

    pub(crate) fn fail(check: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, message: message.into(), mend: Some(mend.into()) }
    }
}

/// Looks whether there is room on this machine's disk. It blocks.
pub fn look_at_disk(config: &Config) -> Finding {
    machine::room(config)
}

/// The worst of them.
pub fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass)
}

/// Looks at everything; each finding is told as soon as it is there.
pub async fn examine(config: &Config, problems: &Problems, tell: &mut impl FnMut(Finding)) {
    settings(problems).into_iter().for_each(&mut *tell);
    if problems.has_errors() {
        // The rest would be a look at another hub than was meant.
        return;
    }
    start::install_tls();
    machine::check(config).await.into_iter().for_each(&mut *tell);
    store::check(&config.store).await.into_iter().for_each(&mut *tell);
    mail::check(config).await.into_iter().for_each(&mut *tell);
    passwords::check(config).await.into_iter().for_each(&mut *tell);
    scanner::check(config).await.into_iter().for_each(&mut *tell);
    clamav::check(config).await.into_iter().for_each(&mut *tell);
    let (findings, opened) = database::check(config).await;
    findings.into_iter().for_each(&mut *tell);
    let Some((pool, postgres)) = opened else { return };
    search::check(config, &pool).await.into_iter().for_each(&mut *tell);
    match Signer::load(&pool).await {
        Ok(signer) => front::check(config, &signer).await.into_iter().for_each(&mut *tell),
        Err(error) => tell(Finding::fail(
            "public address",
            format!("the key that signs links cannot be read: {error}"),
            "Run `hub migrate`, then look again.",
        )),
    }
    pool.close().await;
    if let Some(postgres) = postgres
        && let Err(error) = postgres.stop().await
    {
        tell(Finding::warn("database", format!("the private Postgres did not stop: {error}"), "Look at data/postgres.log."));
    }
}

fn settings(problems: &Problems) -> Vec<Finding> {
    let mend = "`hub config check` shows every setting and where it comes from; docs/settings.md explains them.";
    let finding = |is_error: bool, message: &str| match is_error {
        true => Finding::fail("settings", message, mend),
        false => Finding::warn("settings", message, mend),
    };
    let mut findings: Vec<_> = problems.iter().map(|problem| finding(problem.is_error, &problem.message)).collect();
    if findings.is_empty() {
        findings.push(Finding::pass("settings", "in order"));
    }
    findings
}
