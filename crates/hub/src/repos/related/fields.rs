//! What something is about, whatever its task: medicine, law, finance, code. Its tags, its name and the beginning of its card tell.

use serde_json::Value;

use crate::repos::listing::ListedRepo;

/// What something can be about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// What people call it.
    pub label: &'static str,
    /// Tags that say so; in a name, they say so, too.
    pub tags: &'static [&'static str],
    /// Words of a card that say so, besides: none that is said of other things as well.
    words: &'static [&'static str],
}

/// That something is about a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct About {
    /// The field.
    pub field: &'static Field,
    /// What says so: `tag`, `name` or `card`.
    pub by: &'static str,
    /// How.
    pub word: &'static str,
}

const fn field(label: &'static str, tags: &'static [&'static str], words: &'static [&'static str]) -> Field {
    Field { label, tags, words }
}

const FIELDS: &[Field] = &[
    field(
        "medicine",
        &["medical", "medicine", "clinical", "biomedical", "healthcare", "health", "radiology", "pubmed"],
        &["patients", "hospital", "diagnosis", "diagnoses"],
    ),
    field(
        "law",
        &["legal", "law", "laws", "court", "contracts", "legislation"],
        &["courts", "judgments", "statutes", "lawyers", "jurisprudence"],
    ),
    field(
        "finance",
        &["finance", "financial", "fintech", "stocks", "banking", "economics", "accounting"],
        &["investors", "earnings", "banks"],
    ),
    field("code", &["code", "coding", "programming", "software-engineering"], &["programmers"]),
    field("mathematics", &["math", "maths", "mathematics", "mathematical"], &["theorem", "theorems", "algebra"]),
    field("biology", &["biology", "genomics", "protein", "proteins", "dna", "bioinformatics"], &["genes", "genome", "species"]),
    field("chemistry", &["chemistry", "molecules", "molecule", "materials-science"], &["molecular", "chemical", "reactions"]),
    field("climate and weather", &["climate", "weather", "meteorology"], &["rainfall", "forecasts"]),
    field("remote sensing", &["satellite", "remote-sensing", "geospatial", "earth-observation"], &["sentinel-2", "aerial"]),
    field("news", &["news", "journalism", "newspaper"], &["newspapers", "headlines"]),
    field("education", &["education", "educational", "exams", "teaching"], &["pupils", "classroom", "textbooks"]),
    field("security", &["cybersecurity", "malware", "infosec"], &["vulnerabilities", "phishing"]),
    field("trade", &["ecommerce", "e-commerce", "retail", "product-reviews"], &["shoppers", "merchants"]),
    field("music", &["music", "songs", "lyrics"], &["melodies", "musicians"]),
    field("agriculture", &["agriculture", "farming", "crops"], &["farmers", "harvests"]),
    field("politics", &["politics", "political", "parliament", "elections"], &["parliamentary", "voters"]),
];

/// The fields that a repository is about, each with what says so first. Its `facts` are looked at, if they were read.
pub(super) fn fields_of(repo: &ListedRepo) -> Vec<About> {
    let own_name = repo.name.to_lowercase();
    let excerpt = repo.facts.as_ref().and_then(|facts| facts.get("excerpt")).and_then(Value::as_str).unwrap_or_default();
    let excerpt = excerpt.to_lowercase();
    let is_tag = |word: &str| repo.tags.iter().any(|tag| tag.eq_ignore_ascii_case(word));
    let about = |field: &'static Field| {
        let found = |by, word: &&'static str| About { field, by, word };
        let by_tag = field.tags.iter().find(|word| is_tag(word)).map(|word| found("tag", word));
        let by_name = || field.tags.iter().find(|word| has_word(&own_name, word)).map(|word| found("name", word));
        // In the running text of a card, "code" is said of everything.
        let telling = |word: &&&str| **word != "code" && has_word(&excerpt, word);
        let by_card = || field.tags.iter().chain(field.words).find(telling).map(|word| found("card", word));
        by_tag.or_else(by_name).or_else(by_card)
    };
    FIELDS.iter().filter_map(about).collect()
}

/// Whether a text has a word, with nothing of another word around it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        [before, after].into_iter().flatten().all(|letter| !letter.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(has_word("a clinical trial", "clinical") && has_word("clinical-bert", "clinical") && has_word("of law", "law"));
        assert!(!has_word("preclinical", "clinical") && !has_word("flawless", "law") && !has_word("lawns", "law"));
        assert!(has_word("lawns, law", "law") && !has_word("", "law"));
    }

    #[test]
    fn no_word_stands_for_two_fields() {
        let mut words: Vec<&str> = FIELDS.iter().flat_map(|field| field.tags.iter().chain(field.words)).copied().collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
        assert!(words.iter().all(|word| *word == word.to_lowercase()));
    }
}
