//! Answering questions from one state of the index.

use std::cell::LazyCell;

use hub_types::RepoType;
use tantivy::{DocSet, TantivyDocument, schema::IndexRecordOption};

use crate::{
    Direction, Facet, FacetCounts, Hit, Score, SearchError, SearchQuery, SearchResults, Snippet, Snippets, Sort, SuggestQuery,
    Suggestion, TextReading,
    embedded::{
        bits::Bits,
        columns::{Columns, kind_index},
        counting,
        dictionary::Dictionary,
        docs::Docs,
        filter::Filter,
        generation::State,
        matching::{Matcher, Matches},
        names,
        rank::{self, Largest, MostUsed, Named, Page, Smallest},
        recent::CountsKey,
        schema::Fields,
        snippet,
    },
    text::QueryText,
};

/// Answers a query.
///
/// # Errors
/// If the index cannot be read.
pub(crate) fn search(state: &State, fields: &Fields, query: &SearchQuery) -> Result<SearchResults, SearchError> {
    let Some(kind) = kind_index(query.kind) else { return Ok(SearchResults::default()) };
    let State { columns, segments } = state;
    let text = QueryText::read(&query.text);
    let mut filter = Filter::of(columns, kind, query);
    let matches = if text.is_empty() {
        None
    } else {
        let matcher = Matcher { segments, fields: &fields.text };
        let allowed = columns.visible(kind, &query.visible);
        Some(matcher.find(&text, &allowed, Named::of(columns, &text))?)
    };
    if let Some(matches) = &matches {
        filter.restrict(&matches.docs);
    }
    let docs = filter.docs();
    let total = docs.len();
    let ords = page(columns, kind, &docs, query, matches.as_ref());
    let suggestion = match &matches {
        Some(_) if total == 0 => suggestion(&Dictionary { segments, fields: &fields.text }, &text)?,
        _ => None,
    };
    let mut hits = Vec::with_capacity(ords.len());
    for ord in ords {
        let Some(entry) = columns.entry(ord) else { continue };
        let score = matches.as_ref().map_or_else(Score::default, |matches| rank::terms(columns, ord, &text, matches.score(ord)));
        let snippet = match query.snippets {
            Snippets::Card if !text.is_empty() => snippet_of(state, fields, entry.pk, &text)?,
            Snippets::Card | Snippets::None => None,
        };
        hits.push(Hit { pk: entry.pk, id: entry.id.to_string(), score, snippet });
    }
    Ok(SearchResults {
        hits,
        total,
        facets: counts(state, kind, query, &filter, &docs, total)?,
        text: TextReading {
            truncated: text.truncated,
            any_word: matches.as_ref().is_some_and(|matches| matches.any_word),
            similar: matches.as_ref().is_some_and(Matches::similar),
        },
        unknown: filter.unknown,
        suggestion,
    })
}

fn counts(
    state: &State,
    kind: usize,
    query: &SearchQuery,
    filter: &Filter,
    docs: &Bits,
    total: u64,
) -> Result<Vec<FacetCounts>, SearchError> {
    let State { columns, segments } = state;
    let count = || counting::count(columns, kind, query, filter, docs, total);
    // Counts of everything are there, and lists of keys are long.
    if query.facets.is_empty() || filter.is_open() || query.only.is_some() {
        return Ok(count());
    }
    let counted = segments.recent_counts.get(CountsKey::of(columns, query), || Ok(count()))?;
    Ok(counted.to_vec())
}

fn page(columns: &Columns, kind: usize, docs: &Bits, query: &SearchQuery, matches: Option<&Matches>) -> Vec<u32> {
    let SearchQuery { sort, direction, offset, limit, .. } = *query;
    let page = Page { direction, offset, limit };
    match (matches, sort) {
        (Some(matches), Sort::Relevance) => rank::best_matches(columns, docs, matches, page),
        _ => {
            let column = columns.numbers.sorted_by(sort);
            match direction {
                Direction::Descending => columns
                    .heads
                    .page(columns, kind, docs, sort, offset, limit)
                    .unwrap_or_else(|| rank::page(columns, docs, &Largest(column), page)),
                Direction::Ascending => rank::page(columns, docs, &Smallest(column), page),
            }
        }
    }
}

/// The text with each unknown word replaced by the most frequent similar one; nothing if no word is.
fn suggestion(dictionary: &Dictionary<'_>, text: &QueryText) -> Result<Option<String>, SearchError> {
    let mut words = Vec::new();
    let mut is_other = false;
    for word in text.words.iter().filter(|word| !word.whole.is_empty()) {
        let corrected = dictionary.correction(&word.whole)?;
        is_other |= corrected.is_some();
        words.push(corrected.unwrap_or_else(|| word.whole.clone()));
    }
    Ok(is_other.then(|| words.join(" ")))
}

