//! What is said of access tokens, and of applications.

use hub_types::RepoId;

use super::{ErrorKind, HubError};

impl HubError {
    /// 401: a token for the store of chunks is over.
    pub fn expired_xet_token() -> Self {
        Self::new(ErrorKind::InvalidCredentials, "This token has expired. Ask the hub for a new one.")
    }

    /// 403: tokens of trusted publishers change files, and nothing else.
    pub fn for_no_job() -> Self {
        Self::forbidden("The token of a trusted publisher reads and writes files: this is done by people, and by other tokens.")
    }

    /// 403: the token is weaker than its owner.
    pub fn token_too_weak(needed: &str) -> Self {
        Self::forbidden(format!(
            "Your access token does not allow this: it needs {needed}. Make another under Settings, Access tokens."
        ))
    }

    /// Where people make access tokens.
    pub const TOKENS: &'static str = "/settings/tokens";

    /// 403: an access token may not do what its owner may. `may` is what it may do with the repository, if anything.
    pub fn token_lacks(token: &str, id: &RepoId, may: Option<&str>, lacks: &str) -> Self {
        let what = match may {
            Some(may) => format!("may {may} {id}, but not {lacks}"),
            None => format!("is for others than {id}, and may not {lacks}"),
        };
        let page = Self::TOKENS;
        Self::forbidden(format!(
            "Your token `{token}` {what}. At {page} you can make one that may: of the role `write`, or a fine-grained one with {id} among \
             its repositories to read and write."
        ))
        .leading_to(page.to_owned())
    }

    /// 403: an application may not do what the person may for whom it acts. `scope` is what it would have to ask for.
    pub fn application_lacks(application: &str, id: &RepoId, may: Option<&str>, lacks: &str, scope: &str) -> Self {
        let what = match may {
            Some(may) => format!("may {may} {id}, but not {lacks}"),
            None => format!("was let into others than {id}, and may not {lacks}"),
        };
        Self::forbidden(format!(
            "The application `{application}` {what}: it needs the scope `{scope}`. Sign in to it again to give it that."
        ))
    }

    /// 403: an application was not let do this, or not for whom it wants to: `owner` is somebody's name, if that matters.
    pub fn scope_missing(application: &str, scope: &str, owner: Option<&str>) -> Self {
        let whose = owner.map(|owner| format!(" for {owner}")).unwrap_or_default();
        Self::forbidden(format!(
            "The application `{application}` may not do this: it needs the scope `{scope}`{whose}. Sign in to it again to give it that."
        ))
    }

    /// 404 for an access token.
    pub fn no_such_token() -> Self {
        Self::not_found("There is no such token: it may have been revoked already.")
    }
}
