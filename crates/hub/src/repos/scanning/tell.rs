//! Who is told of what was found.

use std::collections::{BTreeSet, HashMap};

use hub_scan::Topic;

use super::changes::{ChangedFile, Changes, Place};
use crate::accounts::letters::Notice;
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::Repo;
use crate::repos::queries::scanning::list_owners;
use crate::scans::queries::list_scans;
use crate::scans::{FileKey, FileScan, Mark};
use crate::web::links::encode_segment;

/// How many lines of a mail name what was found.
const MAX_LINES: usize = 20;
/// How many of those who pushed are told.
const MAX_PUSHERS: usize = 5;

/// Who is told of what is in a repository when it is looked at for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// Those who pushed, and those who answer for the repository: it is new.
    IsNews,
    /// Nobody: the files were there before.
    IsOld,
}

/// The mails about secrets and malware among files that were pushed: to those who pushed, and those who answer for the
/// repository. Of a pull request, which anybody can open, only who pushed it is told.
pub(super) async fn letters(app: &App, repo: &Repo, news: &Changes, marks: &HashMap<FileKey, Mark>) -> HubResult<Vec<Job>> {
    let is_bad = |file: &&ChangedFile| marks.get(&file.key).is_some_and(|mark| mark.has_secrets || mark.is_malware);
    let (mut ours, mut proposed) = (Vec::new(), HashMap::<i64, Vec<&ChangedFile>>::new());
    for file in news.files.iter().filter(is_bad) {
        match file.place {
            Place::Head | Place::Beside => ours.push(file),
            Place::Proposed(Some(by)) => proposed.entry(by).or_default().push(file),
            Place::Proposed(None) => {}
        }
    }
    let mut letters = Vec::new();
    if !ours.is_empty() {
        let notice = notice(app, repo, &ours).await?;
        let mut told: BTreeSet<i64> = list_owners(&app.pool, repo.namespace_pk).await?.into_iter().collect();
        told.extend(news.actors.iter().copied().take(MAX_PUSHERS));
        letters.extend(told.into_iter().map(|user_pk| Job::tell(user_pk, notice.clone())));
    }
    for (by, files) in proposed.into_iter().take(MAX_PUSHERS) {
        letters.push(Job::tell(by, notice(app, repo, &files).await?));
    }
    Ok(letters)
}

async fn notice(app: &App, repo: &Repo, files: &[&ChangedFile]) -> HubResult<Notice> {
    // Each has a line at least.
    let named = &files[..files.len().min(MAX_LINES)];
    let keys: Vec<FileKey> = named.iter().map(|file| file.key.clone()).collect();
    let scans = list_scans(&app.pool, &keys).await?;
    let (mut lines, mut count) = (Vec::new(), 0);
    for file in named {
        if lines.len() >= MAX_LINES {
            break;
        }
        count += 1;
        lines.extend(scans.get(&file.key).into_iter().flat_map(|scan| lines_of(file, scan)));
    }
    match files.len() - count {
        0 => {}
        1 => lines.push("… and 1 more file".to_owned()),
        more => lines.push(format!("… and {more} more files")),
    }
    let path = match repo.repo_type.has_git() {
        true => format!("{}/tree/{}", repo.path(), encode_segment(&repo.default_branch)),
        false => repo.path(),
    };
    Ok(Notice::FoundInFiles { repo: repo.id.to_string(), path, lines })
}

fn lines_of(file: &ChangedFile, scan: &FileScan) -> Vec<String> {
    let malware = scan.malware().map(|name| format!("{}: malware ({name})", file.path));
    let secrets = scan.report.findings.iter().filter(|finding| finding.topic == Topic::Secret).map(|finding| {
        let entry = finding.entry.as_ref().map_or(String::new(), |entry| format!(" › {entry}"));
        let line = finding.line.map_or(String::new(), |line| format!(", line {line}"));
        format!("{}{entry}{line}: {}", file.path, finding.text)
    });
    let mut lines: Vec<String> = malware.into_iter().chain(secrets).collect();
    lines.dedup();
    lines
}
