//! `/admin/storage`: what the store keeps, whose it is, how it grows, and what garbage collection will free.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use super::frame::{ConsoleNavigation, require_admin};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::HubResult;
use crate::gc::{self, Amount};
use crate::jobs::Job;
use crate::quotas::queries::{self as quotas, DayRow, OwnerRow};
use crate::site::health;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::layout::Layout;

/// Owners that are shown.
const OWNERS: i64 = 20;
/// Days that are shown.
const DAYS: usize = 30;
const PATH: &str = "/admin/storage";

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/storage.html")]
struct StoragePage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// Whether the store can be used.
    store_works: bool,
    /// When it was counted last, if ever.
    counted_at: Option<DateTime<Utc>>,
    /// What the store keeps.
    parts: Vec<Part>,
    /// What all repositories hold together.
    owned_bytes: i64,
    /// Those who have most.
    owners: Vec<OwnerRow>,
    /// What waits for its deletion.
    waiting: Vec<(&'static str, Amount)>,
    /// When garbage was last collected, and what that deleted.
    collected: Option<(DateTime<Utc>, Amount)>,
    /// The last days, the newest first.
    days: Vec<DayItem>,
}

/// A kind of what the store keeps.
#[derive(Debug)]
struct Part {
    label: &'static str,
    count: i64,
    bytes: i64,
}

/// A day.
#[derive(Debug)]
struct DayItem {
    day: NaiveDate,
    bytes: i64,
    /// How many more than on the day before that was counted.
    more: Option<i64>,
}

impl DayItem {
    /// `+3 MiB`
    fn change(&self) -> String {
        match self.more {
            None => "–".to_owned(),
            Some(0) => "0".to_owned(),
            Some(more) => format!("{}{}", if more < 0 { "−" } else { "+" }, filters::size_text(more.unsigned_abs())),
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/storage", crate::web::read().to(show)).route("/admin/storage", web::post().to(post_measure));
}

fn parts(day: &DayRow) -> Vec<Part> {
    vec![
        Part { label: "Large files, whole", count: day.files, bytes: day.file_bytes },
        Part { label: "Large files in chunks (xorbs)", count: day.xorbs, bytes: day.xorb_bytes },
        Part { label: "Git packs", count: day.packs, bytes: day.pack_bytes },
    ]
}

fn growth(rows: &[DayRow]) -> Vec<DayItem> {
    let before = rows.iter().skip(1).map(Some).chain(std::iter::repeat(None));
    let item = |(row, before): (&DayRow, Option<&DayRow>)| DayItem {
        day: row.day,
        bytes: row.stored_bytes(),
        more: before.map(|before| row.stored_bytes().saturating_sub(before.stored_bytes())),
    };
    rows.iter().zip(before).take(DAYS).map(item).collect()
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let app = &page.app;
    let (days, owners, waiting, collected) = tokio::try_join!(
        quotas::list_days(&app.pool, one_more(DAYS)),
        quotas::list_largest_owners(&app.pool, OWNERS),
        gc::list_waiting(app),
        gc::find_last_run(app),
    )?;
    let health = health::look(app).await;
    let today = days.first();
    let shown = StoragePage {
        layout: page.layout("Storage"),
        navigation: ConsoleNavigation::new(PATH),
        store_works: health.store == "ok",
        counted_at: today.map(|day| day.counted_at),
        parts: today.map(parts).unwrap_or_default(),
        owned_bytes: today.map_or(0, |day| day.owned_bytes),
        owners,
        waiting: waiting.into_iter().map(|(item, amount)| (item.words().0, amount)).collect(),
        collected,
        days: growth(&days),
    };
    page.show(shown).await
}

/// Has everything counted now.
async fn post_measure(page: PageRequest, _: CheckedForm) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    Job::MeasureStorage.enqueue(&mut *page.app.pool.acquire().await?).await?;
    page.app.jobs.wake();
    Ok(page.redirect_saying(PATH, "It is being counted. Reload the page in a moment."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_against_the_day_before() {
        let day = |day: u32, pack_bytes| DayRow {
            day: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            counted_at: crate::clock::now(),
            owned_bytes: 0,
            files: 0,
            file_bytes: 1024,
            xorbs: 0,
            xorb_bytes: 0,
            packs: 0,
            pack_bytes,
        };
        let shown = growth(&[day(3, 0), day(2, 1024), day(1, 1024)]);
        assert_eq!(
            shown.iter().map(DayItem::change).collect::<Vec<_>>(),
            [format!("−{}", filters::size_text(1024)), "0".into(), "–".into()]
        );
    }
}
