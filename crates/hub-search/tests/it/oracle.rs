//! Random documents and queries, answered by the index and by a loop over all documents.

use std::collections::BTreeMap;

use hub_search::{
    Change, Clause, Counters, Counting, Direction, Facet, FacetRequest, Narrow, Number, Position, Range, RepoDoc, Rule,
    SearchQuery, Sort, TantivyIndex, Visible,
};
use hub_types::RepoType;
use proptest::{collection::vec, prelude::*};

use crate::corpus::{model, upserts};

/// How many documents, values and words are so many that other ways are gone: more than any limit of the index.
const MANY: i64 = 12_000;
const MANY_VALUES: u64 = 5_000;
const FACETS: [Facet; 3] = [Facet::Task, Facet::License, Facet::Author];
/// Some of whose members see some private documents, for which the owner's do not count.
const GROUP: &str = "group:-1";
const OWNERS: [&str; 4] = ["ada", "Bob", "carl", "dora"];
const VALUES: [&str; 5] = ["v0", "v1", "v2", "v3", "v4"];
const WORDS: [&str; 4] = ["alpha", "bravo", "delta", "gamma"];

type Parts = ((i64, usize, usize, bool, Vec<usize>), (Vec<usize>, Vec<usize>, u64, u64), (i64, i64, Option<u64>, i32));

fn documents() -> impl Strategy<Value = Vec<RepoDoc>> {
    let doc = (
        (0..40_i64, 0..3_usize, 0..OWNERS.len(), any::<bool>(), vec(0..WORDS.len(), 0..3)),
        (vec(0..VALUES.len(), 0..3), vec(0..VALUES.len(), 0..2), 0..4_u64, 0..3_u64),
        (0..5_i64, 0..5_i64, proptest::option::of(0..4_u64), -2..3_i32),
    );
    vec(doc, 0..60).prop_map(|docs| {
        let as_doc = |((pk, kind, owner, public, words), (tasks, licenses, downloads, likes), rest): Parts| {
            let (created, updated, parameters, trending) = rest;
            let mut doc: RepoDoc = model(pk, &format!("{}/n{pk}", OWNERS[owner]));
            let named = |ats: Vec<usize>| ats.into_iter().map(|at: usize| VALUES[at].to_owned()).collect();
            doc.kind = RepoType::WITH_GIT[kind];
            doc.public = public;
            doc.card = words.into_iter().map(|at: usize| WORDS[at]).collect::<Vec<_>>().join(" ");
            doc.facets = BTreeMap::from([(Facet::Task, named(tasks)), (Facet::License, named(licenses))]);
            doc.counters = Counters { trending: f64::from(trending) / 2.0, downloads, likes };
            if pk % 5 == 0 {
                doc.facets.insert(Facet::Audience, vec![GROUP.to_owned()]);
            }
            (doc.created, doc.updated, doc.parameters) = (created, updated, parameters);
            doc
        };
        docs.into_iter().map(as_doc).collect()
    })
}

fn clause() -> impl Strategy<Value = Clause> {
    (0..FACETS.len(), prop_oneof![3 => Just(Rule::AnyOf), 1 => Just(Rule::NoneOf)], vec(0..6_usize, 0..3)).prop_map(
        |(facet, rule, values)| {
            let facet = FACETS[facet];
            let value = |at: usize| match facet {
                Facet::Author => ["ADA", "bob", "carl", "dora", "nobody", "ada"][at].to_owned(),
                _ => format!("v{at}"),
            };
            Clause { facet, rule, values: values.into_iter().map(value).collect() }
        },
    )
}

