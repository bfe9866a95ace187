//! The first page: what this is for strangers, what is new for members.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::RepoType;

use crate::accounts::User;
use crate::accounts::page::PageRequest;
use crate::activity::feed::{self, FeedPage};
use crate::error::HubResult;
use crate::repos::pages::lists;
use crate::repos::pages::view::{OwnRepo, RepoColumn};
use crate::web::cursor::TimeCursor;
use crate::web::filters;
use crate::web::layout::Layout;

/// The page for people who are not logged in.
#[derive(Debug, Template)]
#[template(path = "site/home.html")]
pub struct HomePage {
    /// The frame.
    pub layout: Layout,
    /// The hub's own address.
    pub hub_url: String,
    /// What is much liked and downloaded.
    pub columns: Vec<RepoColumn>,
}

/// The page for people who are.
#[derive(Debug, Template)]
#[template(path = "site/dashboard.html")]
pub struct DashboardPage {
    /// The frame.
    pub layout: Layout,
    /// The viewer's own repositories.
    pub own: Vec<OwnRepo>,
    /// The viewer's organisations.
    pub organizations: Vec<String>,
    /// What those did whom the viewer follows.
    pub feed: FeedPage,
    /// Where the feed goes on.
    pub feed_next: Option<String>,
    /// Commands for somebody who has none yet.
    pub first_push: String,
    /// What is new.
    pub columns: Vec<RepoColumn>,
}

/// How many repositories of each kind are shown.
const COLUMN_LEN: usize = 6;
/// How many entries of the feed are shown.
const FEED_LEN: usize = 20;
/// How many of the viewer's own are shown.
const OWN_LEN: i64 = 20;

/// Mounts `/`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", crate::web::read().to(show_home));
}

async fn show_home(page: PageRequest) -> HubResult<HttpResponse> {
    let mut columns = Vec::new();
    for kind in RepoType::WITH_GIT {
        let column = match page.viewer.is_anonymous() {
            true => RepoColumn::trending(kind, lists::most_active(&page.app, &page.viewer, kind, COLUMN_LEN).await?),
            false => RepoColumn::latest(kind, lists::latest(&page.app, &page.viewer, kind, None, COLUMN_LEN).await?),
        };
        columns.push(column);
    }
    match &page.viewer.user {
        Some(user) => show_dashboard(&page, user, columns).await,
        None => {
            let mut layout = page.layout("Models, datasets and apps on your own machines");
            layout.description = "A self-hosted home for machine learning models, datasets and apps.".to_owned();
            page.show(HomePage { layout, hub_url: page.base.as_str().to_owned(), columns }).await
        }
    }
}

async fn show_dashboard(page: &PageRequest, user: &User, columns: Vec<RepoColumn>) -> HubResult<HttpResponse> {
    let after = TimeCursor::read(&page.query(), "after")?;
    let feed = feed::of_user(&page.app, &page.viewer, user.pk, after, FEED_LEN).await?;
    let shown = DashboardPage {
        layout: page.layout("Home"),
        feed_next: feed.next.map(|next| format!("/?after={}", next.encode())),
        feed,
        own: lists::own(&page.app, &page.viewer, OWN_LEN).await?,
        organizations: user.memberships.iter().map(|membership| membership.name.clone()).collect(),
        first_push: format!("export HF_ENDPOINT={}\nhf auth login\nhf upload {}/my-first-model .", page.base.as_str(), user.name),
        columns,
    };
    page.show(shown).await
}
