//! What belongs to a repository elsewhere on the hub: what a model was made from and what was made from it, data it was
//! trained on, Spaces that use it. A handful of statements however much there is.

use std::collections::HashSet;

use hub_types::RepoType;
use serde_json::Value;

use super::context::list_href;
use super::view::RepoHeader;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::listing::ListedRepo;
use crate::repos::queries::relations::{self, HoldingCollection, Used};
use crate::repos::visibility::{Visibility, shown_to, visible_to};
use crate::web::cursor::one_more;
use crate::web::layout::kind_icon;

/// How many repositories of one sort are named.
const MAX_NAMED: usize = 8;
/// How many collections are named.
const MAX_COLLECTIONS: usize = 5;
/// How far counting goes.
const MAX_COUNT: i64 = 1_000;
/// How many generations up the tree goes.
const MAX_GENERATIONS: i32 = 5;

/// What belongs to a repository.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// The tree a model stands in.
    pub tree: Option<ModelTree>,
    /// Lists of repositories under a heading.
    pub groups: Vec<RelatedGroup>,
    /// Collections that it is in.
    pub collections: Option<InCollections>,
}

impl Relations {
    /// Whether there is nothing of the kind.
    pub(super) fn is_empty(&self) -> bool {
        self.tree.is_none() && self.groups.is_empty() && self.collections.is_none()
    }
}

/// Collections that a repository is in, those that most people find good first.
#[derive(Debug)]
pub(super) struct InCollections {
    /// The first of them.
    pub named: Vec<CollectionLink>,
    /// The list of all, when not all are named.
    pub all_href: Option<String>,
}

/// A collection.
#[derive(Debug)]
pub(super) struct CollectionLink {
    /// Its title.
    pub title: String,
    /// Whose it is.
    pub owner: String,
    /// Whether only members see it.
    pub private: bool,
    /// How many people find it good.
    pub upvotes: u64,
    /// Where it leads; a collection is found by the end of its address.
    pub href: String,
}

/// What a model was made from, and how many were made from it.
#[derive(Debug)]
pub(super) struct ModelTree {
    /// From the oldest ancestor to the bases of this one.
    pub ancestors: Vec<RepoLink>,
    /// How it was made from them.
    pub relation: Option<&'static str>,
    /// What was made from it.
    pub children: Vec<ChildCount>,
}

/// How many models were made from this one in one way.
#[derive(Debug)]
pub(super) struct ChildCount {
    /// The way.
    pub label: &'static str,
    /// How many.
    pub count: String,
    /// The list of them.
    pub href: String,
}

/// Repositories under a heading.
#[derive(Debug)]
pub(super) struct RelatedGroup {
    /// The heading.
    pub title: &'static str,
    /// The icon of their kind.
    pub kind: RepoType,
    /// Some of them.
    pub repos: Vec<RepoLink>,
    /// How many there are, when not all are named.
    pub more: Option<String>,
    /// The list of all.
    pub more_href: Option<String>,
}

impl RelatedGroup {
    /// The icon of their kind.
    pub(super) fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }
}

/// A repository that a card names.
#[derive(Debug)]
pub(super) struct RepoLink {
    /// `namespace/name`.
    pub id: String,
    /// Its page; none when it is not here, or not for this viewer.
    pub href: Option<String>,
}

