//! `/design`: every component of the design system in its states, made by the templates that pages use. For administrators,
//! and for everybody where the setting `design_page` says so.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use hub_types::RepoType;

use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::licences::terms::Allowed;
use crate::repos::pages::view::{Crumb, RefLink, RepoSummary, RevisionPicker, SnippetPart};
use crate::search::terms::{Term, decimal, total};
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
    ("navigation", "Navigation"),
    ("cards", "Cards and chips"),
    ("tables", "Tables and charts"),
    ("code", "Code"),
    ("messages", "Messages and states"),
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
    cards: Vec<RepoSummary>,
    crumbs: Vec<Crumb>,
    picker: RevisionPicker,
    flashes: Vec<Flash>,
    allowed: [Allowed; 4],
    terms: Vec<Term>,
    sum: String,
    moments: Vec<DateTime<Utc>>,
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
        fields: fields(),
        choice: Field::new("kind", "A choice").hint("What it is for."),
        choices: ["One", "Two", "Three"].map(|label| Choice::new(label, label, "Two")).into(),
        text: Field::new("details", "Several lines").value("A few words\nabout something."),
        cards: cards(),
        crumbs: crumbs(),
        picker: picker(),
        flashes: vec![
            Flash { kind: "success", text: "The model was renamed.".to_owned() },
            Flash { kind: "error", text: "The name `bert` is taken.".to_owned() },
        ],
        allowed: [Allowed::Yes, Allowed::Limited, Allowed::Unclear, Allowed::No],
        sum: decimal(total(&terms)),
        terms,
        moments: [5, 3_700, 200_000, 9_000_000].map(|secs| Utc::now() - TimeDelta::seconds(secs)).into(),
    })
    .await
}

/// Every icon of the sprite.
fn icons() -> Vec<String> {
    let sprite = Assets::get().find("img/icons.svg").map(|asset| String::from_utf8_lossy(&asset.bytes)).unwrap_or_default();
    let names = sprite.split("<symbol id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("empty", "Empty"),
        Field::new("filled", "Filled, with a hint").value("harbour-7b").hint("Letters, digits, `-`, `_` and `.`."),
        Field::new("wrong", "Refused").value("no spaces here").error(Some("A name has no spaces in it.".to_owned())),
    ]
}

fn cards() -> Vec<RepoSummary> {
    let card = |kind, name: &str, task: Option<&str>, private| RepoSummary {
        kind,
        namespace: "acme".to_owned(),
        name: name.to_owned(),
        private,
        task: task.map(str::to_owned),
        library: Some("Transformers".to_owned()).filter(|_| kind == RepoType::Model),
        parameters: Some(8_030_261_248).filter(|_| kind == RepoType::Model),
        size_bytes: 16_060_522_496,
        downloads: 1_234_567,
        likes: 321,
        updated_at: Utc::now() - TimeDelta::hours(5),
        snippet: Vec::new(),
        why_href: None,
    };
    let part = |text: &str, marked| SnippetPart { text: text.to_owned(), marked };
    let mut found = card(RepoType::Model, "harbour-8b-instruct", Some("Text Generation"), false);
    found.snippet = vec![part("Answers questions about ", false), part("volcanoes", true), part(" in plain words.", false)];
    vec![
        found,
        card(RepoType::Dataset, "ship-logs-of-the-northern-harbours-1850-to-1914", Some("Text Classification"), true),
        RepoSummary { downloads: 0, likes: 0, ..card(RepoType::Space, "demo", None, false) },
        card(RepoType::Bucket, "training-run", None, false),
    ]
}

fn crumbs() -> Vec<Crumb> {
    let link = |label: &str| Crumb { label: label.to_owned(), href: Some("/design".to_owned()) };
    vec![link("harbour-8b"), link("checkpoints"), Crumb { label: "model.safetensors".to_owned(), href: None }]
}

fn picker() -> RevisionPicker {
    let link = |name: &str, current| RefLink { name: name.to_owned(), href: "/design".to_owned(), current };
    RevisionPicker {
        label: "main".to_owned(),
        detached: false,
        branches: vec![link("main", true), link("experiment", false)],
        tags: vec![link("v1.0", false)],
        all_href: "/design".to_owned(),
        compare_href: "/design".to_owned(),
    }
}