fn snippet_of(state: &State, fields: &Fields, pk: i64, text: &QueryText) -> Result<Option<Snippet>, SearchError> {
    let key = fields.key(pk);
    for segment in &state.segments.list {
        let inverted = segment.reader.inverted_index(fields.pk)?;
        let Some(mut postings) = inverted.read_postings(&key, IndexRecordOption::Basic)? else { continue };
        let alive = segment.reader.alive_bitset();
        while postings.doc() != tantivy::TERMINATED {
            if alive.is_none_or(|alive| alive.is_alive(postings.doc())) {
                let document: TantivyDocument = segment.reader.get_store_reader(1)?.get(postings.doc())?;
                return Ok(snippet::passage(fields.card(&document), text));
            }
            postings.advance();
        }
    }
    Ok(None)
}

/// Repositories whose name goes on like what was typed, or has its words, the most used first, for each kind.
///
/// # Errors
/// If the index cannot be read.
pub(crate) fn suggest(state: &State, fields: &Fields, query: &SuggestQuery) -> Result<Vec<Suggestion>, SearchError> {
    let State { columns, .. } = state;
    let text = QueryText::read(&query.text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let named = LazyCell::new(|| named(columns, query, &text));
    let visible_of: Vec<Bits> = (0..RepoType::WITH_GIT.len()).map(|kind| columns.visible(kind, &query.visible)).collect();
    let mut by_words: Option<Matches> = None;
    let mut suggestions = Vec::new();
    for (kind, (repo_type, visible)) in RepoType::WITH_GIT.into_iter().zip(&visible_of).enumerate() {
        let fits =
            |ord| visible.contains(ord) && columns.entry(ord).is_some_and(|entry| names::starts_with(entry.name(), &text.name));
        // What many names begin with, some of the most used do, too.
        let head = text.owner.is_none().then(|| columns.heads.most_used(columns, kind, query.limit, fits)).flatten();
        let best = head.unwrap_or_else(|| {
            let key = MostUsed(&columns.popularity);
            let mut found = visible.clone();
            found.retain(&named);
            rank::page(columns, &found, &key, best_of(query.limit))
        });
        let wanted = query.limit - best.len();
        suggestions.extend(best.iter().filter_map(|ord| suggestion_of(columns, *ord, repo_type)));
        if wanted > 0 && text.name.len() > 1 {
            let found = match by_words.take() {
                Some(found) => found,
                None => others(state, fields, &text, &all(&visible_of), &named)?,
            };
            if !found.any_word {
                let mut docs = found.docs.clone();
                docs.retain(visible);
                let ords = rank::best_matches(columns, &docs, &found, best_of(wanted));
                suggestions.extend(ords.into_iter().filter_map(|ord| suggestion_of(columns, ord, repo_type)));
            }
            by_words = Some(found);
        }
    }
    Ok(suggestions)
}

const fn best_of(limit: usize) -> Page {
    Page { direction: Direction::Descending, offset: 0, limit }
}

fn all(sets: &[Bits]) -> Bits {
    let mut all = Bits::default();
    sets.iter().for_each(|set| all.extend(set));
    all
}

/// Repositories that have the words in other places than where the name begins, of all kinds in one go.
fn others(state: &State, fields: &Fields, text: &QueryText, visible: &Bits, named: &Bits) -> Result<Matches, SearchError> {
    let State { segments, .. } = state;
    // Without the card, in which everything is mentioned.
    let matcher = Matcher { segments, fields: &fields.text[..2] };
    let mut allowed = visible.clone();
    allowed.exclude(named);
    matcher.find(text, &allowed, Named::default())
}

/// Repositories whose name, and owner if there is one, goes on like what was typed.
fn named(columns: &Columns, query: &SuggestQuery, text: &QueryText) -> Bits {
    match &text.owner {
        Some(_) if text.name.is_empty() => {
            let owner = query.text.split('/').next().unwrap_or_default().trim();
            columns.column(Facet::Author).docs_of(Facet::Author, owner).map(Docs::to_bits).unwrap_or_default()
        }
        Some(_) => {
            let fits = |ord: &u32| columns.entry(*ord).is_some_and(|entry| rank::name_score(entry, text) > 0.0);
            columns.named(&text.name).filter(fits).collect()
        }
        None => columns.named(&text.name).collect(),
    }
}

fn suggestion_of(columns: &Columns, ord: u32, kind: RepoType) -> Option<Suggestion> {
    columns.entry(ord).map(|entry| Suggestion { pk: entry.pk, kind, id: entry.id.to_string() })
}
