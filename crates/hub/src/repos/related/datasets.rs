//! Which dataset for a model.

use std::collections::HashMap;

use hub_cards::known;
use hub_search::{Clause, Counting, Facet, FacetRequest, Narrow, SearchQuery};
use hub_types::RepoType;

use super::fields::{About, fields_of};
use super::{Suggested, any_of, best_first, downloads, listed, most_used, tagged};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::licences::follows::{Part, Use, Weight, consequences};
use crate::repos::licence_chain::licences_of;
use crate::repos::listing::{self, Columns, ListedRepo};
use crate::repos::queries::listing::list_by_names;
use crate::repos::visibility;
use crate::search::terms::{Term, magnitude};
use crate::search::visible_to;

/// How many datasets are looked at that a group of models declares.
const DECLARED: usize = 60;
/// How many datasets are looked at because of what they are for.
const FITTING: usize = 40;

/// What is done with the datasets that the model's own card names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// They are known already, and left out.
    LeftOut,
    /// They are judged like others, as if the card did not name them: to measure how well they are found.
    Judged,
}

/// Models whose choice of data says something about this one.
struct Siblings {
    /// What they are, after "models".
    are: &'static str,
    clauses: Vec<Clause>,
    /// What each doubling of their number adds, in hundredths.
    weight: f64,
    /// Whether the model itself is one of them, whose own choice must not count.
    has_itself: bool,
}

/// Datasets for a model, best first.
///
/// # Errors
/// 503 while there is no index; the database does not answer.
pub async fn datasets_for(app: &App, viewer: &Viewer, model: &ListedRepo, own: Own, limit: usize) -> HubResult<Vec<Suggested>> {
    let declared: Vec<String> = listed(model, "datasets").iter().map(|id| id.to_lowercase()).collect();
    let evidence = evidence(app, viewer, model, &declared).await?;
    let about = fields_of(model);
    let mut rows = candidates(app, viewer, model, &evidence, &about).await?;
    rows.sort_by_key(|row| row.repo_pk);
    rows.dedup_by_key(|row| row.repo_pk);
    let model = model.clone();
    let score = move || {
        let scored = rows.into_iter().filter_map(|row| {
            let id = row.id().to_lowercase();
            if own == Own::LeftOut && declared.contains(&id) {
                return None;
            }
            let mut terms = evidence.get(&id).cloned().unwrap_or_default();
            terms.extend(fitting(&model, &about, &row));
            // What says no more than "it is a dataset" is no reason.
            if terms.is_empty() {
                return None;
            }
            terms.extend(besides(&model, &row));
            Some(Suggested { repo: row, terms })
        });
        best_first(scored.collect(), limit)
    };
    // Some hundred texts are looked through for the words of all fields.
    Ok(tokio::task::spawn_blocking(score).await?)
}

fn groups(model: &ListedRepo) -> Vec<Siblings> {
    let mut groups = Vec::new();
    let mut add = |are, weight, clauses, has_itself| groups.push(Siblings { are, clauses, weight, has_itself });
    let bases = listed(model, "base_models");
    if !bases.is_empty() {
        add("with the same base", 2.0, vec![any_of(Facet::BaseModel, bases)], true);
    }
    add("made from this one", 2.0, vec![any_of(Facet::BaseModel, vec![model.id()])], false);
    if let Some(task) = &model.pipeline_tag {
        let task = any_of(Facet::Task, vec![task.clone()]);
        let languages = listed(model, "language");
        if !languages.is_empty() {
            add("for the same task and language", 1.2, vec![task.clone(), any_of(Facet::Language, languages)], true);
        }
        add("for the same task", 0.6, vec![task], true);
    }
    groups
}

