//! `GET /api/models`, `/api/datasets`, `/api/spaces`.

use actix_web::{HttpResponse, web};
use hub_types::RepoType;
use serde_json::Value;

use super::{extras, fields};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::apps;
use crate::repos::listing::{self, Cursor, Direction, ListQuery, ListedRepo, Sort};
use crate::repos::visibility::visible_to;
use crate::web::base_url::BaseUrl;
use crate::web::extract::Query;

/// How many there are on a page when nothing is said, and at most.
const DEFAULT_LIMIT: u64 = 500;
const MAX_LIMIT: u64 = 1_000;
/// At most when whole cards are asked for, or what takes more than the row.
const MAX_WIDE_LIMIT: u64 = 100;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/models", web::get().to(list_models))
        .route("/api/datasets", web::get().to(list_datasets))
        .route("/api/spaces", web::get().to(list_spaces));
}

async fn list_models(app: web::Data<App>, viewer: Viewer, base: BaseUrl, query: Query) -> HubResult<HttpResponse> {
    list(&app, &viewer, &base, &query, RepoType::Model).await
}

async fn list_datasets(app: web::Data<App>, viewer: Viewer, base: BaseUrl, query: Query) -> HubResult<HttpResponse> {
    list(&app, &viewer, &base, &query, RepoType::Dataset).await
}

async fn list_spaces(app: web::Data<App>, viewer: Viewer, base: BaseUrl, query: Query) -> HubResult<HttpResponse> {
    list(&app, &viewer, &base, &query, RepoType::Space).await
}

async fn list(app: &App, viewer: &Viewer, base: &BaseUrl, query: &Query, repo_type: RepoType) -> HubResult<HttpResponse> {
    let fields = match fields::expanded(query, repo_type)? {
        Some(fields) => fields,
        None => fields::of_list(query, repo_type),
    };
    let mut wanted = parse(query, repo_type)?;
    wanted.columns = fields::columns_for(&fields);
    if wanted.columns.card || wanted.columns.facts || wanted.columns.siblings || extras::are_asked(&fields) {
        wanted.limit = wanted.limit.min(usize::try_from(MAX_WIDE_LIMIT).unwrap_or(usize::MAX));
    }
    let mut response = HttpResponse::Ok();
    // No model here is served by a provider.
    if query.get("inference").is_some() || query.get("inference_provider").is_some() {
        return Ok(response.json(Value::Array(Vec::new())));
    }
    let page = listing::list(app, repo_type, &visible_to(viewer), &wanted).await?;
    if let Some(next) = page.next {
        response.insert_header(("Link", next_link(base, repo_type, query, &next)));
    }
    let mut extras = extras::of_page(app, viewer, &page.repos, &fields).await?;
    let item = |repo: &ListedRepo| fields::object(repo, &fields, extras.remove(&repo.repo_pk).unwrap_or_default());
    Ok(response.json(page.repos.iter().map(item).collect::<Vec<Value>>()))
}

/// The same list further on. Clients send nothing but this address, so it carries every filter.
fn next_link(base: &BaseUrl, repo_type: RepoType, query: &Query, next: &Cursor) -> String {
    let kept = query.pairs().iter().filter(|(key, _)| key != "cursor");
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(kept).append_pair("cursor", &next.encode());
    format!("<{}?{}>; rel=\"next\"", base.join(&format!("/api/{}", repo_type.plural())), pairs.finish())
}

