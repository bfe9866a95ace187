use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::Stream;
use hub_git::{FetchAnswer, ProtocolVersion};

use super::body;
use super::snapshot::Snapshot;
use crate::app::App;
use crate::downloads::client::Client;
use crate::error::HubResult;
use crate::repos::git_cache::RepoDir;
use crate::repos::{Repo, RepoContent};

pub(super) async fn advertise(app: &App, request: &HttpRequest, repo: &Repo) -> HubResult<HttpResponse> {
    let snapshot = Snapshot::read(app, repo).await?;
    let view = snapshot.view(app).await?;
    let answer = app.transfers.advertise_for_fetch(view, &version_of(request.headers())).await?;
    Ok(body::answer("application/x-git-upload-pack-advertisement").streaming(stream(answer, snapshot.dir)))
}

pub(super) async fn post_upload_pack(
    app: web::Data<App>,
    content: RepoContent,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    body::require_type(&request, "application/x-git-upload-pack-request")?;
    let negotiation = body::read_negotiation(&request, payload).await?;
    let snapshot = Snapshot::read(&app, &content.repo).await?;
    let view = snapshot.view(&app).await?;
    if wants_objects(&negotiation)
        && let Some(client) = Client::of(&app, &request, content.viewer.user.as_ref().map(|user| user.pk))
    {
        app.downloads.note(content.repo.pk, snapshot.repo.head_oid, client);
    }
    let answer = app.transfers.answer_fetch(view, &version_of(request.headers()), negotiation).await?;
    Ok(body::answer("application/x-git-upload-pack-result").streaming(stream(answer, snapshot.dir)))
}

/// Whether a clone or a fetch asks for objects, in either version of the protocol, and not for what there is.
fn wants_objects(negotiation: &[u8]) -> bool {
    negotiation.windows(5).any(|part| part == b"want ")
}

fn version_of(headers: &HeaderMap) -> ProtocolVersion {
    ProtocolVersion::from_header(headers.get("git-protocol").and_then(|value| value.to_str().ok()))
}

/// Streams the answer and keeps the objects on disk until its end.
fn stream(answer: FetchAnswer, dir: RepoDir) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold((answer, dir), |(mut answer, dir)| async move {
        let chunk = answer.recv().await?;
        Some((chunk, (answer, dir)))
    })
}
