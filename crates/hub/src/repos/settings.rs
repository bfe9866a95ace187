//! A repository's visibility, gating and way of transfer.

use serde_json::json;
use sqlx::PgConnection;

use super::access::RepoAdmin;
use super::changes::{self, Openness, Options, What};
use super::queries::audience::set_label;
use super::queries::pickles::set_refuses_pickles;
use super::queries::{self, discussions};
use crate::accounts::audit;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::moderation::rules;

/// How readers of a gated repository get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gating {
    /// Anyone who may see it may download.
    Off,
    /// Whoever asks gets in at once.
    Auto,
    /// The owners decide.
    Manual,
}

impl Gating {
    /// The stored word.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Auto => Some("auto"),
            Self::Manual => Some("manual"),
        }
    }
}

/// Changes to a repository's settings; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct SettingsChange {
    /// Whether only members see it.
    pub private: Option<bool>,
    /// How readers get in.
    pub gating: Option<Gating>,
    /// Whether clients are kept to plain HTTP.
    pub plain_http: Option<bool>,
    /// Whether nobody can open discussions and pull requests.
    pub discussions_disabled: Option<bool>,
    /// Whether pickles are refused.
    pub refuses_pickles: Option<bool>,
    /// Whether the owner says that it is not for all audiences.
    pub labelled: Option<bool>,
}

/// What a change left that is taken back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Undoes<'a> {
    /// Visibility and gating.
    Openness(&'a Openness),
    /// Others: those that it changed.
    Options(Options),
}

/// Changes a repository's settings.
///
/// # Errors
/// The database does not answer.
pub async fn update_settings(app: &App, admin: &RepoAdmin, change: SettingsChange) -> HubResult<()> {
    update_settings_undoing(app, admin, change, None).await
}

/// The same to take a change back, which left the settings like this.
///
/// # Errors
/// As [`update_settings`]; 409 when they are not so any more.
pub(super) async fn update_settings_undoing(
    app: &App,
    admin: &RepoAdmin,
    change: SettingsChange,
    undoes: Option<(i64, Undoes<'_>)>,
) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    let found = queries::changes::lock_settings(&mut tx, admin.repo.pk).await?;
    let (before, options) = found.ok_or_else(|| HubError::repo_not_found(false))?;
    let private = before.private;
    match undoes {
        Some((_, Undoes::Openness(left))) if *left != before => {
            return Err(HubError::conflict(
                "Visibility or gating changed again since. Set them in the settings, as you want them.",
            ));
        }
        Some((_, Undoes::Options(left))) if options.that_differ_from(left) != Options::default() => {
            return Err(HubError::conflict("This setting changed again since. Set it in the settings, as you want it."));
        }
        _ => {}
    }
    let gated = change.gating.map(Gating::as_str);
    queries::update_settings(&mut tx, admin.repo.pk, change.private, gated, change.plain_http).await?;
    if let Some(disabled) = change.discussions_disabled {
        discussions::set_disabled(&mut tx, admin.repo.pk, disabled).await?;
    }
    if let Some(refuses) = change.refuses_pickles {
        set_refuses_pickles(&mut tx, admin.repo.pk, refuses).await?;
    }
    if let Some(labelled) = change.labelled {
        set_label(&mut tx, admin.repo.pk, labelled).await?;
    }
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    // Those who could not see it before may be waiting for it.
    if change.private == Some(false) && private {
        Job::TellOfRepo { repo_pk: admin.repo.pk }.enqueue(&mut tx).await?;
        rules::ask_about_card(app, &mut tx, admin.repo.pk, actor).await?;
    }
    let after = Openness {
        private: change.private.unwrap_or(before.private),
        gated: gated.map_or_else(|| before.gated.clone(), |gated| gated.map(str::to_owned)),
    };
    let undoes = undoes.map(|(pk, _)| pk);
    if after != before {
        changes::note(&mut tx, admin.repo.pk, actor, &What::UpdateSettings { before, after }, undoes).await?;
    }
    note_options(&mut tx, admin.repo.pk, actor, (options, change), undoes).await?;
    let payload = json!({
        "private": change.private,
        "gated": gated,
        "plain_http": change.plain_http,
        "discussions_disabled": change.discussions_disabled,
        "refuses_pickles": change.refuses_pickles,
        "not_for_all_audiences": change.labelled,
    });
    queries::insert_event(&mut tx, admin.repo.pk, actor, "update_settings", payload).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Notes which of the other settings changed, if any did.
async fn note_options(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor: Option<i64>,
    (before, change): (Options, SettingsChange),
    undoes: Option<i64>,
) -> HubResult<()> {
    let wanted = Options {
        discussions_disabled: change.discussions_disabled,
        refuses_pickles: change.refuses_pickles,
        labelled: change.labelled,
        plain_http: change.plain_http,
    };
    let after = wanted.that_differ_from(before);
    if after == Options::default() {
        return Ok(());
    }
    let what = What::UpdateOptions { before: before.that_differ_from(wanted), after };
    changes::note(conn, repo_pk, actor, &what, undoes).await
}
