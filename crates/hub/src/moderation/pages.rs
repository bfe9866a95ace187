//! Pages of moderation: reporting, what became of it, and what moderators look at.

mod appeal;
mod case;
mod log;
mod own;
mod queue;
mod replies;
mod report;
mod statistics;

use actix_web::web;

use super::category::Category;
use super::queries::lists::Waiting;
use crate::web::form::Choice;

/// Mounts them.
pub fn routes(config: &mut web::ServiceConfig) {
    report::routes(config);
    own::routes(config);
    queue::routes(config);
    case::routes(config);
    log::routes(config);
    statistics::routes(config);
    appeal::routes(config);
    replies::routes(config);
}

/// The path of the settings' link to moderation.
const PATH: &str = "/moderation";

/// A link between the moderators' pages.
#[derive(Debug)]
pub struct Tab {
    /// Where it leads.
    pub href: &'static str,
    /// Its text.
    pub label: &'static str,
    /// How many wait there.
    pub count: i64,
    /// Whether this page is it.
    pub current: bool,
}

/// The links between the moderators' pages.
fn tabs(current: &str, waiting: Waiting) -> Vec<Tab> {
    let tab = |href, label, count| Tab { href, label, count, current: current == href };
    vec![
        tab(PATH, "Queue", waiting.cases),
        tab("/moderation/appeals", "Appeals", waiting.appeals),
        tab("/moderation/decided", "Decided", 0),
        tab("/moderation/log", "Log", 0),
        tab("/moderation/statistics", "Statistics", 0),
        tab("/moderation/replies", "Replies", 0),
    ]
}

/// All categories, to choose one.
fn categories(current: &str) -> Vec<Choice> {
    Category::ALL.iter().map(|category| Choice::new(category.as_str(), category.label(), current)).collect()
}
