//! A copy of their data for those whom moderators suspended or removed. They have no session: the signed link of the decision leads
//! here, and the page asks each time for what a sign-in asks for.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::exports::{self, Export};
use super::pages::send_copy;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::find_user;
use crate::accounts::{User, sign_in};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation::appeals;
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Where everybody else gets it.
const SETTINGS: &str = "/settings/data";

/// Asks who is there, and for what.
#[derive(Debug, Template)]
#[template(path = "personal_data/suspended.html")]
struct SuspendedPage {
    /// The frame.
    layout: Layout,
    /// The account.
    name: String,
    /// Where the form goes.
    path: String,
    /// The page of the decision.
    appeal: String,
    /// Where people sign in, if this hub takes no passwords.
    provider: Option<String>,
    /// What concerns no field.
    error: Option<String>,
    /// The password.
    password: Field,
    /// A code of the second factor.
    code: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/moderation/appeal/{act}/{signature}/data", crate::web::read().to(show))
        .route("/moderation/appeal/{act}/{signature}/data", web::post().to(post));
}

/// Whose account a decision is about, and the key of the decision.
async fn find(page: &PageRequest) -> HubResult<(User, i64)> {
    let act_pk = raw_param(page.http(), "act").parse().unwrap_or(0);
    let (act, _) = appeals::find_opened(&page.app, act_pk, raw_param(page.http(), "signature")).await?;
    let found = match act.owner_pk {
        Some(owner_pk) => find_user(&page.app.pool, owner_pk).await?,
        None => None,
    };
    let user = found.filter(|user| !user.is_service()).ok_or_else(|| {
        HubError::not_found(
            "This decision is not about somebody's account. Copies of data are for people: look at /settings/data.",
        )
    })?;
    match user.deletes_at {
        // No copy is made of what goes.
        Some(at) => Err(HubError::account_leaves(at)),
        None => Ok((user, act.act_pk)),
    }
}

fn suspended_page(page: &PageRequest, user: &User, act_pk: i64, refusal: &Refusal) -> SuspendedPage {
    let mut layout = page.layout("A copy of your data");
    // The address of this page is a secret.
    layout.return_to = String::new();
    let provider = page.app.config.oidc.as_ref().filter(|provider| provider.only).map(|provider| provider.name.clone());
    let code = Field::new("code", "Code")
        .hint("If the account has a second factor: six digits of its app, or a recovery code. Passkeys do not work here.");
    SuspendedPage {
        layout,
        name: user.name.clone(),
        path: appeals::data_path_of(&page.app, act_pk),
        appeal: appeals::path_of(&page.app, act_pk),
        provider,
        error: refusal.message_elsewhere(&["current_password", "code"]),
        password: refusal.mark(Field::new("current_password", "Password")),
        code: refusal.mark(code),
    }
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let (user, act_pk) = find(&page).await?;
    if !user.suspended {
        return Ok(page.redirect(SETTINGS));
    }
    let shown = suspended_page(&page, &user, act_pk, &Refusal::default());
    page.show(shown).await
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let (user, act_pk) = find(&page).await?;
    if !user.suspended {
        return Ok(page.redirect(SETTINGS));
    }
    match answer(&page, &form, &user, act_pk).await {
        Ok(response) => Ok(response),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = suspended_page(&page, &user, act_pk, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn answer(page: &PageRequest, form: &CheckedForm, user: &User, act_pk: i64) -> HubResult<HttpResponse> {
    let app = &page.app;
    let found = if form.text("do") == "download" {
        find_copy(app, user).await.map(Some)
    } else {
        may_ask(app, user).await.map(|()| None)
    };
    // Who it is comes first, also when there is nothing to get: that it is so is not for others.
    let (newest, refused) = match found {
        Ok(newest) => (newest, None),
        Err(error) => (None, Some(error)),
    };
    sign_in::ask_all(app, page.http(), user, form.exact("current_password"), form.text("code"), refused).await?;
    if let Some(newest) = newest {
        return send_copy(page, user, &newest.public_id).await;
    }
    exports::ask(app, user).await?;
    let text = "The copy is being made. A mail tells you when it is ready, if your address is confirmed; then download it here.";
    Ok(page.redirect_saying(&appeals::data_path_of(app, act_pk), text))
}

async fn find_copy(app: &App, user: &User) -> HubResult<Export> {
    exports::find_newest(app, user).await?.ok_or_else(|| {
        HubError::conflict("There is no copy to download. If you asked for one, it is still being made; else ask for one first.")
    })
}

async fn may_ask(app: &App, user: &User) -> HubResult<()> {
    app.require_changes()?;
    let mut conn = app.pool.acquire().await?;
    exports::check_pause(&mut conn, user).await
}
