//! Branches and tags.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RefName;

use super::BASES;
use super::context::{all_refs, header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::branches::delete_branch;
use crate::repos::queries::named_refs::NamedRefRow;
use crate::repos::tags::delete_tag;
use crate::repos::{Level, RepoRead, RepoWrite};
use crate::web::filters;
use crate::web::layout::Layout;
use crate::web::links::encode_segment;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/refs.html")]
pub(super) struct RefsPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// Branches, tags.
    pub groups: Vec<RefGroup>,
}

/// Refs of one sort.
#[derive(Debug)]
pub(super) struct RefGroup {
    /// The heading.
    pub title: &'static str,
    /// The icon.
    pub icon: &'static str,
    /// What to say when there are none.
    pub empty: &'static str,
    /// The refs.
    pub refs: Vec<RefItem>,
}

/// A branch or tag.
#[derive(Debug)]
pub(super) struct RefItem {
    /// The short name.
    pub name: String,
    /// The full name.
    pub full_name: String,
    /// The files there.
    pub href: String,
    /// The start of the commit's id.
    pub short: String,
    /// The commit's page.
    pub commit_href: String,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// Whether it is the default branch.
    pub is_default: bool,
    /// Whether the viewer may delete it.
    pub deletable: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/refs"), crate::web::read().to(show_refs))
            .route(&format!("{base}/refs/delete"), web::post().to(post_delete));
    }
}

async fn show_refs(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (header, _) = header_of(&page, &read, RepoTab::Files).await?;
    let mut rows = all_refs(&page, &read.repo).await?;
    rows.sort_by_key(|row| row.name.branch_name() != Some(read.repo.default_branch.as_str()));
    let items = |short: fn(&RefName) -> Option<&str>| {
        rows.iter().filter_map(|row| Some(ref_item(&read, row, short(&row.name)?))).collect::<Vec<_>>()
    };
    let groups = vec![
        RefGroup { title: "Branches", icon: "git-branch", empty: "No branches yet.", refs: items(RefName::branch_name) },
        RefGroup {
            title: "Tags",
            icon: "tag",
            empty: "No tags yet. `git push --tags` or `hf repo tag create` makes one.",
            refs: items(RefName::tag_name),
        },
    ];
    let shown = RefsPage { layout: layout_of(&page, &read.repo, "Branches and tags"), header, groups };
    page.show(shown).await
}

fn ref_item(read: &RepoRead, row: &NamedRefRow, name: &str) -> RefItem {
    let repo = &read.repo;
    let is_default = row.name.branch_name() == Some(repo.default_branch.as_str());
    RefItem {
        name: name.to_owned(),
        full_name: row.name.as_str().to_owned(),
        href: format!("{}/tree/{}", repo.path(), encode_segment(name)),
        short: row.oid.to_hex().chars().take(7).collect(),
        commit_href: format!("{}/commit/{}", repo.path(), encode_segment(name)),
        updated_at: row.updated_at,
        is_default,
        deletable: !is_default && read.level >= Level::Write,
    }
}

async fn post_delete(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let name = RefName::new(form.text("ref"))?;
    match (name.branch_name(), name.tag_name()) {
        (Some(branch), _) => delete_branch(&page.app, &write, branch).await?,
        (_, Some(tag)) => delete_tag(&page.app, &write, tag).await?,
        (None, None) => return Err(HubError::revision_not_found(name.as_str())),
    }
    Ok(page.redirect_saying(&format!("{}/refs", write.repo.path()), "Deleted."))
}
