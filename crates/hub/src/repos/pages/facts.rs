//! The column next to a card: numbers and links from what is derived of a repository.

use hub_cards::known;
use hub_types::RepoType;
use serde_json::Value;

use super::card::{DtypeShare, Fact, FactLink, Parameters, Side};
use super::context::{languages, list_href};
use super::snippets::snippets_of;
use super::tags;
use super::view::RepoHeader;
use crate::downloads::chart::DownloadChart;
use crate::repos::queries::listing::ListedRepo;

/// How many values of a fact are shown.
const MAX_VALUES: usize = 24;
/// How many number types a bar shows; the rest are summed.
const MAX_SHARES: usize = 5;

/// Everything next to the card.
pub(super) fn side_of(header: &RepoHeader, derived: &ListedRepo) -> Side {
    let positive = |number: i64| u64::try_from(number).unwrap_or(0);
    Side {
        downloads: positive(derived.downloads),
        chart: DownloadChart::default(),
        size_bytes: positive(derived.size_bytes),
        file_count: positive(derived.file_count),
        parameters: derived.facts.as_ref().and_then(parameters_of),
        snippets: snippets_of(header, derived),
        facts: facts_of(header.kind, derived),
    }
}

/// Parameters by number type, from the headers of safetensors files, or their sum from a GGUF header.
fn parameters_of(facts: &Value) -> Option<Parameters> {
    if let Some(by_dtype) = facts.pointer("/safetensors/parameters").and_then(Value::as_object) {
        let counts = by_dtype.iter().filter_map(|(dtype, count)| Some((dtype.clone(), count.as_u64()?)));
        return shares(counts.collect());
    }
    let total = facts.pointer("/gguf/total").and_then(Value::as_u64)?;
    (total > 0)
        .then(|| Parameters { total, shares: vec![DtypeShare { dtype: "GGUF".to_owned(), count: total, start: 0, width: 100 }] })
}

fn shares(mut counts: Vec<(String, u64)>) -> Option<Parameters> {
    let total = counts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if total == 0 {
        return None;
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest = counts.split_off(counts.len().min(MAX_SHARES));
    let rest = rest.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if rest > 0 {
        counts.push(("other".to_owned(), rest));
    }
    let percent = |count: u64| u64::try_from(u128::from(count) * 100 / u128::from(total)).unwrap_or(100);
    let mut start = 0;
    let mut shares: Vec<DtypeShare> = Vec::new();
    for (dtype, count) in counts {
        let width = percent(count).max(1).min(100 - start.min(100));
        shares.push(DtypeShare { dtype, count, start, width });
        start += width;
    }
    // What rounding left over belongs to the last.
    if let Some(last) = shares.last_mut() {
        last.width += 100_u64.saturating_sub(start);
    }
    Some(Parameters { total, shares })
}

fn facts_of(kind: RepoType, derived: &ListedRepo) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |label: &'static str, links: Vec<FactLink>| {
        if !links.is_empty() {
            facts.push(Fact { label, links: links.into_iter().take(MAX_VALUES).collect() });
        }
    };
    let listed = |key: &'static str, label: String, value: &str| FactLink { label, href: Some(list_href(kind, key, value)) };
    let task = derived.pipeline_tag.iter().map(String::as_str).chain(tags::all(&derived.tags, "task_categories:"));
    add("Task", task.map(|task| task_link(kind, task)).collect());
    add("Library", derived.library_name.iter().map(|id| listed("library", tags::library_label(id), id)).collect());
    add("Licence", tags::all(&derived.tags, "license:").into_iter().map(|id| listed("license", id.to_owned(), id)).collect());
    let languages = languages(kind, derived);
    add("Languages", languages.iter().map(|code| listed("language", tags::language_label(code), code)).collect());
    for (label, prefix) in [("Format", "format:"), ("Modality", "modality:"), ("Rows", "size_categories:")] {
        let values = tags::all(&derived.tags, prefix).into_iter();
        add(label, values.map(|value| listed("other", value.to_owned(), &format!("{prefix}{value}"))).collect());
    }
    let ids = |name: &str| -> Vec<String> {
        let list = derived.facts.as_ref().and_then(|facts| facts.get(name)?.as_array().cloned()).unwrap_or_default();
        list.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    };
    add("Base model", ids("base_models").iter().map(|id| repo_link(RepoType::Model, id)).collect());
    add("Datasets", ids("datasets").iter().map(|id| repo_link(RepoType::Dataset, id)).collect());
    add("Models", ids("models").iter().map(|id| repo_link(RepoType::Model, id)).collect());
    let papers = tags::all(&derived.tags, "arxiv:").into_iter();
    add("Papers", papers.map(|id| listed("other", format!("arXiv {id}"), &format!("arxiv:{id}"))).collect());
    let plain = derived.tags.iter().filter(|tag| !tag.contains(':') && Some(*tag) != derived.pipeline_tag.as_ref());
    let plain = plain.filter(|tag| Some(*tag) != derived.library_name.as_ref() && !languages.contains(tag));
    add("Tags", plain.map(|tag| listed("other", tag.clone(), tag)).collect());
    facts
}

/// What a task is; the list of its repositories is a click away in the page's head. Names that are no task only have a list.
fn task_link(kind: RepoType, task: &str) -> FactLink {
    let href = match known::find_task(task) {
        Some(task) => format!("/tasks/{}", task.id),
        None => list_href(kind, "pipeline_tag", task),
    };
    FactLink { label: tags::task_label(task), href: Some(href) }
}

/// A repository that a card names. Names without an owner lead nowhere on this hub.
fn repo_link(kind: RepoType, id: &str) -> FactLink {
    let valid = id.parse::<hub_types::RepoId>().is_ok();
    FactLink { label: id.to_owned(), href: valid.then(|| format!("/{}{id}", kind.url_prefix())) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parameters_of;

    #[test]
    fn shares_fill_the_bar_exactly() {
        for parameters in [
            json!({"F32": 1}),
            json!({"F32": 2, "I64": 1}),
            json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}),
            json!({"F32": 1_000_000, "I64": 1}),
        ] {
            let found = parameters_of(&json!({ "safetensors": { "parameters": parameters } })).unwrap();
            let mut end = 0;
            for share in &found.shares {
                assert_eq!(share.start, end);
                end += share.width;
            }
            assert_eq!(end, 100, "{found:?}");
        }
        assert!(parameters_of(&json!({})).is_none());
        assert!(parameters_of(&json!({ "safetensors": { "parameters": {} } })).is_none());
    }
}