/// For each dataset that other models declare, in lower case: what that adds.
async fn evidence(app: &App, viewer: &Viewer, model: &ListedRepo, declared: &[String]) -> HubResult<HashMap<String, Vec<Term>>> {
    let counted = groups(model).into_iter().map(|group| async move {
        let facets = vec![FacetRequest {
            facet: Facet::TrainedOn,
            limit: DECLARED,
            narrow: Narrow::Every,
            counting: Counting::WithAllClauses,
        }];
        let clauses = group.clauses.clone();
        let asked = SearchQuery { clauses, facets, visible: visible_to(viewer), limit: 0, ..SearchQuery::new(RepoType::Model) };
        Ok::<_, crate::error::HubError>((group, app.search.search(asked).await?))
    });
    let mut evidence: HashMap<String, Vec<Term>> = HashMap::new();
    for (group, found) in futures::future::try_join_all(counted).await? {
        for value in found.facets.into_iter().flat_map(|counts| counts.values) {
            let id = value.value.to_lowercase();
            let count = value.count.saturating_sub(u64::from(group.has_itself && declared.contains(&id)));
            if count == 0 {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "a logarithm of it is all that is wanted")]
            let doublings = (1.0 + count as f64).log2();
            let (are, weight) = (group.are, group.weight);
            let label = format!("Named by models {are}");
            evidence.entry(id).or_default().push(Term::of(label, format!("{weight} x log2(1 + {count})"), weight * doublings));
        }
    }
    Ok(evidence)
}

async fn candidates(
    app: &App,
    viewer: &Viewer,
    model: &ListedRepo,
    evidence: &HashMap<String, Vec<Term>>,
    about: &[About],
) -> HubResult<Vec<ListedRepo>> {
    let names: Vec<&str> = evidence.keys().map(String::as_str).collect();
    let visible = visibility::shown_to(viewer);
    let columns = Columns { facts: true, ..Columns::default() };
    let mut rows = list_by_names(&app.pool, &visible, RepoType::Dataset, &names, columns).await?;
    let languages = listed(model, "language");
    let language = (!languages.is_empty()).then(|| any_of(Facet::Language, languages));
    let task = model.pipeline_tag.clone().map(|task| any_of(Facet::Task, vec![task]));
    let mut keys = Vec::new();
    if let Some(task) = task {
        let both: Vec<Clause> = std::iter::once(task.clone()).chain(language.clone()).collect();
        keys.extend(most_used(app, viewer, RepoType::Dataset, both, FITTING).await?);
        keys.extend(most_used(app, viewer, RepoType::Dataset, vec![task], FITTING).await?);
    }
    if let Some(language) = language {
        keys.extend(most_used(app, viewer, RepoType::Dataset, vec![language], FITTING).await?);
    }
    let tags: Vec<String> = about.iter().flat_map(|about| about.field.tags).map(|tag| (*tag).to_owned()).collect();
    if !tags.is_empty() {
        keys.extend(most_used(app, viewer, RepoType::Dataset, vec![any_of(Facet::Tag, tags)], FITTING).await?);
    }
    keys.sort_unstable();
    keys.dedup();
    rows.extend(listing::by_keys(app, viewer, &keys, columns).await?);
    Ok(rows)
}

/// What a dataset is made for, compared with what the model is for.
fn fitting(model: &ListedRepo, about: &[About], dataset: &ListedRepo) -> Vec<Term> {
    let mut terms = Vec::new();
    let task = model.pipeline_tag.as_deref().unwrap_or_default();
    if tagged(dataset, "task_categories:").any(|category| category == task) {
        terms.push(Term::new("Made for the task", format!("its card says {task}"), 300));
    }
    let languages = listed(model, "language");
    let shared: Vec<&str> = tagged(dataset, "language:").filter(|code| languages.iter().any(|own| own == code)).take(4).collect();
    if !shared.is_empty() {
        terms.push(Term::new("In its language", shared.join(", "), 150));
    }
    let same = fields_of(dataset).into_iter().find(|found| about.iter().any(|own| own.field == found.field));
    if let Some(About { field, by, word }) = same {
        terms.push(Term::new("Of its field", format!("{}: its {by} says “{word}”", field.label), 200));
    }
    terms
}

