//! Writing a card in the browser: fields for the metadata most cards have, the YAML itself, the text, and what it will look
//! like. Works without a script: a button shows the preview.

mod fields;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::{CardMetadata, LinkContext, SafeHtml, front_matter, render_markdown, set_key, validate};
use hub_types::{Oid, RepoPath, RepoType};

use self::fields::MetaField;
use super::BASES;
use super::context::{compare_href, header_of, layout_of};
use super::target::{Target, TargetView, To};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::repos::commit::{FileContent, NewCommit, Operation};
use crate::repos::queries::relations;
use crate::repos::visibility::visible_to;
use crate::repos::{Level, Repo, RepoRead, queries, reading};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The file that is the card.
pub(super) const CARD_FILE: &str = "README.md";
/// The largest card that is edited here, in bytes.
const MAX_CARD_BYTES: usize = 1 << 20;
/// The largest form: what is typed takes up to three bytes a letter on its way.
const MAX_FORM_BYTES: usize = 4 << 20;
/// How often saving starts over because other files were committed meanwhile.
const MAX_ROUNDS: usize = 5;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/card_editor.html")]
struct EditorPage {
    layout: Layout,
    header: RepoHeader,
    /// The card that was opened: a blob and the commit it was seen in.
    base: Base,
    fields: Vec<MetaField>,
    yaml: String,
    body: String,
    /// Where the card goes.
    target: TargetView,
    summary: Field,
    description: String,
    /// What keeps the card from being saved.
    problem: Option<String>,
    /// Who was quicker.
    conflict: Option<Conflict>,
    /// What could be better.
    remarks: Vec<String>,
    preview: Option<SafeHtml>,
}

/// The state of the card that somebody began with.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    /// The blob; empty when there was no card.
    blob: String,
    /// The commit.
    pub commit: String,
}

/// Somebody else has committed another card.
#[derive(Debug)]
struct Conflict {
    /// What changed meanwhile.
    compare_href: String,
}

/// What is in the editor.
#[derive(Debug)]
struct Draft {
    fields: Vec<MetaField>,
    yaml: String,
    body: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/edit-card"), crate::web::read().to(show_editor))
            .route(&format!("{base}/edit-card"), web::post().to(post_editor));
    }
}

async fn show_editor(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let target = card_target(&page, read).await?;
    let repo = &target.read().repo;
    let (base, text) = current(&page, repo).await?;
    if target.read().level < Level::Write
        && let Ok(blob) = base.blob.parse::<Oid>()
    {
        recalls::check(&page.app, repo.pk, Content::Blob(blob)).await?;
    }
    let split = front_matter::split(&text);
    let card = CardMetadata::parse(&text).unwrap_or_default();
    let is_blank = split.body.trim().is_empty();
    let draft = Draft {
        fields: fields::of_card(repo.repo_type, &card),
        yaml: split.yaml.unwrap_or_default().to_owned(),
        body: if is_blank { template(repo) } else { split.body.trim_start_matches('\n').to_owned() },
    };
    let shown = editor(&page, &target, base, draft, Outcome::default()).await?;
    page.show(shown).await
}

/// The card is the one of the default branch.
async fn card_target(page: &PageRequest, read: RepoRead) -> HubResult<Target> {
    let branch = read.repo.default_branch.clone();
    Target::of(page, read, &branch).await
}

/// What an empty card starts with.
fn template(repo: &Repo) -> String {
    let text = match repo.repo_type {
        RepoType::Model => include_str!("model.md"),
        RepoType::Dataset => include_str!("dataset.md"),
        RepoType::Space | RepoType::Bucket => include_str!("space.md"),
    };
    text.replace("{name}", repo.id.name())
}

