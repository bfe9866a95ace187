//! What differs between two revisions: branches, tags or commits.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::Oid;

use super::BASES;
use super::commits::{CommitDay, by_day};
use super::context::{all_refs, compare_href, header_of, layout_of};
use super::diff::{DiffPage, FileDiff, diff, page_number};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::{ErrorKind, HubResult};
use crate::repos::access::RepoContent;
use crate::repos::{Repo, reading};
use crate::web::filters;
use crate::web::form::Field;
use crate::web::layout::Layout;
use crate::web::links::encode_segment;

/// How many files a page shows.
const PAGE_LEN: usize = 40;
/// How many commits are shown.
const SHOWN_COMMITS: usize = 20;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/compare.html")]
struct ComparePage {
    layout: Layout,
    header: RepoHeader,
    base: Field,
    head: Field,
    /// Names to choose from.
    names: Vec<String>,
    /// The same comparison the other way round.
    swap_href: String,
    /// How many commits one has that the other has not.
    counts: Option<String>,
    /// The commits that only the second has; on the first page.
    days: Vec<CommitDay>,
    /// Whether there are more of them.
    more_commits: bool,
    /// The history of the second.
    history_href: String,
    files: Vec<FileDiff>,
    /// Whether more files differ than are shown.
    is_cut: bool,
    /// Whether both are the same commit, or hold the same files.
    same: bool,
    previous: Option<String>,
    next: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/compare"), crate::web::read().to(show_comparison));
    }
}

async fn show_comparison(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let repo = &content.repo;
    let query = page.query();
    let named =
        |key: &str| query.get(key).map(str::trim).filter(|name| !name.is_empty()).unwrap_or(&repo.default_branch).to_owned();
    let mut base = Field::new("base", "From").value(named("base"));
    let mut head = Field::new("head", "To").value(named("head"));
    let number = page_number(query.get("p").unwrap_or_default(), PAGE_LEN);
    let (old, new) = (resolved(&page, repo, &mut base).await?, resolved(&page, repo, &mut head).await?);
    let DiffPage { files, has_next, is_cut } = match (old, new) {
        (Some(old), Some(new)) => diff(&page, repo, Some(old), new, number * PAGE_LEN..(number + 1) * PAGE_LEN).await?,
        _ => DiffPage::default(),
    };
    let commits = match (old, new) {
        (Some(old), Some(new)) if number == 0 => commits_between(&page, repo, old, new).await?,
        _ => Commits::default(),
    };
    let (header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let refs = all_refs(&page, repo).await?;
    let address = compare_href(&repo.path(), &base.value, &head.value);
    let shown = ComparePage {
        layout: layout_of(&page, repo, "Compare"),
        names: refs.iter().filter_map(|row| row.name.branch_name().or(row.name.tag_name()).map(str::to_owned)).collect(),
        swap_href: compare_href(&repo.path(), &head.value, &base.value),
        same: number == 0 && files.is_empty() && !base.has_error() && !head.has_error(),
        previous: (number > 0).then(|| format!("{address}&p={}", number - 1)),
        next: has_next.then(|| format!("{address}&p={}", number + 1)),
        counts: commits.counts(&base.value, &head.value),
        more_commits: commits.ahead > SHOWN_COMMITS,
        history_href: format!("{}/commits/{}", repo.path(), encode_segment(&head.value)),
        days: commits.days,
        base,
        head,
        files,
        is_cut,
        header,
    };
    page.show(shown).await
}

/// What the second revision has in its history and the first has not.
#[derive(Debug, Default)]
struct Commits {
    ahead: usize,
    behind: usize,
    days: Vec<CommitDay>,
}

impl Commits {
    fn counts(&self, base: &str, head: &str) -> Option<String> {
        let said = |number: usize| if number == 1 { "1 commit".to_owned() } else { format!("{number} commits") };
        match (self.ahead, self.behind) {
            (0, 0) => None,
            (ahead, 0) => Some(format!("{head} is {} ahead of {base}.", said(ahead))),
            (0, behind) => Some(format!("{head} is {} behind {base}.", said(behind))),
            (ahead, behind) => Some(format!("{head} is {} ahead of {base}, and {} behind.", said(ahead), said(behind))),
        }
    }
}

async fn commits_between(page: &PageRequest, repo: &Repo, old: Oid, new: Oid) -> HubResult<Commits> {
    let (counts, commits) = reading::read(&page.app, repo, move |reader| {
        Ok((reader.ahead_behind(old, new)?, reader.log_between(old, new, SHOWN_COMMITS)?))
    })
    .await?;
    Ok(Commits { ahead: counts.0, behind: counts.1, days: by_day(repo, &commits) })
}

/// The commit a field names; one that names none says so.
async fn resolved(page: &PageRequest, repo: &Repo, field: &mut Field) -> HubResult<Option<Oid>> {
    match reading::resolve(&page.app, repo, &field.value).await {
        Ok(commit) => Ok(Some(commit)),
        Err(error) if error.kind() == ErrorKind::RevisionNotFound => {
            field.error = Some("There is no such branch, tag or commit.".to_owned());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
