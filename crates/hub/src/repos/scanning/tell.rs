//! Who is told of what was found.

use std::collections::BTreeSet;

use hub_scan::Topic;

use super::changes::{ChangedFile, Changes};
use crate::accounts::letters::Notice;
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::Repo;
use crate::repos::queries::scanning::list_owners;
use crate::scans::FileScan;
use crate::web::links::encode_segment;

/// How many files a mail names.
const MAX_NAMED: usize = 20;

/// Whether anybody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// Those who pushed, and those who answer for the repository.
    Pushers,
    /// Nobody: the files were there before.
    Nobody,
}

/// The mails about secrets and malware among files that were pushed.
pub(super) async fn letters(
    app: &App,
    repo: &Repo,
    bad: &[(&ChangedFile, &FileScan)],
    changes: &Changes,
    tell: Tell,
) -> HubResult<Vec<Job>> {
    let mut lines: Vec<String> = bad.iter().flat_map(|(file, scan)| lines_of(file, scan)).collect();
    lines.dedup();
    if lines.is_empty() || tell == Tell::Nobody {
        return Ok(Vec::new());
    }
    let more = lines.len().saturating_sub(MAX_NAMED);
    lines.truncate(MAX_NAMED);
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    let notice = Notice::FoundInFiles {
        repo: repo.id.to_string(),
        path: format!("{}/tree/{}", repo.path(), encode_segment(&repo.default_branch)),
        lines,
    };
    let mut told: BTreeSet<i64> = list_owners(&app.pool, repo.namespace_pk).await?.into_iter().collect();
    told.extend(changes.actors.iter().copied().take(5));
    Ok(told.into_iter().map(|user_pk| Job::tell(user_pk, notice.clone())).collect())
}

fn lines_of(file: &ChangedFile, scan: &FileScan) -> Vec<String> {
    let malware = scan.malware().map(|name| format!("{}: malware ({name})", file.path));
    let secrets = scan.report.findings.iter().filter(|finding| finding.topic == Topic::Secret).map(|finding| {
        let entry = finding.entry.as_ref().map_or(String::new(), |entry| format!(" › {entry}"));
        let line = finding.line.map_or(String::new(), |line| format!(", line {line}"));
        format!("{}{entry}{line}: {}", file.path, finding.text)
    });
    malware.into_iter().chain(secrets).collect()
}
