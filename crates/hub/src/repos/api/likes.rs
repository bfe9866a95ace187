//! `POST` and `DELETE …/like`, `GET …/likers`, `GET /api/users/{user}/likes`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::REPO;
use super::owners::get_user;
use crate::accounts::Viewer;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::RepoRead;
use crate::repos::likes::{LikeState, set_like};
use crate::repos::queries::likes;
use crate::repos::visibility::visible_to;
use crate::web::base_url::BaseUrl;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::{Query, raw_param};
use crate::web::page::{next_link, page_size};

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 500;
const MAX_LIMIT: usize = 1_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/like"), web::post().to(post_like))
        .route(&format!("{REPO}/like"), web::delete().to(delete_like))
        .route(&format!("{REPO}/likers"), web::get().to(list_likers))
        .route("/api/users/{name}/likes", web::get().to(list_liked));
}

async fn post_like(app: web::Data<App>, read: RepoRead) -> HubResult<HttpResponse> {
    Ok(answer(set_like(&app, &read, true).await?))
}

async fn delete_like(app: web::Data<App>, read: RepoRead) -> HubResult<HttpResponse> {
    Ok(answer(set_like(&app, &read, false).await?))
}

fn answer(state: LikeState) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "liked": state.liked, "likes": state.likes }))
}

async fn list_likers(
    app: web::Data<App>,
    read: RepoRead,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let limit = page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = TimeCursor::read(&query, "cursor")?;
    let mut rows = likes::list_likers(&app.pool, read.repo.pk, after, one_more(limit)).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = cut(&mut rows, limit, |row| TimeCursor { at: row.created_at, pk: row.user_pk }) {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    let items = rows.iter().map(|row| {
        let fullname = if row.fullname.is_empty() { &row.name } else { &row.fullname };
        json!({ "user": row.name, "fullname": fullname, "avatarUrl": format!("/avatars/{}.svg", row.name), "type": "user" })
    });
    Ok(response.json(items.collect::<Vec<Value>>()))
}

async fn list_liked(
    app: web::Data<App>,
    viewer: Viewer,
    base: BaseUrl,
    query: Query,
    request: HttpRequest,
) -> HubResult<HttpResponse> {
    let user = get_user(&app, raw_param(&request, "name")).await?;
    let limit = page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = TimeCursor::read(&query, "cursor")?;
    let mut rows = likes::list_liked(&app.pool, &visible_to(&viewer), user.namespace_pk, after, one_more(limit)).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = cut(&mut rows, limit, |row| TimeCursor { at: row.created_at, pk: row.repo_pk }) {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    let items = rows.iter().map(|row| {
        let repo = json!({ "name": format!("{}/{}", row.namespace, row.name), "type": row.repo_type });
        json!({ "createdAt": timestamp(row.created_at), "repo": repo })
    });
    Ok(response.json(items.collect::<Vec<Value>>()))
}
