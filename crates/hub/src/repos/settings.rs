//! A repository's visibility, gating and way of transfer.

use serde_json::json;

use super::access::RepoAdmin;
use super::queries::{self, discussions};
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;

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
}

/// Changes a repository's settings.
///
/// # Errors
/// The database does not answer.
pub async fn update_settings(app: &App, admin: &RepoAdmin, change: SettingsChange) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let gated = change.gating.map(Gating::as_str);
    queries::update_settings(&mut tx, admin.repo.pk, change.private, gated, change.plain_http).await?;
    if let Some(disabled) = change.discussions_disabled {
        discussions::set_disabled(&mut tx, admin.repo.pk, disabled).await?;
    }
    // Those who could not see it before may be waiting for it.
    if change.private == Some(false) && admin.repo.private {
        Job::TellOfRepo { repo_pk: admin.repo.pk }.enqueue(&mut tx).await?;
    }
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    let payload = json!({
        "private": change.private,
        "gated": gated,
        "plain_http": change.plain_http,
        "discussions_disabled": change.discussions_disabled,
    });
    queries::insert_event(&mut tx, admin.repo.pk, actor, "update_settings", payload).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
