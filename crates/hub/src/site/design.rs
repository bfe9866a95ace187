//! `/design`: every component of the design system in its states, made by the templates that pages use. For administrators,
//! and for everybody where the setting `design_page` says so.

mod samples;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use hub_cards::Table;

use crate::accounts::page::PageRequest;
use crate::activity::feed::FeedPage;
use crate::collections::pages::view::CollectionCard;
use crate::downloads::chart::DownloadChart;
use crate::error::{HubError, HubResult};
use crate::licences::terms::Allowed;
use crate::repos::pages::view::{Crumb, RepoHeader, RepoSummary, RevisionPicker};
use crate::search::terms::{Term, decimal, total};
use crate::site::profile::FollowView;
use crate::web::assets::Assets;
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::{Flash, Layout};

/// Names of colours, as `tokens.css` has them, by what they are for.
const COLOURS: &[(&str, &[&str])] = &[
    ("Surfaces", &["page", "surface", "surface-sunken", "surface-hover", "surface-selected"]),
    ("Lines", &["border", "border-strong", "border-input"]),
    ("Text", &["text", "text-muted", "text-subtle", "link"]),
    ("Accent", &["accent", "accent-strong", "accent-soft", "focus"]),
    ("Kinds", &["model", "model-soft", "dataset", "dataset-soft", "space", "space-soft", "bucket", "bucket-soft"]),
    (
        "Meaning",
        &["danger", "danger-solid", "danger-soft", "warning", "warning-soft", "success", "success-soft", "info", "info-soft"],
    ),
];
/// Steps of the type scale.
const TYPE: &[&str] = &["xs", "sm", "base", "md", "lg", "xl", "2xl", "3xl"];
/// Where the sections are.
const SECTIONS: &[(&str, &str)] = &[
    ("type", "Type"),
    ("colours", "Colours"),
    ("space", "Space"),
    ("icons", "Icons"),
    ("buttons", "Buttons"),
    ("forms", "Forms"),
    ("facets", "Facets"),
    ("navigation", "Navigation"),
    ("cards", "Cards and chips"),
    ("tables", "Tables and charts"),
    ("rows", "Rows of data"),
    ("changes", "Commits and changes"),
    ("people", "People and collections"),
    ("code", "Code"),
    ("messages", "Messages and states"),
    ("dialogs", "Dialogs and waiting"),
    ("toasts", "Toasts"),
    ("rtl", "Right to left"),
];

/// The page.
#[derive(Debug, Template)]
#[template(path = "site/design.html")]
struct DesignPage {
    layout: Layout,
    sections: &'static [(&'static str, &'static str)],
    sizes: &'static [&'static str],
    colours: &'static [(&'static str, &'static [&'static str])],
    icons: Vec<String>,
    fields: Vec<Field>,
    choice: Field,
    choices: Vec<Choice>,
    text: Field,
    themes: Vec<Choice>,
    cards: Vec<RepoSummary>,
    crumbs: Vec<Crumb>,
    picker: RevisionPicker,
    flashes: Vec<Flash>,
    allowed: [Allowed; 4],
    terms: Vec<Term>,
    sum: String,
    moments: Vec<DateTime<Utc>>,
    facets: Vec<samples::Facet>,
    bounds: Vec<samples::Bound>,
    /// How a page knows one who is logged in, and anybody.
    layouts: [Layout; 2],
    /// A model that the viewer likes, and one that they do not.
    headers: [RepoHeader; 2],
    charts: [DownloadChart; 2],
    rows: Table,
    days: Vec<samples::Day>,
    changes: Vec<samples::Change>,
    people: Vec<samples::Person>,
    follows: Vec<FollowView>,
    picture: samples::Picture,
    feed: FeedPage,
    collections: Vec<CollectionCard>,
    toasts: [Flash; 2],
}

/// Mounts it.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/design", crate::web::read().to(show_design));
}

async fn show_design(page: PageRequest) -> HubResult<HttpResponse> {
    let is_admin = page.viewer.user.as_ref().is_some_and(|user| user.is_admin);
    if !is_admin && !page.app.config.design_page {
        return Err(HubError::not_found("There is nothing at this address."));
    }
    let terms =
        vec![Term::new("Used", "1.3 x log10(1 + 12345 downloads)", 532), Term::new("Licence", "forbids commercial use", -100)];
    page.show(DesignPage {
        layout: page.layout("Design"),
        sections: SECTIONS,
        sizes: TYPE,
        colours: COLOURS,
        icons: icons(),
        fields: samples::fields(),
        choice: Field::new("kind", "A choice").hint("What it is for."),
        choices: ["One", "Two", "Three"].map(|label| Choice::new(label, label, "Two")).into(),
        text: Field::new("details", "Several lines").value("A few words\nabout something."),
        themes: samples::themes(),
        cards: samples::cards(),
        crumbs: samples::crumbs(),
        picker: samples::picker(),
        flashes: vec![
            Flash { kind: "success", text: "The model was renamed.".to_owned() },
            Flash { kind: "error", text: "The name `bert` is taken.".to_owned() },
        ],
        allowed: [Allowed::Yes, Allowed::Limited, Allowed::Unclear, Allowed::No],
        sum: decimal(total(&terms)),
        terms,
        moments: [5, 3_700, 200_000, 9_000_000].map(|secs| Utc::now() - TimeDelta::seconds(secs)).into(),
        facets: samples::facets(),
        bounds: samples::bounds(),
        layouts: samples::layouts(),
        headers: samples::headers(),
        charts: samples::charts(),
        rows: samples::rows(),
        days: samples::days(),
        changes: samples::changes(),
        people: samples::people(),
        follows: samples::follows(),
        picture: samples::picture(),
        feed: FeedPage::default(),
        collections: samples::collections(),
        toasts: [
            Flash { kind: "success", text: "Copied".to_owned() },
            Flash { kind: "error", text: "It could not be copied: select the text instead.".to_owned() },
        ],
    })
    .await
}

/// Every icon of the sprite.
fn icons() -> Vec<String> {
    let sprite = Assets::get().find("img/icons.svg").map(|asset| String::from_utf8_lossy(&asset.bytes)).unwrap_or_default();
    let names = sprite.split("<symbol id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// What a page has as a whole, and what repeats no markup of its own.
    const ELSEWHERE: &[&str] = &[
        "card_parts",
        "consent",
        "conversion",
        "discussion",
        "gate",
        "mail_notice",
        "passkey",
        "publishers",
        "remarks",
        "removed",
        "rename",
        "security",
        "site",
        "target",
        "tensors",
        "tokens",
        "watch",
        "why",
    ];

    #[test]
    fn every_component_is_shown() {
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
        let page = std::fs::read_to_string(templates.join("site/design.html")).unwrap();
        for entry in std::fs::read_dir(templates.join("components")).unwrap() {
            let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
            let is_shown = page.contains(&format!("\"components/{name}.html\""));
            assert_ne!(is_shown, ELSEWHERE.contains(&name.as_str()), "{name}");
        }
    }
}
