//! Read-only operation: while it is on, nothing that people made is changed, whichever door somebody comes by. It is decided here, by
//! the method and the path; what an incident needs goes on, which is `/admin`, moderation and reports. What cannot be told by them asks
//! [`App::require_changes`]: pushes by SSH and what comes before one by HTTP, batches of Git LFS, tokens to send chunks or to publish,
//! withdrawing a recall. What the hub notes by itself goes on: downloads, last uses, jobs that change no repository.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web;

use super::Flag;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// The longest text of those who switch it on, in characters.
pub const MAX_TOLD: usize = 200;

/// How the paths of repositories begin. The kinds are named, and no `*` stands for one: `/ada/bert/edit/…` is a path of four parts and more,
/// and whoever edits chooses how it ends.
const REPOSITORIES: [&str; 4] = ["/*/*", "/datasets/*/*", "/spaces/*/*", "/buckets/*/*"];

/// What goes on of repositories, as [`GOES_ON`].
const GOES_ON_OF_REPOSITORIES: [&str; 4] =
    ["/git-upload-pack", "/info/lfs/objects/batch", "/info/lfs/locks/verify", "/view-content"];

/// What goes on though it is asked by POST. `*` stands for one part of a path, `**` for all that follow, or none.
const GOES_ON: &[&str] = &[
    // Reading.
    "/api/models/*/*/paths-info/**",
    "/api/datasets/*/*/paths-info/**",
    "/api/spaces/*/*/paths-info/**",
    "/api/buckets/*/*/paths-info",
    "/api/validate-yaml",
    "/settings/saved-searches/*/open",
    "/banner/close",
    "/api/doctor/*/body",
    "/xet/v1/telemetry",
    // Coming in, here and at applications, and leaving.
    "/confirm-email/*/*/*",
    "/login",
    "/login/keep-account",
    "/login/new-password",
    "/login/oidc",
    "/login/oidc/link",
    "/login/passkey",
    "/login/passkey/challenge",
    "/login/second-factor",
    "/login/second-factor/challenge",
    "/logout",
    "/forgot-password",
    "/reset-password",
    "/sudo",
    "/sudo/challenge",
    "/oauth/authorize",
    "/oauth/device",
    "/oauth/device/answer",
    "/oauth/introspect",
    "/oauth/token",
    "/oauth/userinfo",
    // Shutting others out: what passwords, keys, tokens, sessions and accounts at the provider open.
    "/api/tokens/revoke-leaked",
    "/oauth/revoke",
    "/organizations/*/settings/service-accounts/*/tokens/*/revoke",
    "/settings/authentication/passkeys/*/remove",
    "/settings/connected-applications/*/revoke",
    "/settings/keys/*/remove",
    "/settings/password",
    "/settings/sessions/*/end",
    "/settings/sessions/end-others",
    "/settings/sign-in/*/unlink",
    "/settings/tokens/*/revoke",
    // Mails go on, so their end does.
    "/notifications/*/*/unsubscribe",
    "/saved-searches/*/*/unsubscribe",
    // What an incident needs: reports, moderators' acts, appeals, and taking files back.
    "/moderation/**",
    "/recalls/*",
    "/report",
    // Ending it, among other things.
    "/admin/**",
];

/// Whether a request may change something that people made.
fn is_change(method: &Method, path: &str) -> bool {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => false,
        Method::POST => !goes_on(path),
        _ => true,
    }
}

fn goes_on(path: &str) -> bool {
    let of_repository = |end: &str| {
        let start = path.strip_suffix(end);
        start.is_some_and(|start| REPOSITORIES.iter().any(|pattern| fits(pattern, start)))
    };
    GOES_ON.iter().any(|pattern| fits(pattern, path)) || GOES_ON_OF_REPOSITORIES.into_iter().any(of_repository)
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, parts.next()) {
            ("**", _) => return true,
            ("*", Some(part)) if !part.is_empty() => {}
            (wanted, Some(part)) if wanted == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

impl App {
    /// Whether nothing that people made is changed.
    pub fn is_read_only(&self) -> bool {
        self.allows(Flag::ReadOnly)
    }

    /// What changes are told, while none are taken.
    pub fn refusal_of_changes(&self) -> Option<HubError> {
        self.is_read_only().then(|| HubError::read_only(self.flags.told().as_deref()))
    }

    /// Refuses what changes something that people made, while nothing is to be changed.
    ///
    /// # Errors
    /// 503 that says so.
    pub fn require_changes(&self) -> HubResult<()> {
        self.refusal_of_changes().map_or(Ok(()), Err)
    }
}

/// Middleware within the wording of errors: refuses changes while the hub takes none.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn refuse_changes(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = request.app_data::<web::Data<App>>();
    let refusal = app.and_then(|app| app.refusal_of_changes()).filter(|_| is_change(request.method(), request.path()));
    match refusal {
        Some(refusal) => {
            let (request, _) = request.into_parts();
            Ok(ServiceResponse::from_err(refusal, request))
        }
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_is_told_from_changes() {
        for (method, path, changes) in [
            (Method::GET, "/ada/bert", false),
            (Method::HEAD, "/ada/bert/resolve/main/f", false),
            (Method::OPTIONS, "/api/models/ada/bert/commit/main", false),
            (Method::POST, "/api/models/ada/bert/commit/main", true),
            (Method::POST, "/api/models/ada/bert/paths-info/main", false),
            (Method::POST, "/api/models/ada/bert/paths-info/refs/pr/1", false),
            (Method::POST, "/api/buckets/ada/logs/paths-info", false),
            (Method::POST, "/api/models/ada/paths-info/commit/main", true),
            (Method::POST, "/ada/bert.git/git-upload-pack", false),
            (Method::POST, "/datasets/ada/squad/git-upload-pack", false),
            (Method::POST, "/ada/bert.git/git-receive-pack", true),
            // Names that whoever changes something chooses.
            (Method::POST, "/ada/bert/edit/info/lfs/objects/batch", true),
            (Method::POST, "/ada/bert/upload/git-upload-pack", true),
            (Method::POST, "/api/buckets/ada/view-content", true),
            (Method::DELETE, "/api/buckets/ada/view-content", true),
            (Method::POST, "/organizations/acme/members/view-content", true),
            (Method::PATCH, "/api/organizations/acme/resource-groups/paths-info", true),
            (Method::POST, "/spaces/ada/owls/view-content", false),
            (Method::DELETE, "/spaces/ada/owls/view-content", true),
            (Method::POST, "/datasets/ada/squad.git/info/lfs/objects/batch", false),
            (Method::PUT, "/lfs/put/1/2", true),
            (Method::POST, "/moderation/cases/1", false),
            (Method::POST, "/report", false),
            (Method::POST, "/reports", true),
            (Method::POST, "/admin/flags", false),
            (Method::POST, "/admin", false),
            (Method::POST, "/administrator/x", true),
            (Method::POST, "/sudo", false),
            (Method::POST, "/settings/tokens", true),
            (Method::POST, "/settings/tokens/1/revoke", false),
            (Method::POST, "/settings/sign-in/1/unlink", false),
            (Method::POST, "/settings/tokens//revoke", true),
            (Method::POST, "/settings/tokens/1/revoke/", true),
            (Method::DELETE, "/api/repos/delete", true),
        ] {
            assert_eq!(is_change(&method, path), changes, "{method} {path}");
        }
    }
}
