//! One recall, and withdrawing it.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_cards::{LinkContext, SafeHtml, render_markdown};
use hub_types::{RepoId, RepoType};

use super::find;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::recalls::category::Category;
use crate::recalls::open::{self, may_withdraw};
use crate::recalls::path_of;
use crate::recalls::queries::lists::{self, FileRow, RecallRow};
use crate::recalls::queries::tell;
use crate::repos::visibility::visible_to;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::web::links::{encode_path, encode_segment};

/// How many repositories are named that have the file.
const MAX_PLACES: i64 = 20;

/// The page.
#[derive(Debug, Template)]
#[template(path = "recalls/recall.html")]
struct RecallPage {
    layout: Layout,
    number: i64,
    title: String,
    category: Category,
    everywhere: bool,
    at: DateTime<Utc>,
    withdrawn_at: Option<DateTime<Utc>>,
    withdrawn_why: String,
    text: SafeHtml,
    /// The repository where it holds.
    repo: Option<Link>,
    /// What to use instead.
    replacement: Option<Link>,
    files: Vec<File>,
    /// Repositories that have it, of one that holds everywhere.
    places: Vec<Link>,
    /// What only those see who may withdraw it.
    manage: Option<Manage>,
    error: Option<String>,
}

/// A repository, or a commit of it.
#[derive(Debug)]
struct Link {
    label: String,
    href: String,
}

#[derive(Debug)]
struct File {
    path: String,
    href: Option<String>,
    kind: &'static str,
    hash: String,
    size: Option<i64>,
}

/// What only those see who may withdraw it.
#[derive(Debug)]
struct Manage {
    people: i64,
    anonymous: i64,
    why: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/recalls/{recall}", crate::web::read().to(show)).route("/recalls/{recall}", web::post().to(post_withdraw));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let (row, files) = find(&page.app, &page.viewer, raw_param(page.http(), "recall")).await?;
    let shown = page_of(&page, row, &files, "", &Refusal::default()).await?;
    page.show(shown).await
}

fn href_of(kind: RepoType, id: &str) -> String {
    format!("/{}{id}", kind.url_prefix())
}

async fn text_of(row: &RecallRow) -> HubResult<SafeHtml> {
    let id = row.repo.as_deref().unwrap_or("hub/recalls").parse::<RepoId>()?;
    let context = LinkContext::new(row.repo_type.unwrap_or(RepoType::Model), &id, "main", "");
    let body = row.body.clone();
    Ok(tokio::task::spawn_blocking(move || render_markdown(&body, &context)).await?)
}

async fn page_of(page: &PageRequest, row: RecallRow, files: &[FileRow], why: &str, refusal: &Refusal) -> HubResult<RecallPage> {
    let pool = &page.app.pool;
    let repo = row.repo_type.zip(row.repo.clone()).map(|(kind, id)| Link { href: href_of(kind, &id), label: id });
    let replacement = row.replacement_type.zip(row.replacement.clone()).map(|(kind, id)| {
        let home = href_of(kind, &id);
        match row.replacement_commit.as_ref().map(hex::encode) {
            Some(commit) => {
                let short: String = commit.chars().take(7).collect();
                Link { label: format!("{id} at {short}"), href: format!("{home}/tree/{commit}") }
            }
            None => Link { label: id, href: home },
        }
    });
    let places = match row.everywhere {
        true => {
            let contents: Vec<Vec<u8>> = files.iter().map(|file| file.content.clone()).collect();
            lists::list_places(pool, &visible_to(&page.viewer).coarse(), &contents, MAX_PLACES).await?
        }
        false => Vec::new(),
    };
    let manages = page.require_session().is_ok() && may_withdraw(&page.app, &page.viewer, &row).await?;
    let manage = match manages {
        true => {
            let (people, anonymous) = tell::count(pool, row.recall_pk).await?;
            let hint = "The files are given out again, and those who were told of the recall are told that, with this sentence.";
            let why = refusal.mark(Field::new("why", "Why is it withdrawn?").value(why).hint(hint));
            Some(Manage { people, anonymous, why })
        }
        false => None,
    };
    Ok(RecallPage {
        layout: page.layout(format!("Recall {}: {}", row.recall_pk, row.title)),
        number: row.recall_pk,
        category: Category::parse(&row.category).unwrap_or(Category::Other),
        everywhere: row.everywhere,
        at: row.created_at,
        text: text_of(&row).await?,
        files: files.iter().map(|file| file_of(file, repo.as_ref(), row.branch.as_deref())).collect(),
        repo,
        replacement,
        places: places.into_iter().map(|place| Link { href: href_of(place.repo_type, &place.id), label: place.id }).collect(),
        manage,
        error: refusal.message_elsewhere(&["why"]),
        withdrawn_at: row.withdrawn_at,
        withdrawn_why: row.withdrawn_why,
        title: row.title,
    })
}

fn file_of(file: &FileRow, repo: Option<&Link>, branch: Option<&str>) -> File {
    let content = Content::from_slice(&file.content);
    let named = repo.zip(branch).filter(|_| !file.path.is_empty());
    File {
        path: file.path.clone(),
        href: named.map(|(repo, branch)| format!("{}/blob/{}/{}", repo.href, encode_segment(branch), encode_path(&file.path))),
        kind: if matches!(content, Some(Content::Blob(_))) { "Git blob" } else { "SHA-256" },
        hash: content.map(Content::to_hex).unwrap_or_default(),
        size: file.size_bytes,
    }
}

impl RecallPage {
    /// `12 people were told, 3 downloads without an account`.
    fn reached(&self) -> String {
        let Some(manage) = &self.manage else { return String::new() };
        let people = if manage.people == 1 { "person was".to_owned() } else { "people were".to_owned() };
        let downloads = if manage.anonymous == 1 { "download" } else { "downloads" };
        format!("{} {people} told; {} {downloads} without an account.", manage.people, manage.anonymous)
    }
}

async fn post_withdraw(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (row, files) = find(&page.app, &page.viewer, raw_param(page.http(), "recall")).await?;
    if !may_withdraw(&page.app, &page.viewer, &row).await? {
        return Err(HubError::forbidden(
            "Only those who administer the repository, and moderators, can withdraw a recall. Ask them in a discussion there.",
        ));
    }
    // Moderators go on while the hub takes no changes.
    if !user.moderates() {
        page.app.require_changes()?;
    }
    let (recall_pk, why) = (row.recall_pk, form.text("why"));
    match open::withdraw(&page.app, user, recall_pk, why).await {
        Ok(()) => {
            let said = "Withdrawn: the files are given out again, and those who were told of the recall are told that.";
            Ok(page.redirect_saying(&path_of(recall_pk), said))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = page_of(&page, row, &files, why, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}
