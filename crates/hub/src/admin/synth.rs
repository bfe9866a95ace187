//! Invented repositories in their thousands, for measuring a hub and for trying it out full.
//!
//! Names and metadata are those of [`hub_search::synth`], whose spread of values is written down in its
//! `distributions.tsv`. All repositories of a kind share the files of one small pattern, so a million of them
//! cost rows and no bytes in the store.

use std::collections::{BTreeSet, HashMap};

use hub_search::synth::Synth;
use hub_search::{Facet, RepoDoc};
use hub_types::{RepoPath, RepoType};
use serde_json::{Value, json};

use super::queries::synth::{self as queries, Columns};
use crate::accounts::{Auth, Viewer, queries as accounts};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::create::{NewRepo, create_repo};
use crate::repos::queries::{self as repos, Repo};

/// Repositories that are written in one transaction.
const BATCH: u64 = 5_000;

/// How many repositories to invent of each kind.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Models.
    pub models: u64,
    /// Datasets.
    pub datasets: u64,
    /// Spaces.
    pub spaces: u64,
}

/// Writes invented repositories, in the name of an account that has the patterns, and tells how far it is. What is there
/// already from the same seed stays, so that a run which broke off can be repeated.
///
/// # Errors
/// 404 when there is no such account.
pub async fn write(app: &App, account: &str, counts: Counts, seed: u64, mut tell: impl FnMut(String)) -> HubResult<()> {
    let viewer = viewer(app, account).await?;
    let synth = Synth::new(seed);
    for (kind, count) in
        [(RepoType::Model, counts.models), (RepoType::Dataset, counts.datasets), (RepoType::Space, counts.spaces)]
    {
        if count == 0 {
            continue;
        }
        let pattern = pattern(app, &viewer, kind).await?;
        let mut start = 0;
        while start < count {
            let end = count.min(start + BATCH);
            let docs: Vec<_> = (start..end).map(|number| synth.repo(kind, 0, number)).collect();
            write_batch(app, &pattern, &docs).await?;
            start = end;
            if start.is_multiple_of(50_000) || start == count {
                tell(format!("{start} of {count} {}", kind.plural()));
            }
        }
    }
    queries::analyze(&app.pool).await?;
    Ok(())
}

async fn viewer(app: &App, account: &str) -> HubResult<Viewer> {
    let namespace = accounts::find_namespace(&mut *app.pool.acquire().await?, account).await?;
    let user = match namespace {
        Some(namespace) => accounts::find_user(&app.pool, namespace.namespace_pk).await?,
        None => None,
    };
    let user = user.ok_or_else(|| HubError::not_found(format!("There is no account `{account}`.")))?;
    Ok(Viewer { user: Some(user), auth: Auth::Password })
}

/// The repository whose files the invented ones of its kind share.
async fn pattern(app: &App, viewer: &Viewer, kind: RepoType) -> HubResult<Repo> {
    let user = viewer.require_user()?;
    let name = format!("pattern-{}", kind.as_str());
    if let Some(there) = repos::find_repo(&app.pool, kind, &user.name, &name).await? {
        return Ok(there);
    }
    let card = match kind {
        RepoType::Space => "---\ntitle: Pattern\nsdk: static\n---\n",
        RepoType::Model | RepoType::Dataset | RepoType::Bucket => "---\nlicense: other\n---\n",
    };
    let card = format!("{card}\n# Invented\n\nThis repository was invented to try the hub out. It has no weights and no data.\n");
    let new = NewRepo {
        repo_type: kind,
        namespace: None,
        name,
        private: Some(false),
        resource_group: None,
        files: vec![(RepoPath::new("README.md")?, card.into_bytes())],
    };
    create_repo(app, viewer, &new, "").await
}

async fn write_batch(app: &App, pattern: &Repo, docs: &[RepoDoc]) -> HubResult<()> {
    let mut columns = Columns::default();
    for doc in docs {
        columns.owners.push(doc.id.namespace().to_owned());
        columns.owner_names.push(doc.owner_name.clone());
        columns.names.push(doc.id.name().to_owned());
        columns.private.push(!doc.public);
        columns.gated.push(first(doc, Facet::Gated));
        columns.created.push(doc.created);
        columns.updated.push(doc.updated);
        columns.downloads.push(doc.counters.downloads.cast_signed());
        columns.likes.push(doc.counters.likes.cast_signed());
        columns.cards.push(card(doc));
        columns.tags.push(tags(doc).join("\n"));
        columns.tasks.push(first(doc, Facet::Task).filter(|_| doc.kind == RepoType::Model));
        columns.libraries.push(first(doc, Facet::Library).filter(|_| doc.kind == RepoType::Model));
        columns.sizes.push(doc.size_bytes.cast_signed());
        columns.parameters.push(doc.parameters.map(u64::cast_signed));
        columns.facts.push(facts(doc));
        columns.texts.push(doc.card.clone());
    }
    let mut tx = app.begin().await?;
    queries::insert_owners(&mut tx, &columns).await?;
    queries::insert_repos(&mut tx, pattern.pk, pattern.repo_type, &columns).await?;
    tx.commit().await?;
    Ok(())
}

