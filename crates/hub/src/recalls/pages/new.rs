//! The form that recalls files: of a repository, for its admins and moderators, or by hash, for moderators.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::RepoId;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::moderation::roles::moderator;
use crate::recalls::category::Category;
use crate::recalls::open::{self, MAX_FILES, NewRecall, RecalledFile, Scope, find_files, find_replacement, kind_and_id, scopes};
use crate::recalls::path_of;
use crate::repos::Repo;
use crate::repos::access::find_readable;
use crate::web::extract::Query;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

const PATH: &str = "/recalls/new";

/// The form.
#[derive(Debug, Template)]
#[template(path = "recalls/new.html")]
struct NewPage {
    layout: Layout,
    error: Option<String>,
    /// The repository as the form sends it: `datasets/ada/cats`.
    repo: String,
    /// Its page and its id.
    place: Option<(String, String)>,
    revision: String,
    files: Field,
    /// Whether it holds everywhere without a choice.
    everywhere: bool,
    /// Where it holds, when there is a choice.
    scope: Field,
    scopes: Vec<Choice>,
    category: Field,
    categories: Vec<Choice>,
    body: Field,
    replacement: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(PATH, crate::web::read().to(show)).route(PATH, web::post().to(send));
}

/// What the address or the form says.
#[derive(Debug, Default)]
struct Asked {
    repo: String,
    revision: String,
    /// Paths, or hashes where no repository is named.
    files: Vec<String>,
    scope: String,
    category: String,
    body: String,
    replacement: String,
}

impl Asked {
    fn of(query: &Query) -> Self {
        let text = |key: &str| query.get(key).unwrap_or_default().trim().to_owned();
        let lines = query.all("files").flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty());
        Self {
            repo: text("repo"),
            revision: text("revision"),
            // One more than is allowed, so that it is refused.
            files: lines.take(MAX_FILES + 1).map(str::to_owned).collect(),
            scope: text("scope"),
            category: text("category"),
            body: text("body"),
            replacement: text("replacement"),
        }
    }
}

/// What the form is about, and where the viewer may recall it.
struct Found {
    repo: Option<Repo>,
    scopes: Vec<Scope>,
}

/// Checks that the viewer may: of a repository those who administer it and moderators who see it, by hash moderators.
async fn find(page: &PageRequest, asked: &Asked) -> HubResult<Found> {
    let user = page.require_session();
    if asked.repo.is_empty() {
        moderator(page)?;
        return Ok(Found { repo: None, scopes: scopes(&page.viewer, None) });
    }
    user?;
    let missing = || HubError::repo_not_found(false);
    let (kind, id) = kind_and_id(&asked.repo);
    let id: RepoId = id.parse().map_err(|_| missing())?;
    let read = find_readable(&page.app, &page.viewer, kind, id.namespace(), id.name()).await?;
    if !read.repo.repo_type.has_git() {
        return Err(HubError::not_found(
            "Files of a bucket are recalled by their hash, by moderators. Its owner can delete them.",
        ));
    }
    let scopes = scopes(&page.viewer, Some(&read.repo));
    if scopes.is_empty() {
        return Err(HubError::admin_denied(&read.repo.id));
    }
    Ok(Found { repo: Some(read.repo), scopes })
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let asked = Asked::of(&page.query());
    let found = find(&page, &asked).await?;
    let shown = form_page(&page, &asked, &found, &Refusal::default());
    page.show(shown).await
}

async fn send(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let asked = Asked::of(form.fields());
    let found = find(&page, &asked).await?;
    let opened = async { open::open(&page.app, user, &recall_of(&page, &asked, &found).await?).await };
    match opened.await {
        Ok(recall_pk) => {
            Ok(page.redirect_saying(&path_of(recall_pk), "Recalled: nobody can download it, and those who did are being told."))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = form_page(&page, &asked, &found, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn recall_of(page: &PageRequest, asked: &Asked, found: &Found) -> HubResult<NewRecall> {
    let scope = match found.scopes.as_slice() {
        [only] => *only,
        _ if asked.scope == "everywhere" => Scope::Everywhere,
        _ => Scope::Here,
    };
    let files = match &found.repo {
        Some(repo) => {
            let revision = if asked.revision.is_empty() { repo.default_branch.as_str() } else { asked.revision.as_str() };
            let paths: Vec<&str> = asked.files.iter().map(String::as_str).collect();
            find_files(&page.app, repo, revision, &paths).await?
        }
        None => asked.files.iter().map(|text| by_hash(text)).collect::<HubResult<_>>()?,
    };
    let category = Category::parse(&asked.category);
    let category = category.ok_or_else(|| HubError::unprocessable("Choose what is wrong.").at("category"))?;
    let replacement = find_replacement(&page.app, &page.viewer, found.repo.as_ref(), &asked.replacement).await?;
    Ok(NewRecall { repo: found.repo.clone(), scope, files, category, body: asked.body.clone(), replacement })
}

fn by_hash(text: &str) -> HubResult<RecalledFile> {
    let wrong = || {
        let text = "Each line is a SHA-256 (64 hexadecimal digits) or a git blob (40).";
        HubError::unprocessable(text).at("files")
    };
    let content = Content::parse(text).ok_or_else(wrong)?;
    Ok(RecalledFile { content, path: String::new(), size: None })
}

fn form_page(page: &PageRequest, asked: &Asked, found: &Found, refusal: &Refusal) -> NewPage {
    let files = match &found.repo {
        Some(_) => Field::new("files", "Files").hint("A path on each line, as the repository has them now."),
        None => Field::new("files", "Hashes").hint("On each line the SHA-256 of a large file, or the git blob of a small one."),
    };
    let scope = |scope: Scope| match scope {
        Scope::Here => Choice::new("here", "In this repository", &asked.scope),
        Scope::Everywhere => Choice::new("everywhere", "In every repository of this hub that has the files", &asked.scope),
    };
    let categories = Category::ALL.iter().map(|category| Choice::new(category.as_str(), category.label(), &asked.category));
    let known = ["files", "scope", "category", "body", "replacement"];
    NewPage {
        layout: page.layout("Recall files"),
        error: refusal.message_elsewhere(&known),
        repo: asked.repo.clone(),
        place: found.repo.as_ref().map(|repo| (repo.path(), repo.id.to_string())),
        revision: asked.revision.clone(),
        files: refusal.mark(files.value(asked.files.join("\n"))),
        everywhere: found.scopes == [Scope::Everywhere],
        scope: refusal.mark(Field::new("scope", "Where")),
        scopes: if found.scopes.len() > 1 { found.scopes.iter().copied().map(scope).collect() } else { Vec::new() },
        category: refusal.mark(Field::new("category", "What is wrong")),
        categories: categories.collect(),
        body: refusal.mark(Field::new("body", "Say why").value(&asked.body).hint(
            "In Markdown. Everybody reads it who may see the recall, and those who have the files get it by mail: say what can happen, and \
             what they should do.",
        )),
        replacement: refusal.mark(Field::new("replacement", "What to use instead (optional)").value(&asked.replacement).hint(
            "A fixed version: `@` and a revision of this repository, such as `@main`, or another one, such as `ada/bert` or \
             `datasets/ada/cats@v2`.",
        )),
    }
}