/// The card of the default branch as it is now, and its text.
pub(super) async fn current(page: &PageRequest, repo: &Repo) -> HubResult<(Base, String)> {
    let head = queries::find_ref(&page.app.pool, repo.pk, &repo.default_ref()?).await?;
    let Some(head) = head else { return Err(HubError::revision_not_found(&repo.default_branch)) };
    let Some(entry) = reading::entry(&page.app, repo, head, CARD_FILE).await? else {
        return Ok((Base { blob: String::new(), commit: head.to_hex() }, String::new()));
    };
    if entry.is_folder() || entry.lfs.is_some() || entry.size > MAX_CARD_BYTES as u64 {
        return Err(HubError::unprocessable("This card is too large to be edited here. Change `README.md` with git."));
    }
    let bytes = reading::blob(&page.app, repo, entry.oid).await?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| HubError::unprocessable("This card is not UTF-8."))?;
    Ok((Base { blob: entry.oid.to_hex(), commit: head.to_hex() }, text))
}

/// What came of looking at a draft.
#[derive(Debug, Default)]
struct Outcome {
    problem: Option<String>,
    conflict: Option<Conflict>,
    remarks: Vec<String>,
    to: To,
    summary: String,
    description: String,
}

async fn editor(page: &PageRequest, target: &Target, base: Base, draft: Draft, outcome: Outcome) -> HubResult<EditorPage> {
    let repo = &target.read().repo;
    let (header, _) = header_of(page, target.read(), RepoTab::Other).await?;
    let context = LinkContext::new(repo.repo_type, &repo.id, &repo.default_branch, "").of_hub(page.base.as_str());
    let body = draft.body.clone();
    let preview = tokio::task::spawn_blocking(move || render_markdown(&body, &context)).await?;
    Ok(EditorPage {
        layout: layout_of(page, repo, "Edit card"),
        header,
        base,
        fields: draft.fields,
        yaml: draft.yaml,
        body: draft.body,
        target: target.view(outcome.to),
        summary: target.summary(&outcome.summary),
        description: outcome.description,
        problem: outcome.problem,
        conflict: outcome.conflict,
        remarks: outcome.remarks,
        preview: Some(preview),
    })
}

async fn post_editor(page: PageRequest, read: RepoRead, form: CheckedForm<MAX_FORM_BYTES>) -> HubResult<HttpResponse> {
    let target = card_target(&page, read).await?;
    let kind = target.read().repo.repo_type;
    let lines = |name: &str| form.exact(name).replace("\r\n", "\n");
    let mut draft = Draft { fields: fields::of_form(kind, &form), yaml: lines("yaml"), body: lines("body") };
    let (summary, description) = (form.text("summary").to_owned(), lines("description"));
    let mut outcome = Outcome { to: target.to(form.text("to"))?, summary, description, ..Outcome::default() };
    let mut base = Base { blob: form.text("base-blob").to_owned(), commit: form.text("base-commit").to_owned() };
    if let Err(label) = apply(kind, &mut draft) {
        outcome.problem = Some(format!("{label} could not be put into the YAML as it is written: change it there."));
    }
    let text = whole(&draft);
    // What was written in the YAML by hand is what the fields say, too.
    if outcome.problem.is_none()
        && let Ok(card) = CardMetadata::parse(&text)
    {
        draft.fields = fields::of_card(kind, &card);
    }
    let report = validate(&text, kind);
    outcome.remarks =
        remarks(&page, target.read(), &draft, &text, report.warnings.into_iter().map(|found| found.message)).await?;
    let error = report.errors.into_iter().next().map(|found| found.message);
    outcome.problem = outcome.problem.or(error);
    if text.len() > MAX_CARD_BYTES {
        outcome.problem = Some("This card is too large: keep it under 1 MiB.".to_owned());
    }
    if form.text("action") != "save" || outcome.problem.is_some() {
        let status = if form.text("action") == "save" {
            actix_web::http::StatusCode::BAD_REQUEST
        } else {
            actix_web::http::StatusCode::OK
        };
        let shown = editor(&page, &target, base, draft, outcome).await?;
        return page.show_with(status, shown).await;
    }
    let repo_path = target.read().repo.path();
    let status = match Box::pin(save(&page, &target, &base, &text, &outcome)).await {
        Ok(Saved::Done(None)) => return Ok(page.redirect_saying(&repo_path, "The card was saved.")),
        Ok(Saved::Done(Some(num))) => {
            let (href, said) = target.after(num);
            return Ok(page.redirect_saying(&href, &said));
        }
        Ok(Saved::Newer(newer)) => {
            let compare_href = compare_href(&repo_path, &base.commit, &newer.commit);
            outcome.conflict = Some(Conflict { compare_href });
            // Whoever saves again has been told.
            base = newer;
            actix_web::http::StatusCode::CONFLICT
        }
        Err(error) => {
            let refusal = Refusal::keeping(error)?;
            outcome.problem = refusal.message_elsewhere(&[]);
            refusal.status
        }
    };
    let shown = editor(&page, &target, base, draft, outcome).await?;
    page.show_with(status, shown).await
}

