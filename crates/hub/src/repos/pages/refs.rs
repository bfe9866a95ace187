//! Branches and tags.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RefName;

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::repos::branches::{NewBranch, create_branch, delete_branch};
use crate::repos::queries::named_refs::{NamedRefRow, list_page};
use crate::repos::tags::{create_tag, delete_tag};
use crate::repos::{Level, RepoRead, RepoWrite};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::web::links::encode_segment;

/// How many branches, and how many tags, a page shows.
const PAGE_LEN: i64 = 100;
/// The last page there is, however many refs there are.
const MAX_PAGE: i64 = 10_000;

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
    /// For those who may write: the form that makes a branch or a tag.
    pub new_ref: Option<NewRefForm>,
}

/// The form that makes a branch or a tag.
#[derive(Debug)]
pub(super) struct NewRefForm {
    /// Its name.
    pub name: Field,
    /// Where it starts.
    pub start: Field,
}

impl NewRefForm {
    fn new(name: &str, start: &str) -> Self {
        Self { name: Field::new("name", "New branch or tag").value(name), start: Field::new("start", "Starts at").value(start) }
    }
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
    /// The page with those before.
    pub previous: Option<String>,
    /// The page with those after.
    pub next: Option<String>,
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
    let form = NewRefForm::new(page.query().get("name").unwrap_or_default(), &start);
    let shown = refs_page(&page, &read, form).await?;
    page.show(shown).await
}

async fn refs_page(page: &PageRequest, read: &RepoRead, form: NewRefForm) -> HubResult<RefsPage> {
    let (header, _) = header_of(page, read, RepoTab::Files).await?;
    let branches = Sort {
        key: "branches",
        start: "refs/heads/",
        short: RefName::branch_name,
        title: "Branches",
        icon: "git-branch",
        empty: "No branches yet.",
    };
    let tags = Sort {
        key: "tags",
        start: "refs/tags/",
        short: RefName::tag_name,
        title: "Tags",
        icon: "tag",
        empty: "No tags yet. `git push --tags` or `hf repo tag create` makes one.",
    };
    let groups = vec![group_of(page, read, &branches).await?, group_of(page, read, &tags).await?];
    let may_write = read.level >= Level::Write && page.require_session().is_ok() && read.repo.head_oid.is_some();
    let layout = layout_of(page, &read.repo, "Branches and tags");
    Ok(RefsPage { layout, header, groups, new_ref: may_write.then_some(form) })
}

/// A sort of refs.
struct Sort {
    /// Its number of the page in addresses.
    key: &'static str,
    start: &'static str,
    short: fn(&RefName) -> Option<&str>,
    title: &'static str,
    icon: &'static str,
    empty: &'static str,
}

async fn group_of(page: &PageRequest, read: &RepoRead, sort: &Sort) -> HubResult<RefGroup> {
    let asked = page.query().get(sort.key).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0).clamp(0, MAX_PAGE);
    let first = read.repo.default_ref()?;
    let wanted = (asked * PAGE_LEN, PAGE_LEN + 1);
    let mut rows = list_page(&page.app.pool, read.repo.pk, sort.start, &first, wanted).await?;
    let len = usize::try_from(PAGE_LEN).unwrap_or(usize::MAX);
    let more = rows.len() > len;
    rows.truncate(len);
    let href = |number: i64| format!("{}/refs?{}={number}", read.repo.path(), sort.key);
    Ok(RefGroup {
        title: sort.title,
        icon: sort.icon,
        empty: if asked > 0 { "There are no more." } else { sort.empty },
        refs: rows.iter().filter_map(|row| Some(ref_item(read, row, (sort.short)(&row.name)?))).collect(),
        previous: (asked > 0).then(|| href(asked - 1)),
        next: more.then(|| href(asked + 1)),
    })
}

async fn post_create(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (name, start) = (form.text("name").to_owned(), form.text("start").to_owned());
    let is_tag = form.text("kind") == "tag";
    let made = match is_tag {
        true => {
            let start = if start.is_empty() { &write.repo.default_branch } else { &start };
            create_tag(&page.app, &write, start, &name, None).await
        }
        false => {
            let starting_point = (!start.is_empty()).then(|| start.clone());
            let new = NewBranch { name: name.clone(), starting_point, ..NewBranch::default() };
            create_branch(&page.app, &write, &new).await.map(|_| ())
        }
    };
    match made {
        Ok(()) => {
            let to = format!("{}/tree/{}", write.repo.path(), encode_segment(&name));
            Ok(page.redirect_saying(&to, &format!("The {} `{name}` was made.", if is_tag { "tag" } else { "branch" })))
        }
        Err(error) => {
            let at_start = error.kind() == ErrorKind::RevisionNotFound;
            let error = if at_start { HubError::bad_request("There is no such branch, tag or commit.") } else { error };
            let refusal = Refusal::of(error)?;
            let mut form = NewRefForm::new(&name, &start);
            let field = if at_start { &mut form.start } else { &mut form.name };
            field.error = refusal.message_elsewhere(&[]);
            let shown = refs_page(&page, &write, form).await?;
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
    let said = format!("Deleted. An admin can undo it for {} days: Settings, History of changes.", page.app.config.undo_days);
    Ok(page.redirect_saying(&format!("{}/refs", write.repo.path()), &said))
}
