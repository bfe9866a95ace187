//! What was found in a file, as pages show it.

use hub_git::Entry;
use hub_scan::{Import, Level, Safety, Topic};

use super::context::{Place, View};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::Repo;
use crate::scans::{AvStatus, FileKey, FileScan, Mark, State, Statuses, marks, statuses};

/// A mark next to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shield {
    /// What it says.
    pub label: &'static str,
    /// Why.
    pub title: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// The classes of its badge.
    pub class: &'static str,
}

/// The mark of a file; most have none.
pub(super) fn shield_of(known: &Statuses<Mark>, entry: &Entry) -> Option<Shield> {
    shield_of_key(known, FileKey::of(entry).as_ref())
}

/// The mark of a file of a bucket.
pub(super) fn shield_of_key(known: &Statuses<Mark>, key: Option<&FileKey>) -> Option<Shield> {
    match known.of_key(key) {
        State::Scanned(mark) => shield(*mark),
        State::Queued | State::Unscanned => None,
    }
}

fn shield(mark: Mark) -> Option<Shield> {
    let (label, title, icon, class) = match mark.level {
        Level::Unsafe if mark.is_malware => ("Malware", "A virus scanner knows this file", "circle-alert", "badge badge-danger"),
        Level::Unsafe => ("Unsafe", "Loading this file may run code", "circle-alert", "badge badge-danger"),
        Level::Suspicious => ("Suspicious", "Nobody knows what loading this file does", "triangle-alert", "badge badge-warning"),
        Level::Caution => ("Secrets", "There seem to be secrets in this file", "key-round", "badge badge-warning"),
        Level::Error => ("Not checked", "Not all of this file could be looked at", "circle-question-mark", "badge"),
        Level::Safe if mark.has_pickle => ("Pickle", "A pickle whose imports are known to be harmless", "shield-check", "badge"),
        Level::Safe => return None,
    };
    Some(Shield { label, title, icon, class })
}

/// What was found in a file.
#[derive(Debug)]
pub(super) struct Security {
    /// The mark.
    pub shield: Option<Shield>,
    /// What it means for who loads the file, when it is bad.
    pub warning: Option<String>,
    /// The class of the warning.
    pub warning_class: &'static str,
    /// What its pickles import, the worst first.
    pub imports: Vec<Import>,
    /// Everything else.
    pub remarks: Vec<Remark>,
    /// Why not all of it was looked at.
    pub note: Option<String>,
    /// What ClamAV said.
    pub av: Option<String>,
}

/// Something that was found.
#[derive(Debug)]
pub(super) struct Remark {
    /// What it is.
    pub text: String,
    /// Where: a line, or a file in the archive.
    pub place: Option<String>,
    /// The line.
    pub href: Option<String>,
}

impl Security {
    /// Whether more is said of an import than that it is there.
    #[expect(clippy::unused_self, reason = "templates call methods of what they have")]
    pub(super) fn is_told(&self, import: &Import) -> bool {
        import.safety != Safety::Innocuous
    }

    /// The look of an import.
    #[expect(clippy::unused_self, reason = "templates call methods of what they have")]
    pub(super) fn class(&self, import: &Import) -> &'static str {
        match import.safety {
            Safety::Innocuous => "badge",
            Safety::Suspicious => "badge badge-warning",
            Safety::Dangerous => "badge badge-danger",
        }
    }
}

/// What is known of the files of a page.
pub(super) async fn known_of(page: &PageRequest, repo: &Repo, entries: &[Entry]) -> HubResult<Statuses<Mark>> {
    Ok(marks(&page.app, repo.pk, entries).await?)
}

/// What was found in a file; `None` when there is nothing to say.
pub(super) async fn security_of(page: &PageRequest, repo: &Repo, place: &Place, entry: &Entry) -> HubResult<Option<Security>> {
    let known = statuses(&page.app, repo.pk, std::slice::from_ref(entry)).await?;
    let State::Scanned(scan) = known.of(entry) else { return Ok(None) };
    let remark = |finding: &hub_scan::Finding| {
        let line = finding.line.filter(|_| finding.entry.is_none());
        Remark {
            text: match finding.topic {
                Topic::Secret => format!("{} in plain text", finding.text),
                Topic::Pickle | Topic::Keras | Topic::Template | Topic::Archive => finding.text.clone(),
            },
            place: finding.entry.clone().or_else(|| finding.line.map(|line| format!("line {line}"))),
            href: line.map(|line| format!("{}?plain=1#L{line}", place.href(View::Blob, &place.path))),
        }
    };
    let av = scan.av.as_ref().map(|av| match av.status {
        AvStatus::Safe => "ClamAV found nothing.".to_owned(),
        AvStatus::Unsafe => format!("ClamAV found {}.", av.detail.as_deref().unwrap_or("malware")),
        AvStatus::Error => format!("ClamAV did not look at it: {}", av.detail.as_deref().unwrap_or("it gave no answer.")),
    });
    let security = Security {
        shield: shield(scan.mark()),
        warning: warning_of(scan),
        warning_class: if scan.level == Level::Unsafe { "notice-error" } else { "notice-warning" },
        imports: scan.report.imports.clone().unwrap_or_default(),
        remarks: scan.report.findings.iter().map(remark).collect(),
        note: scan.report.note.clone(),
        av,
    };
    let has_something = security.shield.is_some() || security.av.is_some();
    Ok(has_something.then_some(security))
}

fn warning_of(scan: &FileScan) -> Option<String> {
    if let Some(name) = scan.malware() {
        return Some(format!("A virus scanner knows this file as {name}. Do not open it."));
    }
    let text = match scan.level {
        Level::Unsafe => "Do not load this file unless you trust who made it: loading it runs code, or does what no model needs.",
        Level::Suspicious => "Look at what was found below before you load this file.",
        Level::Caution => {
            "There seem to be secrets in this file. Whoever they are of should make others: deleting the file does not take them back."
        }
        Level::Error | Level::Safe => return None,
    };
    Some(text.to_owned())
}
