//! A repository's visibility, gating and way of transfer.

use serde_json::json;

use super::access::RepoAdmin;
use super::queries;
use crate::app::App;
use crate::error::HubResult;

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
}

/// Changes a repository's settings.
///
/// # Errors
/// The database does not answer.
pub async fn update_settings(app: &App, admin: &RepoAdmin, change: SettingsChange) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let gated = change.gating.map(Gating::as_str);
    queries::update_settings(&mut tx, admin.repo.pk, change.private, gated, change.plain_http).await?;
    let actor = admin.viewer.user.as_ref().map(|user| user.pk);
    let payload = json!({ "private": change.private, "gated": gated, "plain_http": change.plain_http });
    queries::insert_event(&mut tx, admin.repo.pk, actor, "update_settings", payload).await?;
    tx.commit().await?;
    Ok(())
}
