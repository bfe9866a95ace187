//! `POST /api/{type}s/{id}/commit/{revision}`.

use actix_web::dev::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{REPO, ndjson};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::Repo;
use crate::repos::access::{Level, RepoContent, RepoRead, RepoWrite};
use crate::repos::commit::{NewCommit, create_commit};
use crate::repos::discussions::{self, PullWrite};
use crate::repos::uploads::most_proposed;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, decoded, raw_param};
use crate::web::links::decode_tail;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{REPO}/commit/{{revision:.*}}"), web::post().to(post_commit));
}

async fn post_commit(
    app: web::Data<App>,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let mut payload: Payload = payload.into_inner();
    let read = RepoRead::extract(&request).await?;
    let revision = decode_tail(raw_param(&request, "revision"))
        .map(|segments| segments.join("/"))
        .ok_or_else(|| HubError::revision_not_found("?"))?;
    let target = Target::of(&app, read, &revision, query.get("create_pr").is_some() && query.flag("create_pr")).await?;
    let mut payload = decoded(&request, &mut payload);
    let body = ndjson::read_commit(&mut payload, app.config.inline_limit_bytes, target.most_bytes(&app)).await?;
    let new = NewCommit {
        revision,
        summary: body.header.summary.unwrap_or_default(),
        description: body.header.description.unwrap_or_default(),
        parent: body.header.parent_commit.filter(|parent| !parent.is_empty()),
        operations: body.operations,
    };
    let (commit, pull) = match &target {
        Target::Branch(write) => (create_commit(&app, write, new).await?, None),
        Target::Pull(pull) => (discussions::commit_to_pull(&app, pull, new).await?, None),
        Target::NewPull(content) => {
            // The hub's own pages send again what they got no answer to.
            let made = match content.viewer.require_session() {
                Ok(_) => discussions::propose_once(&app, content, new).await?,
                Err(_) => discussions::propose_commit(&app, content, new).await?,
            };
            (made.commit, Some(made.num))
        }
    };
    let path = target.repo().path();
    let mut answer = json!({
        "success": true,
        "commitOid": commit,
        "commitUrl": base.join(&format!("{path}/commit/{commit}")),
        "hookOutput": "",
    });
    if let Some(num) = pull {
        answer["pullRequestUrl"] = json!(base.join(&format!("{path}/discussions/{num}")));
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// What a commit is for, with the right to it.
enum Target {
    Branch(RepoWrite),
    Pull(PullWrite),
    NewPull(RepoContent),
}

impl Target {
    async fn of(app: &App, read: RepoRead, revision: &str, opens_pull: bool) -> HubResult<Self> {
        if opens_pull {
            return discussions::may_propose(app, read).await.map(Self::NewPull);
        }
        match discussions::number_of_ref(revision) {
            Some(num) => PullWrite::check(app, read, num).await.map(Self::Pull),
            None => read.into_write().map(Self::Branch),
        }
    }

    /// How many bytes of files may come with it, which are kept on disk until they are looked at.
    fn most_bytes(&self, app: &App) -> u64 {
        let level = match self {
            Self::Branch(_) => Level::Write,
            Self::Pull(pull) => pull.read().level,
            Self::NewPull(content) => content.level,
        };
        if level >= Level::Write { u64::MAX } else { most_proposed(app) }
    }

    fn repo(&self) -> &Repo {
        match self {
            Self::Branch(write) => &write.repo,
            Self::Pull(pull) => &pull.read().repo,
            Self::NewPull(content) => &content.repo,
        }
    }
}
