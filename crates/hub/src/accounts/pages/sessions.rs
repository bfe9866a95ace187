//! `/settings/sessions`: browsers that are logged in.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::navigation::SettingsNavigation;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::sessions::{
    SessionRow, SignInRow, delete_other_sessions_in, delete_session_of, list_sessions, list_sign_ins,
};
use crate::accounts::sessions::Way;
use crate::accounts::{Auth, sudo};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::layout::Layout;

const PAGE: &str = "/settings/sessions";

/// Open sessions.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_sessions.html")]
pub(super) struct SessionsPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The sessions.
    pub sessions: Vec<SessionItem>,
    /// When somebody logged in lately.
    pub sign_ins: Vec<SignInItem>,
}

/// A browser that is logged in.
#[derive(Debug)]
pub(super) struct SessionItem {
    /// Its key, in hexadecimal.
    pub id: String,
    /// The browser and its system, as far as they can be told.
    pub browser: String,
    /// What the browser said of itself.
    pub user_agent: String,
    /// How somebody proved there who they are.
    pub via: String,
    /// From which address it was last seen.
    pub address: Option<String>,
    /// Whether it is the one in use.
    pub current: bool,
    /// When it logged in.
    pub created_at: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
}

/// A time at which somebody logged in.
#[derive(Debug)]
pub(super) struct SignInItem {
    /// The browser and its system, as far as they can be told.
    pub browser: String,
    /// How they proved who they are.
    pub via: String,
    /// From which address.
    pub address: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/sessions", crate::web::read().to(show_sessions))
        .route("/settings/sessions/end-others", web::post().to(post_end_others))
        .route("/settings/sessions/{id}/end", web::post().to(post_end));
}

async fn show_sessions(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let current = session_of(&page);
    let rows = list_sessions(&page.app.pool, user.pk).await?;
    let shown = SessionsPage {
        layout: page.layout("Sessions"),
        navigation: SettingsNavigation::new(user, "/settings/sessions"),
        sessions: rows.into_iter().map(|row| session_item(row, current)).collect(),
        sign_ins: list_sign_ins(&page.app.pool, user.pk).await?.into_iter().map(sign_in_item).collect(),
    };
    page.show(shown).await
}

/// How somebody signed in, as it is shown.
pub(super) fn words_for(via: &str) -> String {
    via.replace(Way::Oidc.as_str(), "single sign-on")
}

/// The key of the session in use.
fn session_of(page: &PageRequest) -> &[u8] {
    match &page.viewer.auth {
        Auth::Session { session_hash } => session_hash,
        Auth::Token { .. } | Auth::Password | Auth::Anonymous => &[],
    }
}

fn sign_in_item(row: SignInRow) -> SignInItem {
    SignInItem { browser: browser_name(&row.user_agent), via: words_for(&row.via), address: row.address, at: row.created_at }
}

fn session_item(row: SessionRow, current: &[u8]) -> SessionItem {
    SessionItem {
        id: hex::encode(&row.session_hash),
        browser: browser_name(&row.user_agent),
        via: words_for(&row.via),
        address: row.address,
        current: row.session_hash == current,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
    }
}

async fn post_end(page: PageRequest, path: web::Path<String>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PAGE).await?;
    let over = || HubError::not_found("There is no such session of yours: it may have ended already.");
    let hash = hex::decode(path.as_str()).map_err(|_| over())?;
    if !delete_session_of(&page.app.pool, user.pk, &hash).await? {
        return Err(over());
    }
    Ok(page.redirect_saying(PAGE, "Session ended."))
}

async fn post_end_others(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PAGE).await?;
    let mut tx = page.app.begin().await?;
    let ended = delete_other_sessions_in(&mut tx, user.pk, session_of(&page)).await?;
    tx.commit().await?;
    let said = match ended {
        0 => "There are no other sessions.".to_owned(),
        1 => "One session ended.".to_owned(),
        count => format!("{count} sessions ended."),
    };
    Ok(page.redirect_saying(PAGE, &said))
}

/// `Firefox on Linux`, as far as the browser's own words can be believed.
pub(crate) fn browser_name(user_agent: &str) -> String {
    // Order matters: Edge calls itself Chrome too, and Chrome calls itself Safari.
    let browsers = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "A browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser_name;

    #[test]
    fn browsers_are_told_apart() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140", "Edge on Windows"),
            ("", "A browser"),
        ] {
            assert_eq!(browser_name(user_agent), name);
        }
    }
}