fn parse(query: &Query, repo_type: RepoType) -> HubResult<ListQuery> {
    let mut wanted = ListQuery {
        author: query.get("author").map(str::to_owned),
        search: texts(query, "search"),
        pipeline_tag: query.get("pipeline_tag").map(str::to_owned),
        library: query.get("library").map(str::to_owned),
        limit: usize::try_from(query.number("limit")?.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)).unwrap_or(usize::MAX),
        ..ListQuery::default()
    };
    for filter in query.all("filter").flat_map(|value| value.split(',')).map(str::trim).filter(|tag| !tag.is_empty()) {
        // Models carry their languages as bare codes, datasets with a prefix; clients use both spellings.
        match filter.strip_prefix("language:").filter(|_| repo_type == RepoType::Model) {
            Some(language) => wanted.tags.push(language.to_owned()),
            None => wanted.tags.push(filter.to_owned()),
        }
    }
    if repo_type == RepoType::Space {
        wanted.models = texts(query, "models");
        wanted.datasets = texts(query, "datasets");
        wanted.linked = query.flag("linked");
    }
    wanted.gated = match query.get("gated") {
        None => None,
        Some("true" | "True" | "1") => Some(true),
        Some("false" | "False" | "0") => Some(false),
        Some(_) => return Err(HubError::bad_request("`gated` must be `true` or `false`")),
    };
    if let Some(range) = query.get("num_parameters") {
        (wanted.min_parameters, wanted.max_parameters) = parameter_range(range)?;
    }
    let mut asked = query.all("apps").flat_map(|value| value.split(',')).filter(|app| !app.is_empty()).peekable();
    // At least one of them, as `@huggingface/hub` says.
    if asked.peek().is_some() {
        let tags = asked.filter_map(apps::find).flat_map(|app| app.tags).map(|tag| (*tag).to_owned());
        wanted.any_tags.push(tags.collect());
    }
    wanted.sort = match query.get("sort") {
        None => Sort::default(),
        Some(text) => Sort::parse(text).ok_or_else(|| {
            HubError::bad_request(
                "`sort` must be one of trendingScore, downloads, likes, likes7d, likes30d, likes3m, lastModified, createdAt, \
                 num_parameters, mainSize, id, datasetsServerInfo.numRows",
            )
        })?,
    };
    if wanted.sort == Sort::Rows && repo_type != RepoType::Dataset {
        return Err(HubError::bad_request("`sort=datasetsServerInfo.numRows` is for datasets: nothing else has rows"));
    }
    wanted.direction = match query.get("direction") {
        None | Some("-1" | "desc") => Direction::Descending,
        Some("1" | "asc") => Direction::Ascending,
        Some(_) => return Err(HubError::bad_request("`direction` must be -1 or 1")),
    };
    wanted.after = query.get("cursor").map(|cursor| Cursor::decode(cursor, wanted.sort)).transpose()?;
    Ok(wanted)
}

fn texts(query: &Query, key: &str) -> Vec<String> {
    query.all(key).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).take(20).collect()
}

/// Reads `min:6B,max:128B`.
fn parameter_range(text: &str) -> HubResult<(Option<i64>, Option<i64>)> {
    let wrong = || HubError::bad_request("`num_parameters` must look like `min:6B,max:128B`");
    let (mut least, mut most) = (None, None);
    for part in text.split(',') {
        let (bound, number) = part.trim().split_once(':').ok_or_else(wrong)?;
        let number = Some(parameter_count(number).ok_or_else(wrong)?);
        match bound {
            "min" => least = number,
            "max" => most = number,
            _ => return Err(wrong()),
        }
    }
    Ok((least, most))
}

fn parameter_count(text: &str) -> Option<i64> {
    let unit = text.chars().last()?.to_ascii_uppercase();
    let factor: f64 = match unit {
        'K' => 1e3,
        'M' => 1e6,
        'B' => 1e9,
        'T' => 1e12,
        _ => 1.0,
    };
    let number = if factor > 1.0 { text.get(..text.len() - 1)? } else { text };
    let count = number.trim().parse::<f64>().ok()? * factor;
    // Exact far beyond any model's size.
    (0.0..9e15).contains(&count).then_some(count as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_ranges_are_read() {
        assert_eq!(parameter_range("min:6B,max:128B").unwrap(), (Some(6_000_000_000), Some(128_000_000_000)));
        assert_eq!(parameter_range("max:1.5m").unwrap(), (None, Some(1_500_000)));
        assert_eq!(parameter_range("min:12").unwrap(), (Some(12), None));
        for text in ["", "6B", "min:", "min:x", "least:6B", "min:1e300T", "min:-1", "min:é"] {
            assert!(parameter_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_next_page_keeps_all_filters() {
        let query = Query::parse("filter=a&filter=b c&cursor=old&limit=3");
        let wanted = parse(&Query::parse("filter=a,language:en&sort=likes"), RepoType::Model).unwrap();
        assert_eq!(wanted.tags, ["a", "en"]);
        assert_eq!(query.all("filter").count(), 2);
        assert!(parse(&Query::parse("sort=colour"), RepoType::Model).is_err());
        assert!(parse(&Query::parse("cursor=abc"), RepoType::Model).is_err());
        let cursor = Cursor { sort: Sort::Likes, value: 3, repo_pk: 7, id: String::new() };
        let text = format!("sort=likes&cursor={}", cursor.encode());
        assert_eq!(parse(&Query::parse(&text), RepoType::Model).unwrap().after, Some(cursor));
    }
}
