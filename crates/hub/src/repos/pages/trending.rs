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
use crate::repos::trending::Terms;
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
    let activity = list_activity(&page.app.pool, &[read.repo.pk]).await?.pop().ok_or_else(missing)?;
    let terms = Terms::of(&activity);
    let shown = TrendingPage {
        layout: layout_of(&page, &read.repo, "Trending score"),
        header,
        score: terms.sum(),
        listed: activity.trending,
        terms: rows(&activity, terms),
    };
    page.show(shown).await
}

fn rows(activity: &ActivityRow, terms: Terms) -> Vec<Term> {
    let ActivityRow { recent_likes, weighted_likes, weighted_downloads, scored_downloads, age_days, .. } = activity;
    let likes = if *recent_likes == 1 { "like" } else { "likes" };
    let downloads = if *scored_downloads == 1 { "download" } else { "downloads" };
    vec![
        Term {
            label: "Likes",
            counted: format!("{recent_likes} {likes} in 28 days, worth {weighted_likes:.2} by age"),
            formula: format!("10 × {weighted_likes:.2}"),
            points: terms.likes,
        },
        Term {
            label: "Downloads",
            counted: format!("{scored_downloads} {downloads} in 28 days, worth {weighted_downloads:.2} by age"),
            formula: format!("10 × log₂(1 + {weighted_downloads:.2})"),
            points: terms.downloads,
        },
        Term {
            label: "New",
            counted: format!("{age_days:.1} days old"),
            formula: if *age_days < 28.0 { format!("20 × ½^({age_days:.1} ÷ 7)") } else { "none after 28 days".to_owned() },
            points: terms.newness,
        },
    ]
}
