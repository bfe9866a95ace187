//! Deleting, moving and restoring files: a page that says what will happen, and a commit.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_git::{Entry, EntryKind};
use hub_types::{Oid, RepoPath};

use super::BASES;
use super::branch_files::{Seen, change_place, commit_on_seen, folder_href, head_of, id_of};
use super::context::{Place, View, header_of, layout_of};
use super::diff::{FileDiff, blob_diff};
use super::target::{Target, TargetView, To};
use super::view::{Crumb, RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::recalls;
use crate::repos::commit::{FileContent, NewCommit, Operation};
use crate::repos::{Level, Repo, RepoRead, reading};
use crate::web::filters;
use crate::web::filters::size_text;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The file whose metadata are checked by every commit.
const CARD_FILE: &str = "README.md";

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/file_change.html")]
struct ChangePage {
    layout: Layout,
    header: RepoHeader,
    crumbs: Vec<Crumb>,
    /// Where the change goes.
    target: TargetView,
    kind: Kind,
    path: String,
    /// What will happen.
    text: String,
    /// Where the form goes.
    action: String,
    cancel_href: String,
    /// What is there now, as the form names it.
    seen: String,
    /// For a move: where to.
    new_path: Option<Field>,
    /// For an old version: the commit it is from.
    from: String,
    summary: Field,
    description: String,
    /// What restoring changes.
    diff: Option<FileDiff>,
    problem: Option<String>,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delete,
    Move,
    Restore,
}

impl Kind {
    fn view(self) -> View {
        match self {
            Self::Delete => View::Delete,
            Self::Move => View::Move,
            Self::Restore => View::Restore,
        }
    }

    /// The heading.
    fn title(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Move => "Rename or move",
            Self::Restore => "Restore",
        }
    }

    /// What the button says.
    fn verb(self) -> &'static str {
        match self {
            Self::Delete => "Delete and commit",
            Self::Move => "Move and commit",
            Self::Restore => "Restore and commit",
        }
    }

    /// Whether what it does takes something away.
    fn is_deletion(self) -> bool {
        self == Self::Delete
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/delete/{{tail:.*}}"), crate::web::read().to(show_delete))
            .route(&format!("{base}/delete/{{tail:.*}}"), web::post().to(post_delete))
            .route(&format!("{base}/move/{{tail:.*}}"), crate::web::read().to(show_move))
            .route(&format!("{base}/move/{{tail:.*}}"), web::post().to(post_move))
            .route(&format!("{base}/restore/{{tail:.*}}"), crate::web::read().to(show_restore))
            .route(&format!("{base}/restore/{{tail:.*}}"), web::post().to(post_restore));
    }
}

async fn show_delete(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    show(page, read, Kind::Delete).await
}

async fn show_move(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    show(page, read, Kind::Move).await
}

async fn show_restore(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    show(page, read, Kind::Restore).await
}

async fn post_delete(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    post(page, read, form, Kind::Delete).await
}

async fn post_move(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    post(page, read, form, Kind::Move).await
}

async fn post_restore(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    post(page, read, form, Kind::Restore).await
}

/// What was asked for, and what it is about.
struct Asked {
    kind: Kind,
    place: Place,
    to: To,
    target: String,
    from: String,
    summary: String,
    description: String,
}

async fn show(page: PageRequest, read: RepoRead, kind: Kind) -> HubResult<HttpResponse> {
    let (place, target) = change_place(&page, read).await?;
    let from = page.query().get("from").unwrap_or(&place.revision).to_owned();
    let path = place.path.clone();
    let (to, summary, description) = (To::Here, String::new(), String::new());
    let asked = Asked { kind, place, to, target: path, from, summary, description };
    let shown = change_page(&page, &target, &asked, &Refusal::default()).await?;
    page.show(shown).await
}