fn query() -> impl Strategy<Value = SearchQuery> {
    let visible = prop_oneof![
        Just(Visible::Public),
        Just(Visible::All),
        (vec(0..OWNERS.len(), 0..3), any::<bool>()).prop_map(|(owners, in_group)| {
            let group = in_group.then(|| GROUP.to_owned());
            Visible::PublicAnd(owners.into_iter().map(|at| OWNERS[at].to_lowercase()).chain(group).collect())
        }),
    ];
    let sort = prop_oneof![
        Just(Sort::Trending),
        Just(Sort::Downloads),
        Just(Sort::Likes),
        Just(Sort::Created),
        Just(Sort::Updated),
        Just(Sort::Parameters),
    ];
    let range = (
        prop_oneof![Just(Number::Parameters), Just(Number::Downloads), Just(Number::Created), Just(Number::Updated)],
        proptest::option::of(0..4_i64),
        proptest::option::of(0..4_i64),
    )
        .prop_map(|(number, min, max)| Range { number, min, max });
    let request =
        (0..FACETS.len(), 0..5_usize, any::<bool>(), prop_oneof![3 => Just(None), 1 => Just(Some("1")), 1 => Just(Some("D"))])
            .prop_map(|(facet, limit, own, part): (_, _, _, Option<&str>)| FacetRequest {
                facet: FACETS[facet],
                limit,
                narrow: part.map_or(Narrow::Every, |part| Narrow::Containing(part.to_owned())),
                counting: if own { Counting::WithAllClauses } else { Counting::WithoutOwnClauses },
            });
    (
        (
            0..3_usize,
            visible,
            vec(clause(), 0..4),
            vec(range, 0..2),
            vec(request, 0..4),
            proptest::option::of(vec(0..40_i64, 0..20)),
        ),
        (sort, any::<bool>(), 0..6_usize, 0..8_usize, proptest::option::of(0..WORDS.len())),
    )
        .prop_map(|((kind, visible, clauses, ranges, facets, only), (sort, up, offset, limit, word))| SearchQuery {
            text: word.map_or_else(String::new, |at| WORDS[at].to_owned()),
            visible,
            clauses,
            ranges,
            only,
            facets,
            sort,
            direction: if up { Direction::Ascending } else { Direction::Descending },
            offset,
            limit,
            ..SearchQuery::new(RepoType::WITH_GIT[kind])
        })
}

/// The values of a facet, of authors folded.
fn values(doc: &RepoDoc, facet: Facet) -> Vec<String> {
    match facet {
        Facet::Author => vec![doc.id.namespace().to_lowercase()],
        _ => doc.facets.get(&facet).cloned().unwrap_or_default(),
    }
}

fn holds(doc: &RepoDoc, clause: &Clause) -> bool {
    let any = clause.values.iter().any(|value| {
        values(doc, clause.facet).contains(&match clause.facet {
            Facet::Author => value.to_lowercase(),
            _ => value.clone(),
        })
    });
    any == (clause.rule == Rule::AnyOf)
}

fn number(doc: &RepoDoc, number: Number) -> Option<i64> {
    match number {
        Number::Created => Some(doc.created),
        Number::Updated => Some(doc.updated),
        Number::Size => Some(doc.size_bytes.cast_signed()),
        Number::Parameters => doc.parameters.map(u64::cast_signed),
        Number::Rows => doc.rows.map(u64::cast_signed),
        Number::Downloads => Some(doc.counters.downloads.cast_signed()),
        Number::Likes => Some(doc.counters.likes.cast_signed()),
    }
}

fn within(doc: &RepoDoc, range: &Range) -> bool {
    number(doc, range.number).is_some_and(|n| range.min.is_none_or(|min| min <= n) && range.max.is_none_or(|max| n <= max))
}

fn visible(doc: &RepoDoc, visible: &Visible) -> bool {
    match visible {
        Visible::Public => doc.public,
        Visible::PublicAnd(audiences) if doc.facets.contains_key(&Facet::Audience) => {
            doc.public || audiences.iter().any(|audience| audience == GROUP)
        }
        Visible::PublicAnd(owners) => doc.public || owners.contains(&doc.id.namespace().to_lowercase()),
        Visible::All => true,
    }
}

fn fits<'a>(docs: &'a BTreeMap<i64, RepoDoc>, query: &SearchQuery, without: Option<Facet>) -> Vec<&'a RepoDoc> {
    docs.values()
        .filter(|doc| doc.kind == query.kind && visible(doc, &query.visible))
        .filter(|doc| query.text.is_empty() || doc.card.split(' ').any(|word| word == query.text))
        .filter(|doc| {
            query
                .clauses
                .iter()
                .filter(|clause| clause.rule == Rule::NoneOf || Some(clause.facet) != without)
                .all(|clause| holds(doc, clause))
        })
        .filter(|doc| query.ranges.iter().all(|range| within(doc, range)))
        .filter(|doc| query.only.as_ref().is_none_or(|only| only.contains(&doc.pk)))
        .collect()
}