fn values(doc: &RepoDoc, facet: Facet) -> &[String] {
    doc.facets.get(&facet).map_or(&[], Vec::as_slice)
}

fn first(doc: &RepoDoc, facet: Facet) -> Option<String> {
    values(doc, facet).first().cloned()
}

/// The tags that [`crate::repos::metadata`] would derive.
fn tags(doc: &RepoDoc) -> Vec<String> {
    let prefixes: &[(Facet, &str)] = match doc.kind {
        RepoType::Model => &[
            (Facet::Library, ""),
            (Facet::Task, ""),
            (Facet::Language, ""),
            (Facet::Quantization, ""),
            (Facet::TrainedOn, "dataset:"),
            (Facet::BaseModel, "base_model:"),
            (Facet::License, "license:"),
            (Facet::Region, "region:"),
        ],
        RepoType::Dataset => &[
            (Facet::Task, "task_categories:"),
            (Facet::Language, "language:"),
            (Facet::License, "license:"),
            (Facet::SizeCategory, "size_categories:"),
            (Facet::Format, "format:"),
            (Facet::Modality, "modality:"),
            (Facet::Library, "library:"),
            (Facet::Region, "region:"),
        ],
        RepoType::Space | RepoType::Bucket => &[(Facet::Sdk, ""), (Facet::License, "license:"), (Facet::Region, "region:")],
    };
    let mut tags: BTreeSet<_> = prefixes
        .iter()
        .flat_map(|(facet, prefix)| values(doc, *facet).iter().map(move |value| format!("{prefix}{value}")))
        .collect();
    if !values(doc, Facet::Evaluated).is_empty() {
        tags.insert("model-index".to_owned());
    }
    tags.into_iter().collect()
}

fn card(doc: &RepoDoc) -> Value {
    let listed = |facet| json!(values(doc, facet));
    let mut card: HashMap<&str, Value> = HashMap::new();
    if let Some(license) = first(doc, Facet::License) {
        card.insert("license", license.into());
    }
    card.insert("language", listed(Facet::Language));
    match doc.kind {
        RepoType::Model => {
            card.insert("pipeline_tag", json!(first(doc, Facet::Task)));
            card.insert("library_name", json!(first(doc, Facet::Library)));
            card.insert("datasets", listed(Facet::TrainedOn));
            card.insert("base_model", bases(doc));
        }
        RepoType::Dataset => {
            card.insert("task_categories", listed(Facet::Task));
            card.insert("size_categories", listed(Facet::SizeCategory));
        }
        RepoType::Space | RepoType::Bucket => {
            card.insert("sdk", json!(first(doc, Facet::Sdk)));
        }
    }
    card.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    json!(card)
}

/// Base models by name, without the relation that tags put before them.
fn bases(doc: &RepoDoc) -> Value {
    values(doc, Facet::BaseModel).iter().filter(|base| !base.contains(':')).map(String::as_str).collect()
}

fn facts(doc: &RepoDoc) -> Value {
    match doc.kind {
        RepoType::Model => {
            let mut facts = json!({ "language": values(doc, Facet::Language), "base_models": bases(doc) });
            let relation = first(doc, Facet::Relation).filter(|relation| relation != "original");
            facts["base_model_relation"] = json!(relation);
            if let Some(parameters) = doc.parameters {
                let dtype = first(doc, Facet::Precision).unwrap_or_else(|| "f32".to_owned()).to_ascii_uppercase();
                facts["safetensors"] = json!({ "parameters": { dtype: parameters }, "total": parameters });
            }
            facts
        }
        RepoType::Space => json!({ "sdk": first(doc, Facet::Sdk) }),
        RepoType::Dataset | RepoType::Bucket => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_facts_say_what_the_document_says() {
        let synth = Synth::new(1);
        let docs: Vec<_> = (0..500).map(|number| synth.repo(RepoType::Model, 0, number)).collect();
        let licensed = docs.iter().find(|doc| first(doc, Facet::License).is_some()).expect("one has a licence");
        let license = first(licensed, Facet::License).expect("it has");
        assert!(tags(licensed).contains(&format!("license:{license}")) && card(licensed)["license"] == license);
        let tuned = docs.iter().find(|doc| first(doc, Facet::Relation).is_some_and(|found| found == "finetune"));
        let tuned = tuned.expect("one is a finetune");
        let base = facts(tuned)["base_models"][0].as_str().expect("it has a base").to_owned();
        assert!(tags(tuned).contains(&format!("base_model:finetune:{base}")));
        assert_eq!(facts(tuned)["base_model_relation"], "finetune");
        let weighed = docs.iter().find(|doc| doc.parameters.is_some()).expect("one has parameters");
        assert_eq!(facts(weighed)["safetensors"]["total"], json!(weighed.parameters));
    }
}
