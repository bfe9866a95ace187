//! `hub doctor`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use url::Url;

use super::{fail, say};
use crate::config::Config;
use crate::doctor::{self, Finding, Verdict, clients};

/// What else the doctor looks at.
#[derive(Debug, Subcommand)]
pub(super) enum DoctorCommand {
    /// Asks the hub through the client libraries that are installed here.
    Client {
        /// The Python whose libraries are asked.
        #[arg(long, default_value = "python3")]
        python: PathBuf,
        /// The hub; by default that of the settings.
        #[arg(long)]
        url: Option<Url>,
    },
}

pub(super) async fn run(command: Option<DoctorCommand>, json: bool) -> ExitCode {
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let (config, _, problems) = Config::examine(environment);
    let mut findings = Vec::new();
    let mut tell = |finding: Finding| {
        if !json {
            show(&finding);
        }
        findings.push(finding);
    };
    match command {
        None => doctor::examine(&config, &problems, &mut tell).await,
        Some(DoctorCommand::Client { python, url }) => match url.map_or_else(|| config.base().parse(), Ok) {
            Ok(url) => clients::examine(&python, &url, &mut tell).await,
            Err(error) => return fail(format!("`{}` is no address: {error}", config.base())),
        },
    }
    if json {
        say(serde_json::json!({ "findings": findings }));
    }
    match doctor::worst(&findings) {
        Verdict::Pass | Verdict::Warn => ExitCode::SUCCESS,
        Verdict::Fail => ExitCode::FAILURE,
    }
}

fn show(finding: &Finding) {
    say(format!("{}  {}: {}", finding.verdict.word(), finding.check, finding.message));
    if let Some(mend) = &finding.mend {
        say(format!("      {mend}"));
    }
}