/// Puts what was changed in the fields into the YAML; gives the label of a field that could not be.
fn apply(kind: RepoType, draft: &mut Draft) -> Result<(), &'static str> {
    for field in &mut draft.fields {
        if !field.is_changed() {
            continue;
        }
        draft.yaml = set_key(&draft.yaml, field.name, &fields::key_value(kind, field)).ok_or(field.label)?;
        field.was.clone_from(&field.value);
    }
    Ok(())
}

/// The file that a draft makes.
fn whole(draft: &Draft) -> String {
    let yaml = draft.yaml.trim_end();
    let body = draft.body.trim_end();
    match yaml.is_empty() {
        true => format!("{body}\n"),
        false => format!("---\n{yaml}\n---\n\n{body}\n"),
    }
}

/// What could be better: what the specification says, values that are in no list, repositories that are not here.
async fn remarks(
    page: &PageRequest,
    read: &RepoRead,
    draft: &Draft,
    text: &str,
    warnings: impl Iterator<Item = String>,
) -> HubResult<Vec<String>> {
    let card = CardMetadata::parse(text).unwrap_or_default();
    let models = card.base_model.iter().chain(&card.models).map(|id| (RepoType::Model, id.clone()));
    let named: Vec<_> = models.chain(card.datasets.iter().map(|id| (RepoType::Dataset, id.clone()))).take(100).collect();
    let known = relations::list_known(&page.app.pool, &visible_to(&read.viewer), &named).await?;
    let missing = named.iter().filter(|wanted| !known.contains_key(*wanted));
    let missing = missing.map(|(kind, id)| format!("The {kind} `{}` is not on this hub.", id.replace('`', "'")));
    Ok(warnings.chain(fields::unknown_values(read.repo.repo_type, &draft.fields)).chain(missing).collect())
}

/// What came of saving.
enum Saved {
    /// It is committed, perhaps to the pull request of this number.
    Done(Option<i64>),
    /// Somebody else has committed this card since.
    Newer(Base),
}

/// Commits a card, or proposes it, unless somebody else has committed another since `base`. That other files changed does not
/// matter.
async fn save(page: &PageRequest, target: &Target, base: &Base, text: &str, outcome: &Outcome) -> HubResult<Saved> {
    let repo = &target.read().repo;
    for _ in 0..MAX_ROUNDS {
        let (now, before) = current(page, repo).await?;
        if now.blob != base.blob {
            return Ok(Saved::Newer(now));
        }
        // A file with the line breaks of Windows keeps them.
        let text = if before.contains("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() };
        let content = FileContent::Bytes(text.into_bytes());
        let summary = if outcome.summary.is_empty() { "Edit the card" } else { &outcome.summary };
        let new = NewCommit {
            revision: repo.default_branch.clone(),
            summary: summary.to_owned(),
            description: outcome.description.clone(),
            parent: Some(now.commit),
            operations: vec![Operation::AddFile { path: RepoPath::new(CARD_FILE)?, content }],
        };
        match target.commit(page, new, outcome.to).await {
            Ok(num) => return Ok(Saved::Done(num)),
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => {}
            Err(error) => return Err(error),
        }
    }
    Err(HubError::unavailable("The branch is changing too fast. Try again in a moment.", "every round of the card lost the race"))
}
