//! What those see whom a decision concerns: the page to appeal, and the notice in the place of a repository.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use hub_types::RepoType;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::find_user;
use crate::error::{HubError, HubResult};
use crate::moderation::acts::Act;
use crate::moderation::appeals;
use crate::moderation::category::Category;
use crate::moderation::queries::appeals::AppealRow;
use crate::moderation::queries::{self, ActRow};
use crate::repos::access;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page on which somebody appeals.
#[derive(Debug, Template)]
#[template(path = "moderation/appeal.html")]
struct AppealPage {
    layout: Layout,
    path: String,
    act: ActRow,
    appeal: Option<AppealRow>,
    error: Option<String>,
    text: Field,
    /// Where somebody who is suspended gets a copy of their data.
    data: Option<String>,
}

impl AppealPage {
    fn done(&self) -> &'static str {
        Act::done(&self.act.act)
    }

    fn category(&self) -> &'static str {
        Category::label_of(&self.act.category)
    }
}

/// Why a repository is disabled.
#[derive(Debug, Template)]
#[template(path = "moderation/notice.html")]
struct NoticePage {
    layout: Layout,
    id: String,
    kind: &'static str,
    category: &'static str,
    reason: String,
    at: Option<DateTime<Utc>>,
    /// Where its owner appeals.
    appeal: Option<String>,
    /// Where its owner sees it.
    href: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/moderation/appeal/{act}/{signature}", crate::web::read().to(show))
        .route("/moderation/appeal/{act}/{signature}", web::post().to(send))
        .route("/moderation/notice/{repo_type}/{namespace}/{name}", crate::web::read().to(show_notice));
}

async fn find(page: &PageRequest) -> HubResult<(ActRow, Option<AppealRow>)> {
    let act_pk = raw_param(page.http(), "act").parse().unwrap_or(0);
    appeals::find_opened(&page.app, act_pk, raw_param(page.http(), "signature")).await
}

/// Where the person of a decision gets a copy of their data, if they cannot sign in for it.
async fn find_data_path(page: &PageRequest, act: &ActRow) -> HubResult<Option<String>> {
    let Some(owner_pk) = act.owner_pk else { return Ok(None) };
    let user = find_user(&page.app.pool, owner_pk).await?;
    let locked_out = user.is_some_and(|user| user.suspended && user.deletes_at.is_none() && !user.is_service());
    Ok(locked_out.then(|| appeals::data_path_of(&page.app, act.act_pk)))
}

async fn appeal_page(
    page: &PageRequest,
    act: ActRow,
    appeal: Option<AppealRow>,
    text: &str,
    refusal: &Refusal,
) -> HubResult<AppealPage> {
    let data = find_data_path(page, &act).await?;
    Ok(AppealPage {
        layout: page.layout("A decision of the moderators"),
        path: appeals::path_of(&page.app, act.act_pk),
        act,
        appeal,
        error: refusal.message_elsewhere(&["text"]),
        text: refusal.mark(
            Field::new("text", "Why is the decision wrong?").value(text).hint("At least 10 characters. You can appeal once."),
        ),
        data,
    })
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let (act, appeal) = find(&page).await?;
    let shown = appeal_page(&page, act, appeal, "", &Refusal::default()).await?;
    page.show(shown).await
}

async fn send(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let (act, appeal) = find(&page).await?;
    let text = form.text("text");
    match appeals::appeal(&page.app, &act, text).await {
        Ok(()) => {
            let path = appeals::path_of(&page.app, act.act_pk);
            Ok(page
                .redirect_saying(&path, "Sent. Moderators look at it again; what they decide is shown here and mailed to you."))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = appeal_page(&page, act, appeal, text, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// Whoever could see the repository learns why it is disabled. To all others it is as if there were none.
async fn show_notice(page: PageRequest) -> HubResult<HttpResponse> {
    let request = page.http();
    let missing = || HubError::repo_not_found(page.viewer.is_anonymous());
    let repo_type = RepoType::from_plural(raw_param(request, "repo_type")).ok_or_else(missing)?;
    let (namespace, name) = (raw_param(request, "namespace"), raw_param(request, "name"));
    let (repo, member) = access::find_disabled(&page.app, &page.viewer, repo_type, namespace, name).await?;
    let act = queries::find_standing(&page.app.pool, "repo", repo.pk).await?;
    let href = format!("/{}{}", repo_type.url_prefix(), repo.id);
    let shown = NoticePage {
        layout: page.layout(format!("{} is disabled", repo.id)),
        id: repo.id.to_string(),
        kind: repo_type.as_str(),
        category: act.as_ref().map_or(Category::Other.label(), |act| Category::label_of(&act.category)),
        reason: act.as_ref().map_or_else(|| Category::Other.sentence().to_owned(), |act| act.reason.clone()),
        at: act.as_ref().map(|act| act.created_at),
        appeal: act.as_ref().filter(|_| member).map(|act| appeals::path_of(&page.app, act.act_pk)),
        href: member.then_some(href),
    };
    page.show(shown).await
}
