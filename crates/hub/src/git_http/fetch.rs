use std::collections::HashMap;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::Stream;
use hub_git::{FetchAnswer, GitReader, LsRefs, ProtocolVersion, RepoView};
use hub_types::{Oid, RefName};

use super::body;
use super::snapshot::Snapshot;
use crate::app::App;
use crate::downloads::client::Client;
use crate::error::{HubError, HubResult};
use crate::fetches::Fetcher;
use crate::repos::git_cache::RepoDir;
use crate::repos::{Repo, RepoContent, queries, reading};

pub(super) async fn advertise(app: &App, request: &HttpRequest, repo: &Repo) -> HubResult<HttpResponse> {
    let (version, mut response) = (version_of(request.headers()), body::answer("application/x-git-upload-pack-advertisement"));
    if version.is_v2() {
        return Ok(response.body(capabilities(app).await?));
    }
    let snapshot = Snapshot::read(app, repo).await?;
    let view = snapshot.view(app).await?;
    let answer = app.transfers.advertise_for_fetch(view, &version).await?;
    Ok(response.streaming(stream(answer, snapshot.dir)))
}

pub(super) async fn post_upload_pack(
    app: web::Data<App>,
    content: RepoContent,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    body::require_type(&request, "application/x-git-upload-pack-request")?;
    let (negotiation, version) = (body::read_negotiation(&request, payload).await?, version_of(request.headers()));
    let mut response = body::answer("application/x-git-upload-pack-result");
    if version.is_v2()
        && let Some(asked) = LsRefs::parse(&negotiation)
    {
        return Ok(response.body(ls_refs(&app, &content.repo, &asked).await?));
    }
    let snapshot = Snapshot::read(&app, &content.repo).await?;
    let view = snapshot.view(&app).await?;
    let user_pk = content.viewer.user.as_ref().map(|user| user.pk);
    let wanted = wants_objects(&negotiation);
    if wanted && let Some(client) = Client::of(&app, &request, user_pk) {
        app.downloads.note(content.repo.pk, snapshot.repo.head_oid, client);
    }
    let answer = app.transfers.answer_fetch(view, &version, negotiation).await?;
    if wanted {
        app.fetches.note_pack(Fetcher { repo_pk: content.repo.pk, commit: snapshot.repo.head_oid, user_pk });
    }
    Ok(response.streaming(stream(answer, snapshot.dir)))
}

/// What git offers in version 2, asked of it in an empty repository.
async fn capabilities(app: &App) -> HubResult<Bytes> {
    let (scratch, head) = (app.git.temp_dir(), RefName::branch("main").map_err(HubError::internal)?);
    let view = async {
        tokio::task::spawn_blocking(move || {
            let empty = tempfile::tempdir_in(&scratch)?;
            std::fs::create_dir(empty.path().join("objects"))?;
            RepoView::create(&scratch, empty.path(), &head, &[])
        })
        .await?
    };
    Ok(app.transfers.capabilities(view).await?)
}

/// Where the refs are that a client asks for.
async fn ls_refs(app: &App, repo: &Repo, asked: &LsRefs) -> HubResult<Vec<u8>> {
    let rows = queries::list_refs(&app.pool, repo.pk).await?;
    let refs: Vec<(RefName, Oid)> = rows.into_iter().map(|row| (row.name, row.oid)).collect();
    let tags: Vec<Oid> = asked.to_peel(&refs).into_iter().copied().collect();
    let peeled = match tags.is_empty() {
        true => HashMap::new(),
        false => reading::read(app, repo, move |reader| peel(reader, &tags)).await?,
    };
    Ok(asked.answer(&repo.default_ref()?, &refs, &peeled))
}

fn peel(reader: &GitReader, tags: &[Oid]) -> hub_git::Result<HashMap<Oid, Oid>> {
    let peeled = tags.iter().map(|oid| Ok(reader.peel_tag(*oid)?.map(|found| (*oid, found))));
    peeled.filter_map(Result::transpose).collect()
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
