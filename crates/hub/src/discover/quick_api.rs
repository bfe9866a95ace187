//! `GET /api/quicksearch`: what the box in the head of every page shows while somebody types.
//!
//! The shape is that of the Hub's own pages (`models`, `modelsCount`, …, `q`); tasks come in addition.

use actix_web::{HttpResponse, web};
use hub_search::Snippets;
use hub_types::RepoType;
use serde_json::{Map, Value, json};

use super::names::Owner;
use super::quick::{Found, Kind, Question, Wanted, find};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::listing::ListedRepo;
use crate::web::extract::Query;
use crate::web::page::page_size;

/// How many of each kind are given unless asked otherwise.
const DEFAULT: usize = 5;
/// The most of each kind.
const MOST: usize = 20;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/quicksearch", web::get().to(quick_search));
}

async fn quick_search(app: web::Data<App>, viewer: Viewer, query: Query) -> HubResult<HttpResponse> {
    let question = Question::read(query.get("q").unwrap_or_default());
    let wanted = Wanted {
        only: Kind::parse(query.get("type").unwrap_or_default())?,
        offset: 0,
        limit: page_size(&query, DEFAULT, MOST)?,
        snippets: Snippets::None,
    };
    let found = find(&app, &viewer, &question, wanted).await?;
    Ok(HttpResponse::Ok().json(body(&found, &question, wanted.limit)))
}

fn body(found: &Found, question: &Question, limit: usize) -> Value {
    let mut body = Map::new();
    let mut add = |plural: &str, kind: Kind, list: Vec<Value>| {
        body.insert(plural.to_owned(), Value::Array(list));
        body.insert(format!("{plural}Count"), json!(found.total(kind)));
    };
    for kind in RepoType::WITH_GIT {
        let list = found.repos.iter().find(|(other, _)| *other == kind).map(|(_, found)| found.list.iter().map(repo).collect());
        add(kind.plural(), Kind::Repos(kind), list.unwrap_or_default());
    }
    add("orgs", Kind::Organizations, found.organizations.list.iter().map(organization).collect());
    add("users", Kind::Users, found.users.list.iter().map(user).collect());
    let tasks = found.tasks.iter().take(limit).map(|task| json!({ "id": task.id, "label": task.label }));
    add("tasks", Kind::Tasks, tasks.collect());
    body.insert("q".to_owned(), json!(question.text));
    body.insert("truncated".to_owned(), json!(question.truncated));
    Value::Object(body)
}

fn repo(row: &ListedRepo) -> Value {
    json!({ "_id": row.public_id, "id": row.id(), "private": row.private, "trendingWeight": row.trending })
}

fn organization(owner: &Owner) -> Value {
    json!({
        "_id": format!("{:024x}", owner.namespace_pk),
        "type": "org",
        "name": owner.name,
        "fullname": display_name(owner),
        "avatarUrl": format!("/avatars/{}.svg", owner.name),
    })
}

fn user(owner: &Owner) -> Value {
    json!({
        "_id": format!("{:024x}", owner.namespace_pk),
        "type": "user",
        "user": owner.name,
        "fullname": display_name(owner),
        "avatarUrl": format!("/avatars/{}.svg", owner.name),
    })
}

fn display_name(owner: &Owner) -> &str {
    if owner.fullname.is_empty() { &owner.name } else { &owner.fullname }
}
