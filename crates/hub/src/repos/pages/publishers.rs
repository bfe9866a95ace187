//! Whom a repository trusts to publish to it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::sudo;
use crate::error::HubResult;
use crate::publishers::operations::{self, Owner, Typed};
use crate::publishers::{Publishers, read_form};
use crate::repos::{Repo, RepoAdmin};
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::Refusal;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/publishers.html")]
struct PublishersPage {
    layout: Layout,
    header: RepoHeader,
    publishers: Publishers,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config
            .route(&format!("{base}/settings/publishers"), crate::web::read().to(show_publishers))
            .route(&format!("{base}/settings/publishers"), web::post().to(post_publisher))
            .route(&format!("{base}/settings/publishers/{{publisher}}/remove"), web::post().to(post_remove));
    }
}

fn path_of(repo: &Repo) -> String {
    format!("{}/settings/publishers", repo.path())
}

async fn show_publishers(page: PageRequest, admin: RepoAdmin) -> HubResult<HttpResponse> {
    page.require_session()?;
    show(&page, &admin, &Typed::default(), &Refusal::default()).await
}

async fn show(page: &PageRequest, admin: &RepoAdmin, typed: &Typed, refusal: &Refusal) -> HubResult<HttpResponse> {
    let (header, _) = header_of(page, admin, RepoTab::Settings).await?;
    let owner = Owner::Repo(admin.repo.pk);
    let shown = PublishersPage {
        layout: layout_of(page, &admin.repo, "Trusted publishers"),
        header,
        publishers: Publishers::load(page, owner, path_of(&admin.repo), typed, refusal).await?,
    };
    page.show_with(refusal.status, shown).await
}

async fn post_publisher(page: PageRequest, admin: RepoAdmin, form: CheckedForm) -> HubResult<HttpResponse> {
    // It lets programs in that nobody looks at.
    let user = sudo::require(&page, &path_of(&admin.repo)).await?;
    if let Some(publisher_pk) = form.restored() {
        return match operations::restore(&page.app, Owner::Repo(admin.repo.pk), publisher_pk).await {
            Ok(()) => Ok(page.redirect_saying(&path_of(&admin.repo), "The publisher is trusted again.")),
            Err(error) => show(&page, &admin, &Typed::default(), &Refusal::of(error)?).await,
        };
    }
    let typed = read_form(&form);
    match operations::add(&page.app, Owner::Repo(admin.repo.pk), user, &typed).await {
        Ok(()) => Ok(page.redirect_saying(&path_of(&admin.repo), "The publisher is trusted now.")),
        Err(error) => show(&page, &admin, &typed, &Refusal::of(error)?).await,
    }
}

async fn post_remove(page: PageRequest, admin: RepoAdmin, _form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let publisher_pk = raw_param(page.http(), "publisher").parse::<i64>().unwrap_or_default();
    operations::remove(&page.app, Owner::Repo(admin.repo.pk), publisher_pk).await?;
    Ok(page.redirect_saying(&path_of(&admin.repo), "The publisher is trusted no more, and its tokens open nothing."))
}