/// What speaks for or against a dataset besides.
fn besides(model: &ListedRepo, dataset: &ListedRepo) -> Vec<Term> {
    let mut terms = Vec::new();
    let own: Vec<&str> = tagged(dataset, "modality:").collect();
    terms.extend(model.pipeline_tag.as_deref().and_then(|task| right_kind(task, &own)));
    let part = Part { id: dataset.id(), href: String::new(), used: Use::Data, licences: licences_of(&dataset.tags) };
    let follows = consequences(&model.id(), &licences_of(&model.tags), &[part], &[]);
    let about_it: Vec<_> = follows.findings.iter().filter(|finding| finding.from.is_some()).collect();
    match about_it.first() {
        None => terms.push(Term::new("Licence", "nothing that contradicts the model's", 50)),
        Some(finding) if finding.weight == Weight::Unknown => {}
        Some(finding) => terms.push(Term::new("Licence", finding.text.clone(), -100)),
    }
    if let Some(format) = tagged(dataset, "format:").next() {
        terms.push(Term::new("Known format", format, 25));
    }
    let downloads = downloads(dataset);
    terms.push(Term::of("Used", format!("0.5 x log10(1 + {downloads} downloads)"), 0.5 * magnitude(downloads)));
    terms
}

/// What it counts that a dataset has the kinds of data that models of a task learn from: of those who learn from several at once, each
/// counts its part.
fn right_kind(task: &str, own: &[&str]) -> Option<Term> {
    let wanted = modalities_of(task);
    let there: Vec<&str> = wanted.iter().copied().filter(|kind| own.contains(kind)).collect();
    let part = 50 * i64::try_from(there.len()).ok()? / i64::try_from(wanted.len()).ok()?.max(1);
    (part > 0).then(|| Term::new("Right kind of data", there.join(", "), part))
}

/// The kinds of data that models of a task learn from.
fn modalities_of(task: &str) -> &'static [&'static str] {
    match task {
        "audio-text-to-text" => &["audio", "text"],
        "image-text-to-text" | "image-text-to-image" | "visual-question-answering" => &["image", "text"],
        "image-text-to-video" => &["image", "text", "video"],
        "video-text-to-text" => &["video", "text"],
        // Pages of documents come as files of their own and as pictures of them.
        "document-question-answering" | "visual-document-retrieval" => &["document", "image", "text"],
        "any-to-any" => &["image", "text", "audio", "video"],
        "video-classification" | "video-to-video" | "text-to-video" => &["video"],
        "image-to-video" => &["image", "video"],
        "text-to-3d" => &["3d"],
        "image-to-3d" => &["3d", "image"],
        "time-series-forecasting" => &["timeseries", "tabular"],
        _ => match known::find_any_task(task).map_or("", |task| task.group) {
            "nlp" => &["text"],
            "cv" => &["image"],
            "audio" => &["audio"],
            "tabular" => &["tabular"],
            _ => &[],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_that_learns_from_data_knows_its_kinds() {
        for task in known::TASKS.iter().chain(known::FORMER_TASKS) {
            let kinds = modalities_of(task.id).len();
            match task.group {
                "multimodal" => assert!(kinds > 1, "{}", task.id),
                "rl" | "other" => assert_eq!(kinds, 0, "{}", task.id),
                _ => assert!(kinds > 0, "{}", task.id),
            }
        }
    }

    #[test]
    fn each_kind_counts_its_part() {
        let term = |task: &str, own: &[&str]| right_kind(task, own).map(|term| (term.text, term.hundredths));
        assert_eq!(term("fill-mask", &["image", "text"]), Some(("text".to_owned(), 50)));
        assert_eq!(term("image-text-to-text", &["text", "image"]), Some(("image, text".to_owned(), 50)));
        assert_eq!(term("visual-question-answering", &["text"]), Some(("text".to_owned(), 25)));
        assert_eq!(term("any-to-any", &["audio", "3d"]), Some(("audio".to_owned(), 12)));
        assert_eq!(term("image-text-to-text", &["audio"]), None);
        assert_eq!(term("robotics", &["video"]), None);
        assert_eq!(term("no-task", &["text"]), None);
    }
}
