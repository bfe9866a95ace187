//! Questions to Meilisearch, and its answers as ours.
//!
//! One request carries all searches of a page: the hits, the exact total with the counts that all conditions act on,
//! one more for each facet whose own clauses are left out, and one for each chosen value that may not be among the most
//! frequent.

use meilisearch_sdk::{
    client::Client,
    indexes::Index,
    search::{MatchingStrategies, SearchQuery as Query, SearchResult, SearchResults as Found, Selectors},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Counting, Direction, Facet, FacetCount, FacetCounts, FacetRequest, Hit, Narrow, Rule, Score, SearchError, SearchQuery,
    SearchResults, Snippet, Snippets, Sort, TextReading,
    meili::{filter, http::Http},
    text::{QueryText, cut},
};

/// Around marked words; private to whoever uses them, and not in cards.
const BEGIN: &str = "\u{e000}";
const END: &str = "\u{e001}";
/// How many words of a card a snippet has.
const SNIPPET_WORDS: usize = 36;

/// The fields that are asked for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Document {
    pub(crate) pk: i64,
    pub(crate) id: String,
}

/// A search of a request, with what it refers to.
struct Part {
    filter: String,
    facets: Vec<&'static str>,
}

/// Answers a query.
pub(crate) async fn search(
    client: &Client<Http>,
    index: &Index<Http>,
    query: &SearchQuery,
) -> Result<SearchResults, SearchError> {
    let text = QueryText::read(&query.text);
    let typed = words_of(&query.text);
    let mut any_word = false;
    let mut found = ask(client, index, query, &typed, MatchingStrategies::ALL).await?;
    if total(&found) == 0 && text.words.len() > 1 {
        found = ask(client, index, query, &typed, MatchingStrategies::LAST).await?;
        any_word = total(&found) > 0;
    }
    let facets = query.facets.iter().map(|request| counts(query, request, &found)).collect();
    let unknown = unknown(client, index, query).await?;
    let hits = found.first().map(|page| page.hits.iter().map(|hit| self::hit(query, hit)).collect()).unwrap_or_default();
    Ok(SearchResults {
        hits,
        total: total(&found),
        facets,
        text: TextReading { truncated: text.truncated, any_word, similar: false },
        unknown,
        suggestion: None,
    })
}

/// What is sent as text: bounded, without what Meilisearch reads as operators (quotes and minus signs).
pub(crate) fn words_of(typed: &str) -> String {
    let text = cut(typed, crate::MAX_QUERY_BYTES);
    let plain: String = text.chars().map(|c| if c.is_control() || matches!(c, '"' | '-') { ' ' } else { c }).collect();
    plain.split_whitespace().take(crate::MAX_QUERY_WORDS).collect::<Vec<_>>().join(" ")
}

fn own_clauses_are_left_out(query: &SearchQuery, request: &FacetRequest) -> bool {
    request.counting == Counting::WithoutOwnClauses
        && query.clauses.iter().any(|clause| clause.facet == request.facet && clause.rule == Rule::AnyOf)
}

