//! One commit and what it changed.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::Oid;

use super::BASES;
use super::context::{commit_summary, header_of, layout_of};
use super::diff::{DiffPage, FileDiff, LEFT_OUT, diff, page_number};
use super::view::{CommitSummary, RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::access::RepoContent;
use crate::repos::reading;
use crate::ssh::signatures;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::layout::Layout;

/// How many files of a commit a page shows.
const PAGE_LEN: usize = 200;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/commit.html")]
pub(super) struct CommitPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The commit.
    pub commit: CommitSummary,
    /// Its message after the first line.
    pub body: String,
    /// What it was made from.
    pub parents: Vec<ParentLink>,
    /// Lines added in these files.
    pub additions: u64,
    /// Lines removed in these files.
    pub deletions: u64,
    /// The files it changed.
    pub files: Vec<FileDiff>,
    /// How many are on the pages before.
    pub before: usize,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
    /// What was left out.
    pub truncated: Option<String>,
}

impl CommitPage {
    /// The heading of the list of files.
    pub(super) fn summary(&self) -> String {
        match self.files.len() {
            0 if self.before > 0 => "No more files".to_owned(),
            count if self.previous.is_some() || self.next.is_some() => {
                format!("Changed files {} to {}", self.before + 1, self.before + count)
            }
            1 => "1 file changed".to_owned(),
            count => format!("{count} files changed"),
        }
    }
}

/// A commit's parent.
#[derive(Debug)]
pub(super) struct ParentLink {
    /// The start of its id.
    pub short: String,
    /// Its page.
    pub href: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/commit/{{revision}}"), crate::web::read().to(show_commit));
    }
}

async fn show_commit(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let repo = &content.repo;
    let oid = reading::resolve(&page.app, repo, raw_param(page.http(), "revision")).await?;
    let info = reading::commit(&page.app, repo, oid).await?;
    let (header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let number = page_number(page.query().get("p").unwrap_or_default(), PAGE_LEN);
    let before = number * PAGE_LEN;
    let DiffPage { files, has_next, is_cut } =
        diff(&page, repo, info.parents.first().copied(), oid, before..before + PAGE_LEN).await?;
    let parent = |oid: &Oid| {
        let oid = oid.to_hex();
        ParentLink { short: oid.chars().take(7).collect(), href: format!("{}/commit/{oid}", repo.path()) }
    };
    let cut = files.iter().any(|file| file.note.as_deref() == Some(LEFT_OUT));
    let page_href = |number: usize| format!("{}/commit/{}?p={number}", repo.path(), oid.to_hex());
    let mut commit = commit_summary(repo, &info);
    commit.signature = signatures::of_commits(&page.app, repo, vec![oid]).await?.remove(&oid);
    let shown = CommitPage {
        layout: layout_of(&page, repo, &info.title),
        commit,
        body: info.message.clone(),
        parents: info.parents.iter().map(parent).collect(),
        additions: files.iter().map(|file| file.additions).sum(),
        deletions: files.iter().map(|file| file.deletions).sum(),
        before,
        previous: number.checked_sub(1).map(page_href),
        next: has_next.then(|| page_href(number + 1)),
        truncated: (cut || is_cut)
            .then(|| "This commit is large: not all of it is shown. Fetch it with git to see the rest.".to_owned()),
        files,
        header,
    };
    page.show(shown).await
}