/// Finds what belongs to a repository, as far as the viewer sees it.
///
/// # Errors
/// 503 when the database does not answer.
pub(super) async fn relations_of(app: &App, viewer: &Viewer, header: &RepoHeader, derived: &ListedRepo) -> HubResult<Relations> {
    // What a card names is a link; what is gathered beside it is as in lists.
    let (visible, shown) = (visible_to(viewer), shown_to(viewer));
    let named = Named::of(derived);
    let known = relations::list_known(&app.pool, &visible, &named.all()).await?;
    let link = |kind: RepoType, id: &String| match known.get(&(kind, id.clone())) {
        Some(now) => RepoLink { href: Some(format!("/{}{now}", kind.url_prefix())), id: now.clone() },
        None => RepoLink { href: None, id: id.clone() },
    };
    let ids = relations::list_ids(&app.pool, derived).await?;
    let links = |kind, ids: &[String]| ids.iter().map(|id| link(kind, id)).collect::<Vec<_>>();
    let mut found = Relations::default();
    let mut add = |title, kind, repos: Vec<RepoLink>, more: Option<(String, Option<String>)>| {
        if !repos.is_empty() {
            let (more, more_href) = more.map_or((None, None), |(more, href)| (Some(more), href));
            found.groups.push(RelatedGroup { title, kind, repos, more, more_href });
        }
    };
    match header.kind {
        RepoType::Model => {
            add("Trained on", RepoType::Dataset, links(RepoType::Dataset, &named.datasets), None);
            let (spaces, more) = spaces_using(app, &shown, Used::Model, &ids).await?;
            add("Spaces using this model", RepoType::Space, spaces, more);
            found.tree = model_tree(app, (&visible, &shown), &ids, derived, links(RepoType::Model, &named.bases)).await?;
        }
        RepoType::Dataset => {
            let (models, more) = models_trained_on(app, &shown, &ids).await?;
            add("Models trained on this dataset", RepoType::Model, models, more);
            let (spaces, more) = spaces_using(app, &shown, Used::Dataset, &ids).await?;
            add("Spaces using this dataset", RepoType::Space, spaces, more);
        }
        RepoType::Space => {
            add("Models it uses", RepoType::Model, links(RepoType::Model, &named.models), None);
            add("Datasets it uses", RepoType::Dataset, links(RepoType::Dataset, &named.datasets), None);
        }
        RepoType::Bucket => {}
    }
    found.collections = collections_with(app, &visible, header, derived.repo_pk).await?;
    Ok(found)
}

async fn collections_with(
    app: &App,
    visible: &Visibility,
    header: &RepoHeader,
    repo_pk: i64,
) -> HubResult<Option<InCollections>> {
    let rows = relations::list_collections_with(&app.pool, visible, repo_pk, one_more(MAX_COLLECTIONS)).await?;
    let more = rows.len() > MAX_COLLECTIONS;
    let link = |row: HoldingCollection| CollectionLink {
        href: format!("/collections/{}/{}", row.namespace, row.public_id),
        title: row.title,
        owner: row.namespace,
        private: row.private,
        upvotes: u64::try_from(row.upvotes).unwrap_or(0),
    };
    let named: Vec<CollectionLink> = rows.into_iter().take(MAX_COLLECTIONS).map(link).collect();
    let all_href = more.then(|| format!("/collections?item={}/{}&sort=upvotes", header.kind.plural(), header.id()));
    Ok((!named.is_empty()).then_some(InCollections { named, all_href }))
}

/// The repositories that a card names.
struct Named {
    bases: Vec<String>,
    models: Vec<String>,
    datasets: Vec<String>,
}

impl Named {
    fn of(derived: &ListedRepo) -> Self {
        let ids = |name: &str| -> Vec<String> {
            let list = derived.facts.as_ref().and_then(|facts| facts.get(name)?.as_array());
            list.into_iter().flatten().filter_map(Value::as_str).take(3 * MAX_NAMED).map(str::to_owned).collect()
        };
        Self { bases: ids("base_models"), models: ids("models"), datasets: ids("datasets") }
    }

    fn all(&self) -> Vec<(RepoType, String)> {
        let models = self.bases.iter().chain(&self.models).map(|id| (RepoType::Model, id.clone()));
        models.chain(self.datasets.iter().map(|id| (RepoType::Dataset, id.clone()))).collect()
    }
}

