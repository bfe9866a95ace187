//! `/settings/lineage`: models of the whole hub whose cards do not say what they were made from, for moderators and those who run it.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RepoType;
use serde_json::Value;

use crate::accounts::page::PageRequest;
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::HubResult;
use crate::moderation::roles::moderator;
use crate::repos::lineage::findings::{Cursor, FindingRow, list_undeclared};
use crate::web::filters;
use crate::web::layout::Layout;

/// How many models a page shows.
const PAGE_LEN: usize = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "site/settings_lineage.html")]
pub struct LineageListPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The models.
    pub rows: Vec<Row>,
    /// The first page.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// A model.
#[derive(Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Where the evidence is shown.
    pub href: String,
    /// Whether only members see it.
    pub private: bool,
    /// The id of its likely parent.
    pub parent_id: String,
    /// Its page.
    pub parent_href: String,
    /// Whether only members see that one.
    pub parent_private: bool,
    /// What it is to it.
    pub relation: &'static str,
    /// How sure that is.
    pub certainty: String,
    /// What the two cards say of licences, when it is not the same.
    pub licenses: Option<(String, String)>,
    /// When it was found.
    pub found_at: DateTime<Utc>,
}

/// Mounts it.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/settings/lineage", crate::web::read().to(show_list));
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    let user = moderator(&page)?;
    let query = page.query();
    let after = query.get("after").map(str::parse::<Cursor>).transpose()?;
    let (rows, next) = list_undeclared(&page.app, user, after, PAGE_LEN).await?;
    let shown = LineageListPage {
        layout: page.layout("Lineage"),
        navigation: SettingsNavigation::new(user, "/settings/lineage"),
        rows: rows.into_iter().map(row).collect(),
        previous: after.map(|_| "/settings/lineage".to_owned()),
        next: next.map(|cursor| format!("/settings/lineage?after={}", cursor.encode())),
    };
    page.show(shown).await
}

fn row(found: FindingRow) -> Row {
    let page_of = |id: &str| format!("/{}{id}", RepoType::Model.url_prefix());
    Row {
        href: format!("{}/lineage", page_of(&found.id)),
        private: found.private,
        parent_href: page_of(&found.parent_id),
        parent_private: found.parent_private,
        relation: match found.relation.as_str() {
            "identical" => "Identical",
            "converted" => "Converted",
            _ => "Fine-tune",
        },
        certainty: certainty_text(found.certainty),
        licenses: differing(&texts(found.license), &texts(found.parent_license)),
        found_at: found.found_at,
        id: found.id,
        parent_id: found.parent_id,
    }
}

fn texts(value: Option<Value>) -> Vec<String> {
    serde_json::from_value(value.unwrap_or_default()).unwrap_or_default()
}

fn differing(one: &[String], other: &[String]) -> Option<(String, String)> {
    let sorted = |list: &[String]| {
        let mut list: Vec<String> = list.iter().map(|license| license.to_lowercase()).collect();
        list.sort_unstable();
        list
    };
    let said = |list: &[String]| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    (sorted(one) != sorted(other)).then(|| (said(one), said(other)))
}

/// Never `1` for what is not quite that.
fn certainty_text(certainty: f64) -> String {
    match certainty {
        sure if sure >= 1.0 => "1".to_owned(),
        sure if sure > 0.999 => "> 0.999".to_owned(),
        sure => format!("{sure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_compared_as_sets_of_words() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(differing(&list(&["MIT", "apache-2.0"]), &list(&["apache-2.0", "mit"])), None);
        assert_eq!(differing(&[], &list(&["mit"])), Some(("nothing".to_owned(), "mit".to_owned())));
        assert_eq!([1.0, 0.99999, 0.5].map(certainty_text), ["1", "> 0.999", "0.500"]);
    }
}