/// Values whose counts may not be among the most frequent: those that are chosen or asked for by name.
fn named<'a>(query: &'a SearchQuery, request: &'a FacetRequest) -> Vec<&'a str> {
    let chosen = query.clauses.iter().filter(|clause| clause.facet == request.facet && clause.rule == Rule::AnyOf);
    let mut values: Vec<&str> = chosen.flat_map(|clause| &clause.values).map(String::as_str).collect();
    if let Narrow::Only(only) = &request.narrow {
        values.extend(only.iter().map(String::as_str));
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// The searches after the page itself, in the order in which [`counts`] reads them.
fn parts(query: &SearchQuery) -> Vec<Part> {
    let all = filter::conditions(query, None);
    let shared = query.facets.iter().filter(|request| !own_clauses_are_left_out(query, request));
    let mut parts = vec![Part { filter: all.clone(), facets: shared.map(|request| filter::field_of(request.facet)).collect() }];
    for request in &query.facets {
        let without = own_clauses_are_left_out(query, request);
        let conditions = if without { filter::conditions(query, Some(request.facet)) } else { all.clone() };
        if without {
            parts.push(Part { filter: conditions.clone(), facets: vec![filter::field_of(request.facet)] });
        }
        for value in named(query, request) {
            parts.push(Part { filter: format!("{conditions} AND {}", filter::has(request.facet, value)), facets: Vec::new() });
        }
    }
    parts
}

async fn ask(
    client: &Client<Http>,
    index: &Index<Http>,
    query: &SearchQuery,
    typed: &str,
    strategy: MatchingStrategies,
) -> Result<Vec<Found<Document>>, SearchError> {
    let parts = parts(query);
    let sort = sort_of(query);
    let sort: Vec<&str> = sort.iter().map(String::as_str).collect();
    let crop = [("card", Some(SNIPPET_WORDS))];
    let mut page = Query::new(index);
    page.with_query(typed)
        .with_filter(&parts[0].filter)
        .with_offset(query.offset)
        .with_limit(query.limit)
        .with_sort(&sort)
        .with_matching_strategy(strategy.clone())
        .with_attributes_to_retrieve(Selectors::Some(&["pk", "id"]))
        .with_show_ranking_score(true)
        .with_index_uid();
    if query.snippets == Snippets::Card {
        page.with_attributes_to_crop(Selectors::Some(&crop))
            .with_attributes_to_highlight(Selectors::Some(&["card"]))
            .with_highlight_pre_tag(BEGIN)
            .with_highlight_post_tag(END)
            .with_crop_marker("");
    }
    let mut request = client.multi_search();
    request.with_search_query(page.build());
    for part in &parts {
        let mut count = Query::new(index);
        // A page that is asked for by its number comes with an exact total.
        count
            .with_query(typed)
            .with_filter(&part.filter)
            .with_page(1)
            .with_hits_per_page(0)
            .with_facets(Selectors::Some(&part.facets))
            .with_matching_strategy(strategy.clone())
            .with_index_uid();
        request.with_search_query(count.build());
    }
    Ok(request.execute::<Document>().await?.results)
}

fn sort_of(query: &SearchQuery) -> Vec<String> {
    let field = match query.sort {
        Sort::Relevance if !query.text.is_empty() => return Vec::new(),
        Sort::Trending | Sort::Relevance => "trending",
        Sort::Downloads => "downloads",
        Sort::Likes => "likes",
        Sort::Created => "created",
        Sort::Updated => "updated",
        Sort::Size => "size",
        Sort::Parameters => "parameters",
    };
    let direction = match query.direction {
        Direction::Descending => "desc",
        Direction::Ascending => "asc",
    };
    vec![format!("{field}:{direction}"), format!("pk:{direction}")]
}

fn total(found: &[Found<Document>]) -> u64 {
    found.get(1).map_or(0, exact)
}

fn exact<T>(found: &Found<T>) -> u64 {
    found.total_hits.unwrap_or(0) as u64
}

fn hit(query: &SearchQuery, found: &SearchResult<Document>) -> Hit {
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
    let words = if query.text.is_empty() { 0.0 } else { found.ranking_score.unwrap_or(0.0) as f32 };
    Hit {
        pk: found.result.pk,
        id: found.result.id.clone(),
        score: Score { words, ..Score::default() },
        snippet: found.formatted_result.as_ref().and_then(snippet),
    }
}

fn snippet(formatted: &Map<String, Value>) -> Option<Snippet> {
    let marked = formatted.get("card")?.as_str()?;
    let mut snippet = Snippet { text: String::new(), marks: Vec::new() };
    let mut pieces = marked.split(BEGIN);
    snippet.text.push_str(pieces.next()?);
    for piece in pieces {
        let (word, rest) = piece.split_once(END)?;
        let start = snippet.text.len();
        snippet.text.push_str(word);
        snippet.marks.push(start..snippet.text.len());
        snippet.text.push_str(rest);
    }
    (!snippet.marks.is_empty()).then_some(snippet)
}

/// The counts of a facet, out of the searches of [`parts`], before which is the page.
fn counts(query: &SearchQuery, request: &FacetRequest, found: &[Found<Document>]) -> FacetCounts {
    let mut at = 2;
    for earlier in query.facets.iter().take_while(|earlier| !std::ptr::eq(*earlier, request)) {
        at += usize::from(own_clauses_are_left_out(query, earlier)) + named(query, earlier).len();
    }
    let mut listed_in = 1;
    if own_clauses_are_left_out(query, request) {
        listed_in = at;
        at += 1;
    }
    let names = named(query, request);
    let by_name: Vec<(String, u64)> = names
        .iter()
        .enumerate()
        .map(|(nth, value)| (request.facet.key(value).into_owned(), found.get(at + nth).map_or(0, exact)))
        .collect();
    let distribution = found.get(listed_in).and_then(|found| found.facet_distribution.as_ref()?.get(request.facet.as_str()));
    let counted = distribution.into_iter().flatten().map(|(value, count)| (filter::shown(value), *count as u64));
    FacetCounts { facet: request.facet, values: merge(query, request, counted.collect(), &by_name) }
}

fn merge(query: &SearchQuery, request: &FacetRequest, counted: Vec<(String, u64)>, by_name: &[(String, u64)]) -> Vec<FacetCount> {
    let chosen = |value: &str| {
        query.clauses.iter().any(|clause| {
            let same = |other: &String| request.facet.key(other) == request.facet.key(value);
            clause.facet == request.facet && clause.rule == Rule::AnyOf && clause.values.iter().any(same)
        })
    };
    let wanted = |value: &str| match &request.narrow {
        Narrow::Every => true,
        Narrow::Containing(part) => value.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
        Narrow::Only(only) => only.iter().any(|other| request.facet.key(other) == request.facet.key(value)),
    };
    let mut values: Vec<(String, u64)> = match &request.narrow {
        Narrow::Only(_) => by_name.iter().filter(|(value, _)| wanted(value)).cloned().collect(),
        Narrow::Every | Narrow::Containing(_) => {
            counted.into_iter().filter(|(value, count)| *count > 0 && wanted(value)).collect()
        }
    };
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(request.limit);
    let others: Vec<(String, u64)> =
        by_name.iter().filter(|(value, _)| chosen(value) && !values.iter().any(|(shown, _)| shown == value)).cloned().collect();
    values.extend(others);
    values.into_iter().map(|(value, count)| FacetCount { chosen: chosen(&value), value, count }).collect()
}

/// Values of `AnyOf` clauses that no document has at all.
async fn unknown(client: &Client<Http>, index: &Index<Http>, query: &SearchQuery) -> Result<Vec<(Facet, String)>, SearchError> {
    let clauses = query.clauses.iter().filter(|clause| clause.rule == Rule::AnyOf);
    let values: Vec<(Facet, &String)> =
        clauses.flat_map(|clause| clause.values.iter().map(|value| (clause.facet, value))).collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let filters: Vec<String> = values.iter().map(|(facet, value)| filter::has(*facet, value)).collect();
    let mut request = client.multi_search();
    for filter in &filters {
        let mut count = Query::new(index);
        count.with_filter(filter).with_page(1).with_hits_per_page(0).with_index_uid();
        request.with_search_query(count.build());
    }
    let found = request.execute::<Document>().await?.results;
    let unknown = values.into_iter().zip(found).filter(|(_, found)| exact(found) == 0);
    Ok(unknown.map(|((facet, value), _)| (facet, value.clone())).collect())
}
