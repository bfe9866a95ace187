//! Branches and tags.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RefName;

use super::BASES;
use super::context::{all_refs, header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::branches::{NewBranch, create_branch, delete_branch};
use crate::repos::queries::named_refs::NamedRefRow;
use crate::repos::tags::delete_tag;
use crate::repos::{Level, RepoRead, RepoWrite};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
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
    /// For those who may write: the form that makes a branch.
    pub new_branch: Option<NewBranchForm>,
}

/// The form that makes a branch.
#[derive(Debug)]
pub(super) struct NewBranchForm {
    /// Its name.
    pub name: Field,
    /// Where it starts.
    pub start: Field,
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
            .route(&format!("{base}/refs/create"), web::post().to(post_create))
            .route(&format!("{base}/refs/delete"), web::post().to(post_delete));
    }
}

async fn show_refs(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let start = page.query().get("from").unwrap_or(&read.repo.default_branch).to_owned();
    let form = NewBranchForm { name: Field::new("name", "New branch"), start: Field::new("start", "Starts at").value(start) };
    let shown = refs_page(&page, &read, form).await?;
    page.show(shown).await
}

async fn refs_page(page: &PageRequest, read: &RepoRead, form: NewBranchForm) -> HubResult<RefsPage> {
    let (header, _) = header_of(page, read, RepoTab::Files).await?;
    let mut rows = all_refs(page, &read.repo).await?;
    rows.sort_by_key(|row| row.name.branch_name() != Some(read.repo.default_branch.as_str()));
    let items = |short: fn(&RefName) -> Option<&str>| {
        rows.iter().filter_map(|row| Some(ref_item(read, row, short(&row.name)?))).collect::<Vec<_>>()
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
    let may_write = read.level >= Level::Write && page.require_session().is_ok() && read.repo.head_oid.is_some();
    let layout = layout_of(page, &read.repo, "Branches and tags");
    Ok(RefsPage { layout, header, groups, new_branch: may_write.then_some(form) })
}

async fn post_create(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (name, start) = (form.text("name").to_owned(), form.text("start").to_owned());
    let starting_point = (!start.is_empty()).then(|| start.clone());
    let new = NewBranch { name: name.clone(), starting_point, ..NewBranch::default() };
    match create_branch(&page.app, &write, &new).await {
        Ok(_) => {
            let to = format!("{}/tree/{}", write.repo.path(), encode_segment(&name));
            Ok(page.redirect_saying(&to, &format!("The branch `{name}` was made.")))
        }
        Err(error) => {
            let at_start = error.kind() == ErrorKind::RevisionNotFound;
            let error = if at_start { HubError::bad_request("There is no such branch, tag or commit.") } else { error };
            let refusal = Refusal::of(error)?;
            let (mut name, mut start) =
                (Field::new("name", "New branch").value(name), Field::new("start", "Starts at").value(start));
            let field = if at_start { &mut start } else { &mut name };
            field.error = refusal.message_elsewhere(&[]);
            let shown = refs_page(&page, &write, NewBranchForm { name, start }).await?;
            page.show_with(refusal.status, shown).await
        }
    }
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
