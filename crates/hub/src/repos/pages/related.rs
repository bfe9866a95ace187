//! `/{repo}/related`: datasets for a model and models like it; models trained on a dataset.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::RepoType;

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoSummary, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::related::datasets::{Own, datasets_for};
use crate::repos::related::models::similar_models;
use crate::repos::related::{Suggested, trained_on};
use crate::search::terms::{self, Term};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many are shown in each section.
const SHOWN: usize = 10;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/related.html")]
struct RelatedPage {
    layout: Layout,
    header: RepoHeader,
    sections: Vec<Section>,
}

/// Repositories that go with this one for one reason.
#[derive(Debug)]
struct Section {
    id: &'static str,
    title: String,
    lead: &'static str,
    empty: &'static str,
    more: Option<String>,
    rows: Vec<Row>,
}

/// A repository with its reasons.
#[derive(Debug)]
struct Row {
    summary: RepoSummary,
    terms: Vec<Term>,
    total: String,
}

impl From<Suggested> for Row {
    fn from(suggested: Suggested) -> Self {
        let total = terms::decimal(suggested.total());
        Self { summary: RepoSummary::from(suggested.repo), terms: suggested.terms, total }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/related"), crate::web::read().to(show_related));
    }
}

async fn show_related(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (header, derived) = header_of(&page, &read, RepoTab::Card).await?;
    let (app, viewer) = (&page.app, &page.viewer);
    let sections = match header.kind {
        RepoType::Model => {
            let datasets = datasets_for(app, viewer, &derived, Own::LeftOut, SHOWN).await?;
            let models = similar_models(app, viewer, &derived, SHOWN).await?;
            vec![
                section(
                    "datasets-for",
                    "Datasets for this model".to_owned(),
                    "By what models like it declare, and by task, language, field, licence and format. Those that its card names are left out.",
                    "Nothing here is known to go with it. A task and a language in its card help to find something.",
                    datasets,
                ),
                section(
                    "similar",
                    "Similar models".to_owned(),
                    "By what they were made from, what they are for, and what they were trained on.",
                    "No other model has anything in common with it.",
                    models,
                ),
            ]
        }
        RepoType::Dataset => vec![trained(&page, &header.id()).await?],
        RepoType::Space | RepoType::Bucket => return Err(HubError::not_found("There is nothing at this address.")),
    };
    page.show(RelatedPage { layout: layout_of(&page, &read.repo, "Related"), header, sections }).await
}

async fn trained(page: &PageRequest, id: &str) -> HubResult<Section> {
    let (total, rows) = trained_on(&page.app, &page.viewer, id, SHOWN).await?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("dataset", id);
    Ok(Section {
        id: "trained",
        title: format!("Models trained on this dataset ({total})"),
        lead: "Their cards name it. The most used come first.",
        empty: "No model that you can see names this dataset in its card.",
        more: (total > SHOWN as u64).then(|| format!("/models?{}", query.finish())),
        rows: rows
            .into_iter()
            .map(|repo| Row { summary: RepoSummary::from(repo), terms: Vec::new(), total: String::new() })
            .collect(),
    })
}

fn section(id: &'static str, title: String, lead: &'static str, empty: &'static str, found: Vec<Suggested>) -> Section {
    Section { id, title, lead, empty, more: None, rows: found.into_iter().map(Row::from).collect() }
}
