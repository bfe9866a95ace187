//! The column next to a card: numbers and links from what is derived of a repository.
//! What belongs to it elsewhere on the hub is in `relations`.

use hub_cards::infer::{FactKey, Inferred};
use hub_cards::known;
use hub_types::RepoType;
use serde_json::Value;

use super::card::{DtypeShare, Emissions, Fact, FactLink, Paper, Parameters, Side};
use super::context::{languages, list_href};
use super::inferred::is_inferred;
use super::tags;
use super::view::RepoHeader;
use crate::downloads::chart::DownloadChart;
use crate::repos::metadata::inferred_of;
use crate::repos::queries::listing::ListedRepo;
use crate::search::hardware;

/// How many values of a fact are shown.
const MAX_VALUES: usize = 24;
/// How many number types a bar shows; the rest are summed.
const MAX_SHARES: usize = 5;

/// Everything next to the card.
pub(super) fn side_of(header: &RepoHeader, derived: &ListedRepo) -> Side {
    let positive = |number: i64| u64::try_from(number).unwrap_or(0);
    let papers = tags::all(&derived.tags, "arxiv:").into_iter().take(MAX_VALUES);
    Side {
        papers: papers
            .map(|id| Paper { id: id.to_owned(), list_href: list_href(header.kind, "other", &[format!("arxiv:{id}")]) })
            .collect(),
        gguf: derived.facts.as_ref().map(gguf_of).unwrap_or_default(),
        tensors_href: tensors_href(header, derived),
        emissions: emissions_of(derived),
        downloads: positive(derived.downloads),
        chart: DownloadChart::default(),
        size_bytes: positive(derived.size_bytes),
        file_count: positive(derived.file_count),
        parameters: derived.facts.as_ref().and_then(parameters_of),
        facts: facts_of(header.kind, derived),
    }
}

/// Parameters by number type, from the headers of weight files, or their sum from a GGUF header that was read without the types.
fn parameters_of(facts: &Value) -> Option<Parameters> {
    if let Some(by_dtype) = hardware::dtypes_of(facts) {
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
    let listed = |key: &'static str, label: String, value: &str| FactLink {
        label,
        href: Some(list_href(kind, key, &[value])),
        inferred: false,
    };
    let marked = |link: FactLink, key| FactLink { inferred: is_inferred(derived, key), ..link };
    let task = derived.pipeline_tag.iter().map(String::as_str).chain(tags::all(&derived.tags, "task_categories:"));
    add("Task", task.map(|task| marked(task_link(kind, task), FactKey::PipelineTag)).collect());
    let library = derived.library_name.iter().map(|id| listed("library", tags::library_label(id), id));
    add("Library", library.map(|link| marked(link, FactKey::LibraryName)).collect());
    add("Licence", tags::all(&derived.tags, "license:").into_iter().map(|id| listed("license", id.to_owned(), id)).collect());
    let languages = languages(kind, derived);
    add("Languages", languages.iter().map(|code| listed("language", tags::language_label(code), code)).collect());
    for (label, prefix) in [("Format", "format:"), ("Modality", "modality:"), ("Rows", "size_categories:")] {
        let values = tags::all(&derived.tags, prefix).into_iter();
        add(label, values.map(|value| listed("other", value.to_owned(), &format!("{prefix}{value}"))).collect());
    }
    let inferred = inferred_of(derived.card.as_ref(), derived.facts.as_ref());
    let rows = inferred.iter().filter(|fact| fact.key == FactKey::SizeCategories);
    let of_rows = |fact: &Inferred| FactLink { inferred: true, ..listed("size_categories", fact.value.clone(), &fact.value) };
    add("Rows", rows.map(of_rows).collect());
    let plain = derived.tags.iter().filter(|tag| !tag.contains(':') && Some(*tag) != derived.pipeline_tag.as_ref());
    let plain = plain.filter(|tag| Some(*tag) != derived.library_name.as_ref() && !languages.contains(tag));
    add("Tags", plain.map(|tag| listed("other", tag.clone(), tag)).collect());
    facts
}

/// What a task is; the list of its repositories is a click away in the page's head. Names that are no task only have a list.
fn task_link(kind: RepoType, task: &str) -> FactLink {
    let href = match known::find_any_task(task) {
        Some(task) => format!("/tasks/{}", task.id),
        None => list_href(kind, "pipeline_tag", &[task]),
    };
    FactLink { label: tags::task_label(task), href: Some(href), inferred: false }
}

/// What a GGUF header says beside the number of parameters.
fn gguf_of(facts: &Value) -> Vec<(&'static str, String)> {
    let Some(gguf) = facts.get("gguf") else { return Vec::new() };
    let mut rows = Vec::new();
    if let Some(architecture) = gguf.get("architecture").and_then(Value::as_str) {
        rows.push(("Architecture", architecture.to_owned()));
    }
    if let Some(length) = gguf.get("context_length").and_then(Value::as_u64) {
        rows.push(("Context", format!("{length} tokens")));
    }
    if gguf.get("chat_template").is_some() {
        rows.push(("Chat template", "yes".to_owned()));
    }
    rows
}

/// Where the tensors are listed, when there are weights with a header.
fn tensors_href(header: &RepoHeader, derived: &ListedRepo) -> Option<String> {
    let weights = derived.facts.as_ref()?.get("weights")?;
    let path = ["safetensors", "gguf"].iter().find_map(|format| weights.get(format)?.as_str())?;
    let branch = crate::web::links::encode_segment(&header.default_branch);
    Some(format!("{}/tensors/{branch}/{}", header.href(), crate::web::links::encode_path(path)))
}

/// What training emitted, as the card says: a number of grams, or an object with more.
fn emissions_of(derived: &ListedRepo) -> Option<Emissions> {
    let said = derived.card.as_ref()?.get("co2_eq_emissions")?;
    let grams = said.get("emissions").unwrap_or(said);
    let grams =
        grams.as_f64().or_else(|| grams.as_str()?.trim().parse().ok()).filter(|grams| grams.is_finite() && *grams >= 0.0)?;
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(|text| text.chars().take(200).collect::<String>());
    let labels =
        [("Training", "training_type"), ("Where", "geographical_location"), ("Hardware", "hardware_used"), ("Source", "source")];
    let details = labels.iter().filter_map(|(label, key)| Some((*label, text(key)?))).collect();
    Some(Emissions { amount: weight_text(grams), details })
}

/// Grams as people say them.
fn weight_text(grams: f64) -> String {
    match grams {
        grams if grams >= 1e6 => format!("{:.1} t", grams / 1e6),
        grams if grams >= 1e3 => format!("{:.1} kg", grams / 1e3),
        grams if grams >= 10.0 => format!("{grams:.0} g"),
        grams => format!("{grams:.2} g"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parameters_of, weight_text};

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

    #[test]
    fn weights_read_well() {
        for (grams, text) in [(0.5, "0.50 g"), (42.0, "42 g"), (1500.0, "1.5 kg"), (2.5e6, "2.5 t")] {
            assert_eq!(weight_text(grams), text);
        }
    }
}
