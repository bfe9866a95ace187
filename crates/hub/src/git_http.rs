//! Git over HTTP: clone, fetch and push with plain `git`. [`crate::ssh`] is another door to the same.
//!
//! - [`fetch`]: `git upload-pack` over a view of the repository; refs come from the database, never from disk.
//! - [`push`]: the pack waits in quarantine until it is proved good, goes to the object store, then
//!   [`crate::repos::refs`] moves the refs. Who may push is in [`push_right`], what may be pushed where in [`ref_rules`], what may be in
//!   it in [`object_checks`].
//!
//! Words of the protocol: a *command* asks to move one ref; *report-status* says what became of each.

mod body;
mod fetch;
mod object_checks;
pub(crate) mod push;
mod push_outcome;
mod push_right;
mod ref_rules;
mod snapshot;

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::{RepoContent, RepoRead};
use crate::web::extract::Query;

pub(crate) use push_right::PushRight;
pub(crate) use snapshot::Snapshot;

/// Every repository, with and without `.git` at the end of its name: `RepoRead` takes it off.
const PREFIXES: [&str; 2] = ["/{namespace}/{name}", "/{repo_type:datasets|spaces}/{namespace}/{name}"];

/// Mounts this slice's routes.
pub fn routes(config: &mut web::ServiceConfig) {
    for prefix in PREFIXES {
        config
            .route(&format!("{prefix}/info/refs"), web::get().to(get_info_refs))
            .route(&format!("{prefix}/git-upload-pack"), web::post().to(fetch::post_upload_pack))
            .route(&format!("{prefix}/git-receive-pack"), web::post().to(push::post_receive_pack));
    }
}

async fn get_info_refs(app: web::Data<App>, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    match query.get("service") {
        Some("git-upload-pack") => {
            let content = RepoContent::extract(&request).await?;
            fetch::advertise(&app, &request, &content.repo).await
        }
        Some("git-receive-pack") => {
            app.require_changes()?;
            let right = PushRight::of(&app, RepoRead::extract(&request).await?).await?;
            push::advertise(&app, &right.read().repo).await
        }
        Some(_) => Err(HubError::forbidden("This git service is not offered. Use `git clone`, `git fetch` or `git push`.")),
        None => Err(HubError::forbidden(
            "Only git's smart HTTP protocol is offered here. Use git 1.6.6 or newer, and a remote URL without further path.",
        )),
    }
}

impl From<hub_git::ProcessError> for HubError {
    fn from(error: hub_git::ProcessError) -> Self {
        match error {
            hub_git::ProcessError::Busy => Self::unavailable("Too many git requests are running. Try again in a moment.", error),
            hub_git::ProcessError::Start(_) | hub_git::ProcessError::Broken(_) => Self::internal(error),
        }
    }
}
