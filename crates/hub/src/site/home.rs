//! The first page: what this is for strangers, what is new for members.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_types::RepoType;

use crate::accounts::User;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::pages::lists;
use crate::repos::pages::view::{OwnRepo, RepoColumn};
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
    /// What is new.
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
    /// Commands for somebody who has none yet.
    pub first_push: String,
    /// What is new.
    pub columns: Vec<RepoColumn>,
}

/// How many repositories of each kind are shown.
const COLUMN_LEN: usize = 6;
/// How many of the viewer's own are shown.
const OWN_LEN: i64 = 20;

/// Mounts `/`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", crate::web::read().to(show_home));
}

async fn show_home(page: PageRequest) -> HubResult<HttpResponse> {
    let mut columns = Vec::new();
    for kind in RepoType::WITH_GIT {
        let repos = lists::latest(&page.app, &page.viewer, kind, None, COLUMN_LEN).await?;
        columns.push(RepoColumn::latest(kind, repos));
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
    let shown = DashboardPage {
        layout: page.layout("Home"),
        own: lists::own(&page.app, &page.viewer, OWN_LEN).await?,
        organizations: user.memberships.iter().map(|membership| membership.name.clone()).collect(),
        first_push: format!("export HF_ENDPOINT={}\nhf auth login\nhf upload {}/my-first-model .", page.base.as_str(), user.name),
        columns,
    };
    page.show(shown).await
}
