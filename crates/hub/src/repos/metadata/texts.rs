//! The job that reads texts for what a card's metadata leaves out: which licence a file has the words of, and in which
//! language the card is written. Both files are small and in git; comparing them takes milliseconds that no commit should wait
//! for.

use hub_cards::front_matter;
use hub_cards::infer::{Inferred, MAX_LICENCE_BYTES, is_licence_file, language_of, licence_of};
use hub_git::{EntryKind, GitReader};
use hub_types::{Oid, RepoType};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::head::readme;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::{self, Repo, derived};
use crate::repos::reading;

/// Shorter cards are written in no language that anybody could tell.
const MIN_BODY_BYTES: usize = 200;
/// Files that only models for texts have.
const TOKENIZERS: &[&str] = &[
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
];
/// Endings of data files that may hold texts.
const TEXT_DATA: &[&str] = &[".parquet", ".jsonl", ".json", ".csv", ".tsv", ".txt", ".arrow"];

/// What there is to read of a commit.
#[derive(Debug, Serialize)]
pub(super) struct Texts {
    /// Changes with any of it.
    key: String,
    /// The licence, a file in the root.
    license: Option<String>,
    /// Whether what the repository is about has a language.
    language: bool,
}

/// What there is to read; nothing for a repository without a licence and with hardly a card.
pub(super) fn texts_of(repo_type: RepoType, root: &[(String, Oid)], paths: &[String], body: &str) -> Option<Texts> {
    let licence = root.iter().find(|(path, _)| is_licence_file(path));
    let language = body.len() >= MIN_BODY_BYTES && is_about_text(repo_type, paths);
    if licence.is_none() && !language {
        return None;
    }
    let mut hash = Sha256::new();
    if let Some((path, oid)) = licence {
        hash.update(format!("{path} {oid}\n"));
    }
    if language {
        // A block of metadata before the text moves it by a line.
        hash.update(body.trim());
    }
    Some(Texts { key: hex::encode(hash.finalize()), license: licence.map(|(path, _)| path.clone()), language })
}

fn is_about_text(repo_type: RepoType, paths: &[String]) -> bool {
    match repo_type {
        RepoType::Model => TOKENIZERS.iter().any(|name| paths.iter().any(|path| path == name)),
        RepoType::Dataset => paths.iter().any(|path| TEXT_DATA.iter().any(|ending| path.ends_with(ending))),
        RepoType::Space | RepoType::Bucket => false,
    }
}

/// Reads the texts of the default branch and stores what they say. Does nothing when these texts have been read already.
///
/// # Errors
/// Git or the database does not answer: the job is tried again.
pub async fn read_texts(app: &App, repo_pk: i64) -> HubResult<()> {
    // In this order: of a commit that comes in between, nothing is noted as read that was looked for in the one before.
    let facts = derived::find_facts(&app.pool, repo_pk).await?.unwrap_or_default();
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(()) };
    let text = |pointer: &str| facts.pointer(pointer).and_then(Value::as_str);
    let (Some(key), Some(head)) = (text("/texts/key"), repo.head_oid) else { return Ok(()) };
    if text("/read_texts/key") == Some(key) {
        return Ok(());
    }
    let license = text("/texts/license").map(str::to_owned);
    let language = facts.pointer("/texts/language").and_then(Value::as_bool).unwrap_or_default();
    let found = reading::read(app, &repo, move |reader| facts_in(reader, head, license.as_deref(), language)).await?;
    derived::store_texts(&app.pool, repo_pk, key, &json!({ "key": key, "facts": found })).await?;
    Ok(())
}

/// What the card of the default branch says, without its metadata; empty when there is none.
///
/// # Errors
/// Git does not answer.
pub async fn card_text(app: &App, repo: &Repo) -> HubResult<String> {
    let Some(head) = repo.head_oid else { return Ok(String::new()) };
    let text = reading::read(app, repo, move |reader| readme(reader, head)).await?;
    Ok(front_matter::split(&text).body.to_owned())
}

/// Blocking.
fn facts_in(reader: &GitReader, commit: Oid, license: Option<&str>, language: bool) -> hub_git::Result<Vec<Inferred>> {
    let mut found = Vec::new();
    if let Some(path) = license
        && let Some(entry) = reader.entry_at(commit, path)?
        && entry.kind == EntryKind::File
        && entry.lfs.is_none()
        && entry.size <= MAX_LICENCE_BYTES as u64
    {
        let text = reader.blob(entry.oid, MAX_LICENCE_BYTES as u64)?;
        found.extend(licence_of(path, &String::from_utf8_lossy(&text)));
    }
    if language {
        found.extend(language_of(&readme(reader, commit)?));
    }
    Ok(found)
}