async fn model_tree(
    app: &App,
    (visible, shown): (&Visibility, &Visibility),
    ids: &[String],
    derived: &ListedRepo,
    bases: Vec<RepoLink>,
) -> HubResult<Option<ModelTree>> {
    /// The word of the tags, and what such models are called.
    const WAYS: [(&str, &str); 4] =
        [("finetune", "Fine-tunes"), ("adapter", "Adapters"), ("merge", "Merges"), ("quantized", "Quantisations")];
    let tags = WAYS.map(|(word, _)| ids.iter().map(|id| format!("base_model:{word}:{id}")).collect::<Vec<_>>());
    let counts = relations::count_tagged(&app.pool, shown, RepoType::Model, &tags, MAX_COUNT + 1).await?;
    let mut children = Vec::new();
    for (((_, label), tags), count) in WAYS.iter().zip(&tags).zip(counts).filter(|(_, count)| *count > 0) {
        children.push(ChildCount { label, count: count_text(count), href: list_href(RepoType::Model, "other", tags) });
    }
    let ancestors = ancestors(app, visible, &derived.id(), bases).await?;
    if ancestors.is_empty() && children.is_empty() {
        return Ok(None);
    }
    let word = derived.facts.as_ref().and_then(|facts| facts.get("base_model_relation")?.as_str()).unwrap_or_default();
    let relation = match word {
        "adapter" => Some("Adapter"),
        "merge" => Some("Merge"),
        "quantized" => Some("Quantised"),
        "finetune" => Some("Fine-tuned"),
        _ => None,
    };
    Ok(Some(ModelTree { ancestors, relation, children }))
}

/// What the bases were made from in turn, the oldest first, then the bases. A model with several bases has no line above.
async fn ancestors(app: &App, visible: &Visibility, id: &str, bases: Vec<RepoLink>) -> HubResult<Vec<RepoLink>> {
    let [base] = bases.as_slice() else { return Ok(bases) };
    if base.href.is_none() {
        return Ok(bases);
    }
    let line = relations::list_ancestors(&app.pool, visible, &base.id, MAX_GENERATIONS).await?;
    // Cards may name each other in a circle.
    let mut seen = HashSet::from([id.to_lowercase()]);
    let line: Vec<String> = line.into_iter().take_while(|id| seen.insert(id.to_lowercase())).collect();
    let wanted: Vec<_> = line.iter().map(|id| (RepoType::Model, id.clone())).collect();
    let known = relations::list_known(&app.pool, visible, &wanted).await?;
    let link = |id: String| match known.get(&(RepoType::Model, id.clone())) {
        Some(now) => RepoLink { href: Some(format!("/{now}")), id: now.clone() },
        None => RepoLink { href: None, id },
    };
    Ok(line.into_iter().rev().map(link).collect())
}

type More = Option<(String, Option<String>)>;

async fn spaces_using(app: &App, visible: &Visibility, used: Used, names: &[String]) -> HubResult<(Vec<RepoLink>, More)> {
    /// How many the statement lists.
    const LISTED: usize = 100;
    let ids = relations::list_spaces_using(&app.pool, visible, used, names).await?;
    let more = (ids.len() > MAX_NAMED).then(|| {
        let rest = ids.len() - MAX_NAMED;
        (if ids.len() == LISTED { format!("{rest}+ more") } else { format!("{rest} more") }, None)
    });
    let link = |id: String| RepoLink { href: Some(format!("/spaces/{id}")), id };
    Ok((ids.into_iter().take(MAX_NAMED).map(link).collect(), more))
}

async fn models_trained_on(app: &App, visible: &Visibility, names: &[String]) -> HubResult<(Vec<RepoLink>, More)> {
    let tags: Vec<String> = names.iter().map(|id| format!("dataset:{id}")).collect();
    let limit = one_more(MAX_NAMED);
    let mut ids = relations::list_tagged(&app.pool, visible, RepoType::Model, &tags, limit).await?;
    let more = if ids.len() > MAX_NAMED {
        ids.truncate(MAX_NAMED);
        let href = list_href(RepoType::Model, "other", &tags);
        let counts = relations::count_tagged(&app.pool, visible, RepoType::Model, &[tags], MAX_COUNT + 1).await?;
        Some((format!("All {}", count_text(counts.first().copied().unwrap_or(0))), Some(href)))
    } else {
        None
    };
    let link = |id: String| RepoLink { href: Some(format!("/{id}")), id };
    Ok((ids.into_iter().map(link).collect(), more))
}

fn count_text(count: i64) -> String {
    if count > MAX_COUNT { "1,000+".to_owned() } else { count.to_string() }
}