async fn post(page: PageRequest, read: RepoRead, form: CheckedForm, kind: Kind) -> HubResult<HttpResponse> {
    let text = |name: &str| form.text(name).to_owned();
    let (place, target) = change_place(&page, read).await?;
    let asked = Asked {
        kind,
        to: target.to(form.text("to"))?,
        target: text("target"),
        from: form.fields().get("from").unwrap_or(&place.revision).to_owned(),
        place,
        summary: text("summary"),
        description: text("description"),
    };
    match Box::pin(change(&page, &target, &asked, form.text("seen"))).await {
        Ok((to, said)) => Ok(page.redirect_saying(&to, &said)),
        Err(error) => {
            let refusal = Refusal::keeping(error)?;
            let shown = change_page(&page, &target, &asked, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Commits; gives where to go and what to say there.
async fn change(page: &PageRequest, target: &Target, asked: &Asked, seen: &str) -> HubResult<(String, String)> {
    let (place, repo) = (&asked.place, &target.read().repo);
    let new_path = target_of(asked)?;
    let made = commit_on_seen(page, repo, place, seen, async |parent: Oid| {
        let new = NewCommit {
            revision: place.revision.clone(),
            summary: if asked.summary.is_empty() { default_summary(asked) } else { asked.summary.clone() },
            description: asked.description.clone(),
            parent: Some(parent.to_hex()),
            operations: operations(page, repo, asked, &new_path, parent).await?,
        };
        target.commit(page, new, asked.to).await
    });
    match made.await? {
        Seen::Newer(_) => {
            return Err(HubError::conflict("This was changed while you were looking at it. Look at it again, then go on."));
        }
        Seen::Done(Some(num)) => return Ok(target.after(num)),
        Seen::Done(None) => {}
    }
    let name = place.path.rsplit('/').next().unwrap_or_default().replace('`', "'");
    Ok(match asked.kind {
        Kind::Delete => (folder_href(page, repo, place).await?, format!("`{name}` was deleted.")),
        Kind::Move => (place.href(View::Blob, new_path.as_str()), format!("`{name}` was moved.")),
        Kind::Restore => (place.href(View::Blob, &place.path), format!("`{name}` was restored.")),
    })
}

/// Where the file ends up.
fn target_of(asked: &Asked) -> HubResult<RepoPath> {
    let place = &asked.place;
    if asked.kind != Kind::Move {
        return Ok(RepoPath::new(&place.path)?);
    }
    let at_field = |why: String| HubError::bad_request(why).at("target");
    let target = RepoPath::new(asked.target.trim_matches('/')).map_err(|error| at_field(format!("This cannot be: {error}.")))?;
    match target.as_str() == place.path {
        true => Err(at_field("The file has this path already.".to_owned())),
        false => Ok(target),
    }
}

async fn operations(page: &PageRequest, repo: &Repo, asked: &Asked, target: &RepoPath, parent: Oid) -> HubResult<Vec<Operation>> {
    let path = RepoPath::new(&asked.place.path)?;
    match asked.kind {
        Kind::Delete => Ok(vec![Operation::DeleteEntry(path)]),
        Kind::Restore => {
            let commit = reading::resolve(&page.app, repo, &asked.from).await?;
            let entry = reading::get_entry(&page.app, repo, commit, path.as_str()).await?;
            Ok(vec![put(page, repo, &entry, path).await?])
        }
        Kind::Move => {
            if reading::entry(&page.app, repo, parent, target.as_str()).await?.is_some() {
                return Err(HubError::conflict("There is something at this path already. Delete it first.").at("target"));
            }
            let entry = reading::get_entry(&page.app, repo, parent, path.as_str()).await?;
            let put = put(page, repo, &entry, target.clone()).await?;
            // Gone before it comes: a file may become a folder of its own name.
            Ok(vec![Operation::DeleteFile(path), put])
        }
    }
}

/// The step that puts a file of this repository at a path.
async fn put(page: &PageRequest, repo: &Repo, entry: &Entry, path: RepoPath) -> HubResult<Operation> {
    require_file(entry)?;
    if let Some(pointer) = &entry.lfs {
        return Ok(Operation::AddLfs { path, oid: pointer.oid, size: Some(pointer.size) });
    }
    if path.as_str() == CARD_FILE {
        // As text, so that its metadata are checked.
        let bytes = reading::blob(&page.app, repo, entry.oid).await?;
        return Ok(Operation::AddFile { path, content: FileContent::Bytes(bytes.to_vec()) });
    }
    Ok(Operation::CopyFile { path, blob: entry.oid, executable: entry.executable })
}

/// 422 for a folder, a link and a submodule.
fn require_file(entry: &Entry) -> HubResult<()> {
    match entry.kind {
        EntryKind::File => Ok(()),
        EntryKind::Folder | EntryKind::Symlink | EntryKind::Submodule => {
            Err(HubError::unprocessable("Only files can be moved and restored here. Do it with git."))
        }
    }
}

fn default_summary(asked: &Asked) -> String {
    let path = &asked.place.path;
    match asked.kind {
        Kind::Delete => format!("Delete {path}"),
        Kind::Move => format!("Move {path} to {}", asked.target),
        Kind::Restore => format!("Restore {path} from {}", asked.from.chars().take(7).collect::<String>()),
    }
}

async fn change_page(page: &PageRequest, target: &Target, asked: &Asked, refusal: &Refusal) -> HubResult<ChangePage> {
    let (place, repo, kind) = (&asked.place, &target.read().repo, asked.kind);
    if place.path.is_empty() {
        return Err(HubError::entry_not_found());
    }
    let head = head_of(page, repo, &place.revision).await?;
    let entry = reading::entry(&page.app, repo, head, &place.path).await?;
    let old = match kind {
        Kind::Restore => {
            let commit = reading::resolve(&page.app, repo, &asked.from).await?;
            let old = reading::get_entry(&page.app, repo, commit, &place.path).await?;
            require_file(&old)?;
            // What differs is shown.
            if target.read().level < Level::Write {
                for entry in entry.iter().chain([&old]) {
                    recalls::check_entry(&page.app, repo.pk, entry).await?;
                }
            }
            Some(old)
        }
        // What is to be deleted or moved must be there, and nothing is offered that would be refused.
        Kind::Delete | Kind::Move => {
            let there = entry.as_deref().ok_or_else(HubError::entry_not_found)?;
            if kind == Kind::Move {
                require_file(there)?;
            }
            None
        }
    };
    let (header, _) = header_of(page, target.read(), RepoTab::Files).await?;
    let new_path = Field::new("target", "New path").value(asked.target.clone());
    let default = default_summary(asked);
    let target_view = target.view(asked.to);
    let cancel_view = if entry.as_ref().is_some_and(|entry| entry.is_folder()) { View::Tree } else { View::Blob };
    Ok(ChangePage {
        layout: layout_of(page, repo, kind.title()),
        header,
        crumbs: place.crumbs(repo.id.name(), View::Tree),
        kind,
        path: place.path.clone(),
        text: explain(page, repo, asked, (head, entry.as_deref()), &target_view).await?,
        target: target_view,
        action: place.href(kind.view(), &place.path),
        cancel_href: if entry.is_some() { place.href(cancel_view, &place.path) } else { place.href(View::Tree, "") },
        seen: id_of(entry.as_deref()),
        new_path: (kind == Kind::Move).then(|| refusal.mark(new_path)),
        from: asked.from.clone(),
        summary: target.summary(if asked.summary.is_empty() && kind != Kind::Move { &default } else { &asked.summary }),
        description: asked.description.clone(),
        diff: match old {
            // In the place of a folder there is nothing to compare it with.
            Some(old) => {
                let now = entry.as_deref().filter(|entry| entry.kind == EntryKind::File);
                Some(blob_diff(page, repo, now, &old).await?)
            }
            None => None,
        },
        problem: refusal.message_elsewhere(&["target"]),
    })
}

async fn explain(
    page: &PageRequest,
    repo: &Repo,
    asked: &Asked,
    (head, entry): (Oid, Option<&Entry>),
    target: &TargetView,
) -> HubResult<String> {
    let path = &asked.place.path;
    let gone = target.gone_from();
    let size = async || reading::size(&page.app, repo, head, path).await.map(size_text);
    Ok(match (asked.kind, entry) {
        (Kind::Delete, Some(entry)) if entry.is_folder() => {
            format!("This folder and all that is in it ({}) will be {gone}. Its history stays.", size().await?)
        }
        (Kind::Delete, _) => {
            format!("This file will be {gone}. Its history stays, and it can be restored from there.")
        }
        (Kind::Move, _) => "The file keeps its content. Its history is found under both paths.".to_owned(),
        (Kind::Restore, Some(_)) => "The file gets the content it had then, by a new commit.".to_owned(),
        (Kind::Restore, None) => "The file is not on the branch any more. A new commit brings it back.".to_owned(),
    })
}