fn sorted(mut docs: Vec<&RepoDoc>, query: &SearchQuery) -> Vec<i64> {
    let key = |doc: &RepoDoc| match query.sort {
        #[expect(clippy::cast_possible_truncation, reason = "halves below 3")]
        Sort::Trending | Sort::Relevance => Some((doc.counters.trending * 2.0) as i64),
        Sort::Downloads => number(doc, Number::Downloads),
        Sort::Likes => number(doc, Number::Likes),
        Sort::Created => number(doc, Number::Created),
        Sort::Updated => number(doc, Number::Updated),
        Sort::Size => number(doc, Number::Size),
        Sort::Parameters => number(doc, Number::Parameters),
    };
    docs.sort_by_key(|doc| {
        let sign = if query.direction == Direction::Ascending { 1 } else { -1 };
        (key(doc).is_none(), key(doc).map(|key| sign * key), sign * doc.pk)
    });
    docs.into_iter().skip(query.offset).take(query.limit).map(|doc| doc.pk).collect()
}

fn counts(docs: &BTreeMap<i64, RepoDoc>, query: &SearchQuery, request: &FacetRequest) -> Vec<(String, u64)> {
    let without = (request.counting == Counting::WithoutOwnClauses).then_some(request.facet);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for doc in fits(docs, query, without) {
        let mut own = values(doc, request.facet);
        own.sort();
        own.dedup();
        for value in own {
            *counts.entry(value).or_default() += 1;
        }
    }
    if let Narrow::Containing(part) = &request.narrow {
        counts.retain(|value, _| value.to_lowercase().contains(&part.to_lowercase()));
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(request.limit);
    counts
}

fn compare(index: &TantivyIndex, docs: &BTreeMap<i64, RepoDoc>, query: &SearchQuery) -> Result<(), TestCaseError> {
    let results = index.search(query).unwrap();
    let fitting = fits(docs, query, None);
    prop_assert_eq!(results.total, fitting.len() as u64, "{:?}", query);
    let pks: Vec<i64> = results.hits.iter().map(|hit| hit.pk).collect();
    prop_assert_eq!(pks, sorted(fitting, query), "{:?}", query);
    for (request, found) in query.facets.iter().zip(&results.facets) {
        let expected = counts(docs, query, request);
        // Owners are shown as the first of them was typed, by which ties go; here they are folded.
        let mut listed: Vec<(String, u64)> = found.values[..expected.len().min(found.values.len())]
            .iter()
            .map(|count| {
                (if request.facet == Facet::Author { count.value.to_lowercase() } else { count.value.clone() }, count.count)
            })
            .collect();
        listed.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if request.facet == Facet::Author {
            let number = |list: &[(String, u64)]| list.iter().map(|(_, count)| *count).collect::<Vec<_>>();
            prop_assert_eq!(number(&listed), number(&expected), "{:?}", query);
        } else {
            prop_assert_eq!(listed, expected, "{:?}", query);
        }
        prop_assert!(found.values.len() <= request.limit || found.values[request.limit..].iter().all(|count| count.chosen));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn answers_are_those_of_a_loop_over_everything(
        first in documents(),
        second in documents(),
        gone in vec(0..40_i64, 0..10),
        counted in vec((0..40_i64, 0..9_u64), 0..10),
        queries in vec(query(), 24),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(folder.path()).unwrap();
        let mut docs = BTreeMap::new();
        let mut position = 0;
        for batch in [first, second] {
            docs.extend(batch.iter().map(|doc| (doc.pk, doc.clone())));
            position += 1;
            index.apply(&upserts(batch), Position(position)).unwrap();
        }
        index.apply(&gone.iter().map(|pk| Change::Delete(*pk)).collect::<Vec<_>>(), Position(9)).unwrap();
        docs.retain(|pk, _| !gone.contains(pk));
        let counted: Vec<(i64, Counters)> =
            counted.into_iter().map(|(pk, n)| (pk, Counters { trending: 1.5, downloads: n, likes: n })).collect();
        // What is kept of these answers must not outlive what they depend on.
        for query in &queries {
            compare(&index, &docs, query)?;
        }
        index.update_counters(&counted).unwrap();
        for (pk, counters) in counted {
            if let Some(doc) = docs.get_mut(&pk) {
                doc.counters = counters;
            }
        }
        for query in &queries {
            compare(&index, &docs, query)?;
        }
        drop(index);
        let index = TantivyIndex::open(folder.path()).unwrap();
        for query in &queries {
            compare(&index, &docs, query)?;
        }
    }
}

/// A document of many: the smaller the number of a value, the more documents have it.
fn one_of_many(pk: i64, round: u64) -> RepoDoc {
    let mut seed = pk.cast_unsigned() * 4 + round + 1;
    let mut below = |max: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % max
    };
    let mut doc = model(pk, &format!("{}/n{pk}", OWNERS[if below(50) == 0 { 0 } else { 1 + below(3) as usize }]));
    doc.kind = RepoType::WITH_GIT[usize::from(below(10) == 0)];
    doc.public = below(20) > 0;
    doc.card = WORDS.iter().filter(|_| below(3) > 0).copied().collect::<Vec<_>>().join(" ");
    let rare = |random: u64| MANY_VALUES * random / 100_000 * random / 100_000;
    let tags = (0..4).map(|_| format!("t{}", rare(below(100_000)))).collect();
    doc.facets = BTreeMap::from([
        (Facet::Task, vec![VALUES[(rare(below(100_000)) / 1_100) as usize].to_owned()]),
        (Facet::License, vec![VALUES[below(3) as usize].to_owned()]),
        (Facet::Tag, tags),
    ]);
    if below(4) == 0 {
        doc.facets.insert(Facet::BaseModel, vec![format!("b{}", rare(below(100_000)))]);
    }
    doc.counters = Counters { trending: 0.0, downloads: below(5), likes: below(100) };
    doc.parameters = (below(2) == 0).then(|| below(10));
    doc
}

fn queries_of_many() -> Vec<SearchQuery> {
    let any_of = |facet, values: &[&str]| Clause {
        facet,
        rule: Rule::AnyOf,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let conditions = [
        vec![],
        vec![any_of(Facet::Task, &["v4"])],
        vec![any_of(Facet::Task, &["v0", "v2"]), any_of(Facet::License, &["v1"])],
        vec![any_of(Facet::Author, &["ADA"])],
        vec![any_of(Facet::Tag, &["t0", "t1"]), Clause { rule: Rule::NoneOf, ..any_of(Facet::License, &["v0"]) }],
    ];
    let containing = FacetRequest { narrow: Narrow::Containing("7".to_owned()), ..FacetRequest::top(Facet::Tag, 10) };
    let all = FacetRequest { counting: Counting::WithAllClauses, ..FacetRequest::top(Facet::Task, 4) };
    let facets = [Facet::Task, Facet::License, Facet::Tag, Facet::BaseModel].map(|facet| FacetRequest::top(facet, 12));
    let facets: Vec<_> = facets.into_iter().chain([containing, all, FacetRequest::top(Facet::BaseModel, 3_000)]).collect();
    let mut queries = Vec::new();
    for (at, clauses) in conditions.iter().enumerate() {
        for visible in [Visible::Public, Visible::PublicAnd(vec!["ada".to_owned()]), Visible::All] {
            for text in ["", "alpha"] {
                let range = Range { number: Number::Parameters, min: Some(2), max: Some(8) };
                let ranges = if at % 2 == 1 { vec![range] } else { Vec::new() };
                queries.push(SearchQuery {
                    text: text.to_owned(),
                    clauses: clauses.clone(),
                    ranges,
                    visible: visible.clone(),
                    sort: Sort::Likes,
                    facets: facets.clone(),
                    ..SearchQuery::new(RepoType::Model)
                });
            }
        }
    }
    queries
}

#[test]
fn answers_about_many_are_those_of_a_loop_too() {
    let folder = tempfile::tempdir().unwrap();
    let index = std::sync::Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let mut docs: BTreeMap<i64, RepoDoc> = (0..MANY).map(|pk| (pk, one_of_many(pk, 0))).collect();
    let rebuild = std::sync::Arc::clone(&index).rebuild().unwrap();
    rebuild.add(&docs.values().cloned().collect::<Vec<_>>()).unwrap();
    rebuild.finish(Position(1)).unwrap();
    let compare_all = |index: &TantivyIndex, docs: &BTreeMap<i64, RepoDoc>| {
        for query in queries_of_many() {
            compare(index, docs, &query).unwrap();
        }
    };
    compare_all(&index, &docs);
    let changed: BTreeMap<i64, RepoDoc> = (0..MANY).step_by(9).map(|pk| (pk, one_of_many(pk, 1))).collect();
    let gone: Vec<i64> = (0..MANY).step_by(20).collect();
    index.apply(&upserts(changed.values().cloned()), Position(2)).unwrap();
    index.apply(&gone.iter().map(|pk| Change::Delete(*pk)).collect::<Vec<_>>(), Position(3)).unwrap();
    docs.extend(changed);
    docs.retain(|pk, _| !gone.contains(pk));
    compare_all(&index, &docs);
    drop(index);
    compare_all(&TantivyIndex::open(folder.path()).unwrap(), &docs);
}
