//! The panel of a checkpoint that says that there could be safetensors, and how far that is; and its button.

use actix_web::{HttpResponse, web};
use hub_types::RepoType;

use super::BASES;
use super::context::{Place, View};
use super::security::Security;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::HubResult;
use crate::repos::access::{RepoContent, RepoRead};
use crate::repos::conversion::{ask, find, is_candidate, target_of};
use crate::repos::discussions::participant;
use crate::repos::queries::conversions::{Conversion, State};
use crate::repos::queries::discussions::are_disabled;
use crate::repos::queries::pickles::find_pickle_rule;
use crate::repos::{Repo, reading};
use crate::web::links::{encode_path, encode_segment};

/// The panel.
#[derive(Debug)]
pub(super) struct ConversionPanel {
    /// The file.
    pub path: String,
    /// What it becomes.
    pub target: String,
    /// How far it is.
    pub stage: Stage,
    /// Where it is asked for, for those who may.
    pub action: Option<String>,
    /// Whether the repository takes no pickles, so that this one might go.
    pub refuses_pickles: bool,
}

/// How far a conversion is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nobody has asked, or what came of it is over.
    None,
    /// It is being done: how much of a hundred.
    Waiting(i64),
    /// It became this pull request: its number and where it is.
    Proposed(i64, String),
    /// It cannot be done.
    Failed(String),
    /// The file is there, here.
    There(String),
}

impl ConversionPanel {
    /// The text of the button.
    pub(super) fn label(&self) -> &'static str {
        if matches!(self.stage, Stage::Failed(_)) { "Try again" } else { "Convert to safetensors" }
    }

    /// Whether there is something to ask for.
    pub(super) fn can_ask(&self) -> bool {
        matches!(self.stage, Stage::None | Stage::Failed(_))
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/convert-weights"), web::post().to(post_ask));
    }
}

/// The panel of a file of the default branch; nothing for what is no checkpoint. `.bin` is the ending of much else, so such a file has it
/// by its usual names, or when it was looked at and is a pickle.
///
/// # Errors
/// The database or the store does not answer.
pub(super) async fn panel_of(
    page: &PageRequest,
    content: &RepoContent,
    place: &Place,
    security: Option<&Security>,
) -> HubResult<Option<ConversionPanel>> {
    let repo = &content.repo;
    let name = place.path.rsplit('/').next().unwrap_or(&place.path);
    let is_usual = !name.ends_with(".bin") || name.starts_with("pytorch_model") || name.starts_with("adapter_model");
    let has_pickle = security.is_some_and(|security| !security.imports.is_empty());
    let is_here = repo.repo_type == RepoType::Model && place.revision == repo.default_branch && is_candidate(&place.path);
    if !is_here || !(is_usual || has_pickle) {
        return Ok(None);
    }
    let Some(target) = target_of(&place.path) else { return Ok(None) };
    let is_there = reading::entry(&page.app, repo, place.commit, &target).await?.is_some();
    let stage = match find(&page.app, content, &place.path).await? {
        _ if is_there => Stage::There(place.href(View::Blob, &target)),
        Some(found) => stage_of(repo, found),
        None => Stage::None,
    };
    let may_ask =
        page.require_session().is_ok() && participant(content).is_ok() && !are_disabled(&page.app.pool, repo.pk).await?;
    Ok(Some(ConversionPanel {
        action: may_ask.then(|| format!("{}/convert-weights", repo.path())),
        refuses_pickles: find_pickle_rule(&page.app.pool, repo.pk).await?.refuses(),
        path: place.path.clone(),
        target,
        stage,
    }))
}

fn stage_of(repo: &Repo, found: Conversion) -> Stage {
    match (found.state, found.num, &found.problem) {
        (State::Waiting, ..) => Stage::Waiting(found.percent()),
        (State::Failed, _, Some(problem)) => Stage::Failed(problem.clone()),
        (State::Done, Some(num), _) if found.is_open() => Stage::Proposed(num, format!("{}/discussions/{num}", repo.path())),
        _ => Stage::None,
    }
}

async fn post_ask(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (repo, path) = (read.repo.clone(), form.text("path"));
    let asked = ask(&page.app, read, path, form.text("remove") == "on").await?;
    let (to, said) = match asked.num.filter(|_| asked.is_open()) {
        Some(num) => (format!("{}/discussions/{num}", repo.path()), "This is proposed already."),
        None => {
            let branch = encode_segment(&repo.default_branch);
            let here = format!("{}/blob/{branch}/{}#conversion", repo.path(), encode_path(path));
            (here, "The file is being converted. A pull request comes when it is done.")
        }
    };
    Ok(page.redirect_saying(&to, said))
}
