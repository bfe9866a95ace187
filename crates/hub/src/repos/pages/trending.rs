//! Why a repository has its place in lists: the arithmetic of its trending score.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::queries::trending::{ActivityRow, list_activity};
use crate::repos::trending::{Terms, WHOLE_DOWNLOADS, WHOLE_LIKES, worth};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/trending.html")]
struct TrendingPage {
    /// The frame.
    layout: Layout,
    /// The head.
    header: RepoHeader,
    /// The terms, in the order of the rule.
    terms: Vec<Term>,
    /// How many days old an account must be for what it likes to count; 0: any.
    account_days: u64,
    /// Their sum.
    score: i64,
    /// The score that lists have; it was counted a while ago.
    listed: i64,
}

/// A term of the score.
#[derive(Debug)]
struct Term {
    label: &'static str,
    /// What was counted.
    counted: String,
    /// How points are made of it.
    formula: String,
    points: i64,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/trending"), crate::web::read().to(show_trending));
    }
}

async fn show_trending(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let (header, _) = header_of(&page, &read, RepoTab::Other).await?;
    let missing = || HubError::repo_not_found(page.viewer.is_anonymous());
    let activity = list_activity(&page.app.pool, &[read.repo.pk], worth(&page.app.config)).await?.pop().ok_or_else(missing)?;
    let terms = Terms::of(&activity);
    let shown = TrendingPage {
        layout: layout_of(&page, &read.repo, "Trending score"),
        header,
        score: terms.sum(),
        listed: activity.trending,
        terms: rows(&activity, terms, page.app.config.trending_account_days, page.viewer.is_moderator()),
        account_days: page.app.config.trending_account_days,
    };
    page.show(shown).await
}

fn rows(activity: &ActivityRow, terms: Terms, account_days: u64, moderates: bool) -> Vec<Term> {
    let ActivityRow { weighted_likes, damped_likes, weighted_downloads, damped_downloads, age_days, .. } = activity;
    let mut rows = vec![Term {
        label: "Likes",
        counted: format!("{} in 28 days, worth {weighted_likes:.2} by age", likes(activity.recent_likes)),
        formula: format!("10 × {weighted_likes:.2}"),
        points: terms.likes,
    }];
    if terms.like_bursts != 0 {
        rows.push(Term {
            label: "Many likes on one day",
            counted: format!("Above {WHOLE_LIKES} on a day only their logarithm adds: worth {damped_likes:.2}"),
            formula: format!("10 × {damped_likes:.2} − 10 × {weighted_likes:.2}"),
            points: terms.like_bursts,
        });
    }
    rows.extend(left_out(activity, account_days, moderates));
    let downloads = if activity.scored_downloads == 1 { "download" } else { "downloads" };
    rows.push(Term {
        label: "Downloads",
        counted: format!("{} {downloads} in 28 days, worth {weighted_downloads:.2} by age", activity.scored_downloads),
        formula: format!("10 × log₂(1 + {weighted_downloads:.2})"),
        points: terms.downloads,
    });
    if terms.download_bursts != 0 {
        rows.push(Term {
            label: "Many downloads on one day",
            counted: format!("Above {WHOLE_DOWNLOADS} on a day only their logarithm adds: worth {damped_downloads:.2}"),
            formula: format!("10 × log₂(1 + {damped_downloads:.2}) − 10 × log₂(1 + {weighted_downloads:.2})"),
            points: terms.download_bursts,
        });
    }
    rows.push(Term {
        label: "New",
        counted: format!("{age_days:.1} days old"),
        formula: if *age_days < 28.0 { format!("20 × ½^({age_days:.1} ÷ 7)") } else { "none after 28 days".to_owned() },
        points: terms.newness,
    });
    rows
}

/// The likes that do not count. Only moderators see apart those of accounts that never count, which would tell others too easily
/// whom they have limited.
fn left_out(activity: &ActivityRow, account_days: u64, moderates: bool) -> impl Iterator<Item = Term> {
    let days = if account_days == 1 { "day" } else { "days" };
    let young = format!("accounts that were younger than {account_days} {days}");
    let own = ("Likes of its own people", activity.own_likes, "its owner, the owner's members or who made it".to_owned());
    let others = if moderates {
        let barred = "service accounts, and accounts that moderators hold back".to_owned();
        vec![("Likes of young accounts", activity.young_likes, young), ("Likes that never count", activity.barred_likes, barred)]
    } else {
        let count = activity.young_likes + activity.barred_likes;
        vec![("Likes of young or service accounts", count, format!("{young}, or never count, as service accounts"))]
    };
    std::iter::once(own).chain(others).filter(|(_, count, _)| *count > 0).map(|(label, count, whose)| Term {
        label,
        counted: format!("{} of {whose}", likes(count)),
        formula: "left out".to_owned(),
        points: 0,
    })
}

fn likes(count: i64) -> String {
    format!("{count} {}", if count == 1 { "like" } else { "likes" })
}
