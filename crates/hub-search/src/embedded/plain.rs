//! The same answers, worked out document by document: what is kept, looked up and left out to be quick changes none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hub_types::RepoType;
use tantivy::{DocSet, TERMINATED, Term, fieldnorm::FieldNormReader, postings::Postings, schema::IndexRecordOption};

use crate::{
    Change, Clause, Counting, Facet, FacetRequest, Position, RepoDoc, Rule, Score, SearchQuery, Sort, Visible,
    document::popularity,
    embedded::{
        dictionary::{Dictionary, IndexedWord, Meaning},
        generation::{Generation, LIVE, State},
        rank,
        schema::Fields,
        search,
    },
    synth::Synth,
    text::QueryText,
};

type Fits = HashMap<(usize, Vec<u8>), HashMap<u32, f32>>;

/// BM25 of an indexed word, without its rarity, by ordinal.
fn fits(state: &State, fields: &Fields, word: &IndexedWord) -> HashMap<u32, f32> {
    let field = &fields.text[word.field];
    let segments = &state.segments.list;
    let words: u64 = segments.iter().map(|segment| segment.fields[word.field].inverted.total_num_tokens()).sum();
    let texts: u64 = segments.iter().map(|segment| u64::from(segment.reader.max_doc())).sum();
    #[expect(clippy::cast_precision_loss, reason = "statistics")]
    let usual = (words as f32 / texts.max(1) as f32).max(1.0);
    let term = Term::from_field_text(field.field, std::str::from_utf8(&word.word).unwrap());
    let mut found = HashMap::new();
    for segment in segments {
        let norms = segment.reader.get_fieldnorms_reader(field.field).unwrap();
        let inverted = &segment.fields[word.field].inverted;
        let Some(mut postings) = inverted.read_postings(&term, IndexRecordOption::WithFreqs).unwrap() else { continue };
        while postings.doc() != TERMINATED {
            let doc = postings.doc();
            if segment.reader.alive_bitset().is_none_or(|alive| alive.is_alive(doc)) {
                #[expect(clippy::cast_precision_loss, reason = "statistics")]
                let len = FieldNormReader::id_to_fieldnorm(norms.fieldnorm_id(doc)) as f32;
                #[expect(clippy::cast_precision_loss, reason = "a few")]
                let times = if field.repetition { postings.term_freq() as f32 } else { 1.0 };
                let norm = 1.2 * (1.0 - field.length + field.length * len / usual);
                found.insert(segment.kept.ords[doc as usize], times * 2.2 / (times + norm));
            }
            postings.advance();
        }
    }
    found
}

/// What a document's words are worth, and whether it has the ones that are wanted.
fn words_of(state: &State, fields: &Fields, meanings: &[Meaning], all_fits: &Fits, ord: u32, all: bool) -> (f32, bool) {
    let fit = |word: &IndexedWord| all_fits[&(word.field, word.word.clone())].get(&ord).copied();
    let worth =
        |word: &IndexedWord, fit: f32| state.segments.rarity(word.docs) * fields.text[word.field].weight * word.worth * fit;
    let (mut score, mut count) = (0.0, 0);
    for meaning in meanings {
        let mut has = false;
        let mut add = |words: &[IndexedWord]| {
            for word in words {
                if let Some(fit) = fit(word) {
                    has = true;
                    score += worth(word, fit);
                }
            }
        };
        add(&meaning.any);
        if let Some((first, others)) = meaning.all.split_first()
            && others.iter().all(|part| part.iter().any(|word| fit(word).is_some()))
        {
            add(first);
        }
        count += usize::from(has);
        if all && !has {
            break;
        }
    }
    (score, if all { count == meanings.len() } else { count > 0 })
}

struct Plain<'a> {
    state: &'a State,
    fields: &'a Fields,
    docs: &'a BTreeMap<i64, RepoDoc>,
}

