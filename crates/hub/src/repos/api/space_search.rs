//! `GET /api/spaces/semantic-search`: Spaces by words, the best first, as `HfApi.search_spaces` and `hf spaces search` ask for them.
//!
//! The answer is that of the search index: words of names, tags and cards. Nothing here makes embeddings, so that
//! `semanticRelevancyScore` says how well a Space fits beside the best one.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use hub_search::{Clause, Facet, Hit, Rule, SearchQuery, Sort};
use hub_types::RepoType;
use serde_json::{Map, Value, json};

use super::fields;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::listing::{self, Columns, ListedRepo};
use crate::search;
use crate::web::extract::Query;
use crate::web::page::page_size;

/// How many are given unless asked otherwise. Clients know no pages of this list.
const DEFAULT: usize = 50;
/// The most that are given.
const MOST: usize = 100;
/// How many tags and SDKs are read.
const MAX_CHOICES: usize = 20;
/// What keeps a Space from ever running, as the index writes it.
const BROKEN: [&str; 2] = ["no_app_file", "config_error"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/spaces/semantic-search", web::get().to(search_spaces));
}

async fn search_spaces(app: web::Data<App>, viewer: Viewer, query: Query) -> HubResult<HttpResponse> {
    let words = query.get("q").map(str::trim).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| HubError::bad_request("`q` must say what to look for"))?;
    let asked = SearchQuery {
        text: words.to_owned(),
        clauses: clauses(&query),
        sort: Sort::Relevance,
        visible: search::visible_to(&viewer),
        limit: page_size(&query, DEFAULT, MOST)?,
        ..SearchQuery::new(RepoType::Space)
    };
    let hits = app.search.search(asked).await?.hits;
    let scores = relative_scores(&hits);
    let keys: Vec<i64> = hits.iter().map(|hit| hit.pk).collect();
    let columns = Columns { card: true, facts: true, siblings: false };
    let spaces = listing::by_keys(&app, &viewer, &keys, columns).await?;
    let found = spaces.iter().map(|space| space_json(space, scores.get(&space.repo_pk).copied()));
    Ok(HttpResponse::Ok().json(found.collect::<Vec<_>>()))
}

fn clauses(query: &Query) -> Vec<Clause> {
    let tags = texts(query, "filter").map(|tag| Clause { facet: Facet::Tag, rule: Rule::AnyOf, values: vec![tag] });
    let mut clauses: Vec<Clause> = tags.collect();
    let sdks: Vec<String> = texts(query, "sdk").collect();
    if !sdks.is_empty() {
        clauses.push(Clause { facet: Facet::Sdk, rule: Rule::AnyOf, values: sdks });
    }
    // The hub runs no Spaces. To leave out all that do not run would leave nothing: only what cannot run is left out.
    if !query.flag("includeNonRunning") {
        let values = BROKEN.map(str::to_owned).to_vec();
        clauses.push(Clause { facet: Facet::Status, rule: Rule::NoneOf, values });
    }
    clauses
}

fn texts<'a>(query: &'a Query, key: &'a str) -> impl Iterator<Item = String> + 'a {
    let texts = query.all(key).flat_map(|value| value.split(',')).map(str::trim);
    texts.filter(|text| !text.is_empty()).map(str::to_owned).take(MAX_CHOICES)
}

/// How well each fits beside the best, 0 to 1.
fn relative_scores(hits: &[Hit]) -> HashMap<i64, f64> {
    let best = hits.iter().map(|hit| hit.score.total()).fold(0.0, f32::max);
    if best <= 0.0 {
        return HashMap::new();
    }
    let rounded = |score: f32| f64::from((score / best).clamp(0.0, 1.0) * 1e4).round() / 1e4;
    hits.iter().map(|hit| (hit.pk, rounded(hit.score.total()))).collect()
}

fn space_json(space: &ListedRepo, score: Option<f64>) -> Value {
    let members = vec!["author", "private", "likes", "tags", "sdk", "runtime", "trendingScore"];
    let mut object = fields::object(space, &members, Map::new());
    let card = |name: &str| space.card.as_ref()?.get(name)?.as_str();
    object["title"] = json!(card("title").unwrap_or(&space.name));
    object["emoji"] = json!(card("emoji"));
    // Nothing here is written by a model: it is what the author says of the Space.
    object["ai_short_description"] = json!(card("short_description"));
    object["ai_category"] = Value::Null;
    object["semanticRelevancyScore"] = json!(score);
    object
}

#[cfg(test)]
mod tests {
    use hub_search::Score;

    use super::*;

    #[test]
    fn the_best_has_the_score_one() {
        let hit = |pk, words| Hit { pk, id: String::new(), score: Score { words, ..Score::default() }, snippet: None };
        let scores = relative_scores(&[hit(1, 8.0), hit(2, 2.0)]);
        assert_eq!((scores.get(&1), scores.get(&2)), (Some(&1.0), Some(&0.25)));
        assert!(relative_scores(&[hit(1, 0.0)]).is_empty());
    }

    #[test]
    fn what_cannot_run_is_left_out_unless_asked_for() {
        let facets = |text: &str| clauses(&Query::parse(text)).into_iter().map(|clause| clause.facet).collect::<Vec<_>>();
        assert_eq!(facets("q=x&filter=a,b&sdk=gradio&sdk=static"), [Facet::Tag, Facet::Tag, Facet::Sdk, Facet::Status]);
        assert_eq!(facets("q=x&includeNonRunning=true"), [Facet::Tag; 0]);
    }
}
