//! What `git-lfs-authenticate` gives out: the right to speak Git LFS about one repository for an hour. It is signed and kept
//! nowhere; whether its account still has the key is asked again at each use.

use actix_web::HttpRequest;
use serde_json::json;

use super::queries;
use crate::accounts::sign_in::must_confirm;
use crate::accounts::{Auth, TokenRole, UserPk, Viewer, queries as accounts};
use crate::app::App;
use crate::error::{HubError, HubResult};

const PURPOSE: &str = "git-lfs-authenticate";
/// What every such token starts with.
pub(crate) const PREFIX: &str = "lfs_";
/// How long one works, in seconds.
pub(super) const VALID_SECS: i64 = 3600;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Download,
    Upload,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Download => "r",
            Self::Upload => "w",
        }
    }

    const fn role(self) -> TokenRole {
        match self {
            Self::Download => TokenRole::Read,
            Self::Upload => TokenRole::Write,
        }
    }
}

/// A token for the repository at a path.
pub(super) fn make(app: &App, operation: Operation, user_pk: UserPk, key_pk: i64, path: &str) -> String {
    let claims =
        format!("{}_{user_pk}_{key_pk}_{}", operation.as_str(), crate::clock::now().timestamp().saturating_add(VALID_SECS));
    let signature = app.signer.sign(PURPOSE, &format!("{claims} {path}"));
    format!("{PREFIX}{claims}_{signature}")
}

/// Who sends a token, with no more rights than it gives.
///
/// # Errors
/// 401 for one that is not for this path, has ended, or whose key was removed.
pub(crate) async fn viewer(app: &App, request: &HttpRequest, token: &str) -> HubResult<Viewer> {
    let path = request.path().split_once("/info/lfs/").map(|(path, _)| path);
    let (operation, user_pk, key_pk) = path.and_then(|path| parse(app, token, path)).ok_or_else(HubError::invalid_credentials)?;
    let (held, user) = tokio::try_join!(queries::has_key(&app.pool, user_pk, key_pk), accounts::find_user(&app.pool, user_pk))?;
    let user = user.filter(|user| held && !must_confirm(app, user)).ok_or_else(HubError::invalid_credentials)?;
    let auth = Auth::Token {
        // No row of a token is behind it.
        token_pk: 0,
        name: "Git LFS over SSH".to_owned(),
        role: operation.role(),
        scopes: json!({}),
        created_at: crate::clock::now(),
        requests_limit: None,
    };
    Ok(Viewer { user: Some(user), auth })
}

fn parse(app: &App, token: &str, path: &str) -> Option<(Operation, UserPk, i64)> {
    let mut parts = token.strip_prefix(PREFIX)?.splitn(5, '_');
    let (operation, user_pk, key_pk) = (parts.next()?, parts.next()?, parts.next()?);
    let (end, signature) = (parts.next()?, parts.next()?);
    if !app.signer.verify(PURPOSE, &format!("{operation}_{user_pk}_{key_pk}_{end} {path}"), signature) {
        return None;
    }
    if end.parse::<i64>().ok()? < crate::clock::now().timestamp() {
        return None;
    }
    let operation = [Operation::Download, Operation::Upload].into_iter().find(|known| known.as_str() == operation)?;
    Some((operation, user_pk.parse().ok()?, key_pk.parse().ok()?))
}