impl Plain<'_> {
    /// The scores of all that have the words, whatever the other conditions but who sees it.
    fn matching(&self, query: &SearchQuery) -> (BTreeMap<i64, Score>, bool) {
        let Self { state, fields, docs } = self;
        let text = QueryText::read(&query.text);
        let dictionary = Dictionary { segments: &state.segments, fields: &fields.text };
        let mut meanings: Vec<Meaning> = text.words.iter().map(|word| dictionary.meaning(word).unwrap()).collect();
        meanings.sort_by_key(Meaning::docs);
        let words = meanings.iter().flat_map(|meaning| meaning.any.iter().chain(meaning.all.iter().flatten()));
        let all_fits: Fits = words.map(|word| ((word.field, word.word.clone()), fits(state, fields, word))).collect();
        let scored = |all: bool| {
            let mut found = BTreeMap::new();
            for doc in docs.values().filter(|doc| doc.kind == query.kind && is_visible(doc, &query.visible)) {
                let ord = state.columns.ord_of(doc.pk).unwrap();
                let (words, has) = words_of(state, fields, &meanings, &all_fits, ord, all);
                let entry = state.columns.entry(ord).unwrap();
                let name = if all && text.name.len() > 1 { rank::name_score(entry, &text) } else { 0.0 };
                if has || name > 0.0 {
                    found.insert(doc.pk, Score { words, popularity: popularity(&doc.counters), name });
                }
            }
            found
        };
        let found = scored(true);
        if found.is_empty() && meanings.len() > 1 { (scored(false), true) } else { (found, false) }
    }

    fn check(&self, query: &SearchQuery) {
        let (matching, any_word) = self.matching(query);
        let fits = |without: Option<Facet>| {
            let clauses = query.clauses.iter().filter(move |clause| clause.rule == Rule::NoneOf || Some(clause.facet) != without);
            matching.iter().filter(move |(pk, _)| clauses.clone().all(|clause| holds(&self.docs[pk], clause)))
        };
        let mut expected: Vec<(i64, Score)> = fits(None).map(|(pk, score)| (*pk, *score)).collect();
        let total = expected.len();
        let sum =
            |score: &Score| if any_word { score.words + score.popularity } else { score.words + score.name + score.popularity };
        expected.sort_by(|a, b| sum(&b.1).total_cmp(&sum(&a.1)).then(b.0.cmp(&a.0)));
        let found = search::search(self.state, self.fields, query).unwrap();
        assert_eq!((found.total, found.text.any_word), (total as u64, any_word), "{query:?}");
        let hits: Vec<i64> = found.hits.iter().map(|hit| hit.pk).collect();
        let page: Vec<&(i64, Score)> = expected.iter().skip(query.offset).take(query.limit).collect();
        assert_eq!(hits, page.iter().map(|(pk, _)| *pk).collect::<Vec<_>>(), "{query:?}");
        for (hit, (_, score)) in found.hits.iter().zip(page) {
            assert_eq!((hit.score.words, hit.score.popularity), (score.words, score.popularity), "{query:?}");
        }
        for (request, counts) in query.facets.iter().zip(&found.facets) {
            let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
            for (pk, _) in fits((request.counting == Counting::WithoutOwnClauses).then_some(request.facet)) {
                let own: BTreeSet<&String> = self.docs[pk].facets.get(&request.facet).into_iter().flatten().collect();
                own.into_iter().for_each(|value| *numbers.entry(value).or_default() += 1);
            }
            let mut numbers: Vec<(&str, u64)> = numbers.into_iter().collect();
            numbers.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            numbers.truncate(request.limit);
            let counted = counts.values.iter().take(numbers.len()).map(|count| (count.value.as_str(), count.count));
            assert_eq!(counted.collect::<Vec<_>>(), numbers, "{query:?}");
        }
    }
}

fn is_visible(doc: &RepoDoc, visible: &Visible) -> bool {
    match visible {
        Visible::Public => doc.public,
        Visible::PublicAnd(owners) => doc.public || owners.iter().any(|owner| *owner == doc.id.namespace().to_lowercase()),
        Visible::All => true,
    }
}

