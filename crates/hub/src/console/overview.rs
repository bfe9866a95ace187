//! `/admin`: how the hub does, at a glance.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::frame::{ConsoleNavigation, require_admin};
use super::queries::{self, CountRow};
use crate::accounts::page::PageRequest;
use crate::app::App;
use crate::doctor::{self, Finding, Verdict};
use crate::error::HubResult;
use crate::jobs;
use crate::site::health;
use crate::web::filters::{self, short_count, size_text};
use crate::web::layout::Layout;

/// What there is more of is not counted: the database's statistics say how many.
const COUNTED: i64 = 10_000;
/// An index that has more to read is worth a look.
const FAR_BEHIND: i64 = 1_000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// The program's version.
    version: &'static str,
    /// Numbers.
    stats: Vec<Stat>,
    /// What the hub leans on.
    parts: Vec<Part>,
}

/// A number.
#[derive(Debug)]
struct Stat {
    value: String,
    label: String,
}

/// Something that the hub leans on.
#[derive(Debug)]
struct Part {
    /// What it is.
    name: &'static str,
    verdict: Verdict,
    /// What was seen.
    message: String,
    /// A time that goes with it.
    at: Option<DateTime<Utc>>,
    /// What to do about it.
    mend: Option<String>,
    /// The page that shows more.
    href: Option<&'static str>,
}

impl Part {
    fn new(name: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { name, verdict, message: message.into(), at: None, mend: None, href: None }
    }

    fn mend(mut self, text: &str) -> Self {
        self.mend = Some(text.to_owned());
        self
    }

    fn badge(&self) -> &'static str {
        match self.verdict {
            Verdict::Pass => "badge-accent",
            Verdict::Warn => "badge-warning",
            Verdict::Fail => "badge-danger",
        }
    }

    fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Pass => "In order",
            Verdict::Warn => "Look at it",
            Verdict::Fail => "Broken",
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin", crate::web::read().to(show));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let app = &page.app;
    let (counts, database, collected, (waiting, dead)) = tokio::try_join!(
        queries::count_rows(&app.pool, COUNTED),
        queries::find_database(&app.pool),
        queries::find_last_collection(&app.pool),
        jobs::queries::count(&app.pool),
    )?;
    let (health, behind, disk) = tokio::join!(health::look(app), app.search.behind(&app.pool), look_at_disk(app));
    let (version, bytes) = database;
    let version = version.split_whitespace().next().unwrap_or_default();
    let mut parts = vec![
        from_health("Database", health.database, format!("PostgreSQL {version}, {}", size_text(bytes.unsigned_abs()))),
        from_health("Schema", health.migrations, "All migrations have run".to_owned()),
        from_health("Object store", health.store, "Can be written and read".to_owned()),
    ];
    parts.extend(disk.map(from_finding));
    parts.push(search(behind));
    parts.push(background(waiting, dead));
    parts.push(mail(app));
    parts.push(collection(collected));
    let shown = OverviewPage {
        layout: page.layout("Admin console"),
        navigation: ConsoleNavigation::new("/admin"),
        version: env!("CARGO_PKG_VERSION"),
        stats: counts.iter().map(stat).collect(),
        parts,
    };
    page.show(shown).await
}

fn count(number: i64) -> String {
    short_count(number.unsigned_abs())
}

fn stat(row: &CountRow) -> Stat {
    let value = match row.found {
        all if all < COUNTED => count(all),
        most => format!("≈ {}", count(row.estimate.max(most))),
    };
    Stat { value, label: row.label.clone() }
}

async fn look_at_disk(app: &App) -> Option<Finding> {
    let config = Arc::clone(&app.config);
    tokio::task::spawn_blocking(move || doctor::look_at_disk(&config)).await.ok()
}

fn from_health(name: &'static str, found: &str, fine: String) -> Part {
    match found {
        "ok" => Part::new(name, Verdict::Pass, fine),
        "pending" => Part::new(name, Verdict::Fail, "Migrations have not run").mend("Run `hub migrate`."),
        _ => Part::new(name, Verdict::Fail, "Does not answer").mend("The log says why; `hub doctor` looks at every part."),
    }
}

fn from_finding(finding: Finding) -> Part {
    Part { mend: finding.mend, ..Part::new("Disk of this node", finding.verdict, finding.message) }
}

fn search(behind: Option<i64>) -> Part {
    match behind {
        None => Part::new("Search index", Verdict::Warn, "It is being built, and lists answer without it"),
        Some(0) => Part::new("Search index", Verdict::Pass, "Up to date"),
        Some(behind @ ..FAR_BEHIND) => Part::new("Search index", Verdict::Pass, format!("{} changes to read", count(behind))),
        Some(behind) => Part::new("Search index", Verdict::Warn, format!("{} changes to read", count(behind)))
            .mend("It catches up by itself. When the number only grows, the log of this node says why."),
    }
}

fn background(waiting: i64, dead: i64) -> Part {
    let (verdict, failed) = match dead {
        0 => (Verdict::Pass, "none has failed for good".to_owned()),
        1 => (Verdict::Warn, "one has failed for good".to_owned()),
        dead => (Verdict::Warn, format!("{} have failed for good", count(dead))),
    };
    let part = Part::new("Background jobs", verdict, format!("{} to do, {failed}", count(waiting)));
    Part { href: Some("/admin/jobs"), ..part }
}

fn mail(app: &App) -> Part {
    if app.mailer.reaches_people() {
        return Part::new("Mail", Verdict::Pass, "Goes out by a mail server");
    }
    Part::new("Mail", Verdict::Warn, "Is kept in a folder and reaches nobody")
        .mend("Set mail.smtp_url; docs/settings.md says how.")
}

fn collection(at: Option<DateTime<Utc>>) -> Part {
    let message = if at.is_some() { "Last done" } else { "Not done yet: it comes up once a day" };
    Part { at, ..Part::new("Garbage collection", Verdict::Pass, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_many_is_estimated() {
        let value = |found, estimate| stat(&CountRow { label: String::new(), found, estimate }).value;
        assert_eq!([value(3, -1), value(9_999, 4), value(10_000, 2_000_000), value(10_000, -1)], ["3", "9.99k", "≈ 2M", "≈ 10k"]);
    }
}
