//! `GET` and `HEAD` of `archive/{revision}.tar.gz` and `.zip`: a revision in one file. `?path=` narrows it to a folder. The
//! addresses are GitHub's and Gitea's, the parameter is GitLab's.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::resolve::content_disposition;
use crate::app::App;
use crate::downloads::client::{Client, is_download};
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoContent;
use crate::repos::archive::{Archive, Format};
use crate::repos::reading;
use crate::web::extract::{Query, raw_param};
use crate::web::links::decode_tail;

/// How many digits of a commit's id are in the name of its archive.
const SHORT_ID: usize = 12;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for repo in ["/{repo_type:datasets|spaces}/{namespace}/{name}", "/{namespace}/{name}"] {
        for method in [Method::GET, Method::HEAD] {
            config.route(&format!("{repo}/archive/{{tail:.*}}"), web::method(method).to(get_archive));
        }
    }
}

async fn get_archive(app: web::Data<App>, content: RepoContent, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    let (revision, format) = asked(&request)?;
    let commit = reading::resolve(&app, &content.repo, &revision).await?;
    let folder = query.get("path").unwrap_or_default().trim_matches('/').to_owned();
    let root = root_of(content.repo.id.name(), &revision);
    let name = match folder.rsplit('/').next().unwrap_or_default() {
        "" => format!("{root}.{}", format.ending()),
        folder => format!("{root}-{folder}.{}", format.ending()),
    };
    let archive = Archive {
        repo: content.repo.clone(),
        commit,
        folder,
        root,
        format,
        user_pk: content.viewer.user.as_ref().map(|user| user.pk),
    };
    archive.check(&app).await?;
    let mut response = HttpResponse::build(StatusCode::OK);
    response
        .content_type(format.content_type())
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(&name, true)))
        .insert_header((header::CACHE_CONTROL, "private, no-store, no-transform"))
        .insert_header(("x-repo-commit", commit.to_hex()));
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    if is_download(&request)
        && let Some(client) = Client::of(&app, &request, content.viewer.user.as_ref().map(|user| user.pk))
    {
        app.downloads.note(content.repo.pk, Some(commit), client);
    }
    Ok(response.streaming(archive.stream(app.get_ref().clone())))
}

/// The revision and the form that the address names.
fn asked(request: &HttpRequest) -> HubResult<(String, Format)> {
    let tail = decode_tail(raw_param(request, "tail")).ok_or_else(HubError::entry_not_found)?.join("/");
    let found = Format::ALL.into_iter().find_map(|format| {
        let revision = tail.strip_suffix(format.ending())?.strip_suffix('.')?;
        (!revision.is_empty()).then(|| (revision.to_owned(), format))
    });
    found.ok_or_else(|| HubError::not_found("An archive's address ends in a revision and `.tar.gz` or `.zip`."))
}

/// `bert-main`: the name of the folder inside.
fn root_of(repo: &str, revision: &str) -> String {
    let is_id = revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown: String = if is_id { revision.chars().take(SHORT_ID).collect() } else { revision.replace('/', "-") };
    format!("{repo}-{shown}")
}