fn holds(doc: &RepoDoc, clause: &Clause) -> bool {
    let has = doc.facets.get(&clause.facet).into_iter().flatten().any(|value| clause.values.contains(value));
    has == (clause.rule == Rule::AnyOf)
}

/// A question about one of the documents: some of what it is called and has, some of it unfinished or mistyped.
fn question(docs: &BTreeMap<i64, RepoDoc>, seed: u64) -> SearchQuery {
    let mut state = seed;
    let mut below = |max: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % max
    };
    let doc = docs.values().nth(below(docs.len())).unwrap();
    let card: Vec<&str> = doc.card.split_whitespace().collect();
    let parts: Vec<&str> = doc.id.name().split('-').collect();
    let text = match below(8) {
        0 => doc.id.to_string(),
        1 => doc.id.name().to_owned(),
        2 => format!("{} {} ", parts[0], card[below(card.len())]),
        3 => parts[0][..parts[0].len().min(3)].to_owned(),
        4 => format!("{} ", card[below(card.len())]),
        5 => format!("{} {}", card[below(card.len())], card[below(card.len())]),
        6 => format!("{}x{} ", &parts[0][..1], &parts[0][1..]),
        _ => format!("{} xyzzyx ", parts[0]),
    };
    let viewer = doc.id.namespace().to_lowercase();
    let mut clauses = Vec::new();
    for facet in [Facet::Task, Facet::License, Facet::Library] {
        if below(4) == 0 {
            let rule = if below(4) == 0 { Rule::NoneOf } else { Rule::AnyOf };
            clauses.push(Clause { facet, rule, values: doc.facets.get(&facet).cloned().unwrap_or_default() });
        }
    }
    SearchQuery {
        clauses,
        text,
        visible: [Visible::Public, Visible::PublicAnd(vec![viewer]), Visible::All][below(3)].clone(),
        sort: Sort::Relevance,
        offset: below(3) * 7,
        limit: below(40),
        facets: [Facet::Task, Facet::License, Facet::Language, Facet::Library, Facet::Tag]
            .map(|of| FacetRequest::top(of, 12))
            .to_vec(),
        ..SearchQuery::new(if below(5) == 0 { RepoType::WITH_GIT[below(3)] } else { doc.kind })
    }
}

#[test]
fn words_find_and_rank_what_a_loop_over_everything_does() {
    let folder = tempfile::tempdir().unwrap();
    let generation = Generation::create(&folder.path().join("index"), LIVE).unwrap();
    let synth = Synth::new(3);
    let mut docs: BTreeMap<i64, RepoDoc> = BTreeMap::new();
    for round in 0..3_u64 {
        // Some are new, some changed, some gone; private ones are many.
        let fresh = (0..900_u64).map(|n| {
            let number = round * 600 + n;
            let kind = RepoType::WITH_GIT[if number % 4 == 0 { number as usize % 3 } else { 0 }];
            RepoDoc { public: number % 5 > 0, ..synth.repo(kind, number.cast_signed(), number + 10_000 * round) }
        });
        let fresh: Vec<RepoDoc> = fresh.collect();
        let mut changes: Vec<Change> = fresh.iter().cloned().map(|doc| Change::Upsert(Box::new(doc))).collect();
        docs.extend(fresh.into_iter().map(|doc| (doc.pk, doc)));
        let gone: Vec<i64> = docs.keys().copied().filter(|pk| pk % 11 == round.cast_signed()).collect();
        changes.extend(gone.iter().map(|pk| Change::Delete(*pk)));
        docs.retain(|pk, _| !gone.contains(pk));
        generation.apply(&changes, Position(round.cast_signed())).unwrap();
        let state = generation.state().unwrap();
        let plain = Plain { state: &state, fields: &generation.fields, docs: &docs };
        for seed in 0..40 {
            // The same words are asked for again before others were, and after.
            for seed in [seed, seed, seed / 2] {
                plain.check(&question(&docs, seed + 1_000 * round));
            }
        }
    }
}
