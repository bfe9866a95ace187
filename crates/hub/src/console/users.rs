//! `/admin/users`: all accounts, what is known of each, and what those who run the hub do for people.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::frame::{ConsoleNavigation, Tab, note, pattern, require_admin, require_proof, require_reason, search_text};
use super::queries;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::browser_name;
use crate::accounts::queries::sessions::{delete_other_sessions_in, list_sessions, list_sign_ins};
use crate::accounts::queries::tokens::{TokenRow, list_tokens};
use crate::accounts::queries::{self as accounts, email};
use crate::accounts::site_roles::{self, SiteRole};
use crate::accounts::{User, UserPk, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::repos::usage::StorageUse;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

/// Accounts of a page.
const PAGE_LEN: usize = 50;
/// Tokens that are shown of an account.
const TOKENS: usize = 50;

/// The list.
#[derive(Debug, Template)]
#[template(path = "console/users.html")]
struct UsersPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// Everybody, or those with a role.
    tabs: Vec<Tab>,
    /// What is looked for.
    search: String,
    /// The accounts.
    rows: Vec<UserItem>,
    /// The first page.
    previous: Option<String>,
    /// The page after.
    next: Option<String>,
}

/// An account in the list.
#[derive(Debug)]
struct UserItem {
    user: User,
    role: Option<&'static str>,
    created_at: DateTime<Utc>,
    last_seen_at: Option<DateTime<Utc>>,
}

/// An account.
#[derive(Debug, Template)]
#[template(path = "console/user.html")]
struct UserPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// The account.
    item: UserItem,
    /// How many repositories it has.
    repos: i64,
    /// What they take.
    storage: StorageUse,
    /// Browsers that are logged in.
    sessions: Vec<BrowserItem>,
    /// When they logged in lately.
    sign_ins: Vec<BrowserItem>,
    /// The tokens.
    tokens: Vec<TokenRow>,
    /// How many more tokens there are.
    more_tokens: usize,
    /// The roles.
    roles: Vec<Choice>,
    /// The choice of a role.
    role: Field,
    /// Why the role changes.
    role_reason: Field,
    /// Why something else is done.
    reason: Field,
    /// Whether mails reach people.
    sends_mail: bool,
}

/// A browser that is logged in, or that logged in.
#[derive(Debug)]
struct BrowserItem {
    name: String,
    address: Option<String>,
    at: DateTime<Utc>,
}

impl BrowserItem {
    fn of(user_agent: &str, address: Option<String>, at: DateTime<Utc>) -> Self {
        Self { name: browser_name(user_agent), address, at }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/admin/users", crate::web::read().to(show_list))
        .route("/admin/users/{name}", crate::web::read().to(show_user))
        .route("/admin/users/{name}", web::post().to(post_act));
}

async fn show_list(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let query = page.query();
    let search = search_text(&query);
    let staff = search.is_empty() && query.get("role") == Some("staff");
    let before = query.number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let (pool, from, limit) = (&page.app.pool, before.unwrap_or(i64::MAX), one_more(PAGE_LEN));
    let mut found = match (search.as_str(), staff) {
        ("", true) => queries::list_staff(pool, from, limit).await?,
        ("", false) => queries::list_users(pool, from, limit).await?,
        (text, _) => queries::find_users(pool, &pattern(text), from, limit).await?,
    };
    let more = found.len() > PAGE_LEN;
    found.truncate(PAGE_LEN);
    let address = match (search.as_str(), staff) {
        ("", true) => "/admin/users?role=staff".to_owned(),
        ("", false) => "/admin/users?".to_owned(),
        (text, _) => format!("/admin/users?q={}", byte_serialize(text.as_bytes()).collect::<String>()),
    };
    let tab = |href: &str, label, current| Tab { href: href.to_owned(), label, count: None, current };
    let shown = UsersPage {
        layout: page.layout("Users"),
        navigation: ConsoleNavigation::new("/admin/users"),
        tabs: vec![
            tab("/admin/users", "Everybody", !staff && search.is_empty()),
            tab("/admin/users?role=staff", "With a role", staff),
        ],
        previous: before.map(|_| address.clone()),
        next: found.last().filter(|_| more).map(|pk| format!("{address}&before={pk}")),
        rows: load(&page.app, &found).await?,
        search,
    };
    page.show(shown).await
}

/// Accounts in the order of their keys here.
async fn load(app: &App, user_pks: &[UserPk]) -> HubResult<Vec<UserItem>> {
    let users = accounts::list_users(&app.pool, user_pks).await?;
    let mut users: HashMap<UserPk, User> = users.into_iter().map(|user| (user.pk, user)).collect();
    let seen = queries::list_seen(&app.pool, user_pks).await?;
    let seen: HashMap<UserPk, _> = seen.into_iter().map(|row| (row.user_pk, (row.created_at, row.last_seen_at))).collect();
    let item = |pk: &UserPk| {
        let (user, (created_at, last_seen_at)) = (users.remove(pk)?, *seen.get(pk)?);
        let role = match SiteRole::of(user.is_admin, user.is_moderator) {
            SiteRole::Admin => Some("Administrator"),
            SiteRole::Moderator => Some("Moderator"),
            SiteRole::None => None,
        };
        Some(UserItem { user, role, created_at, last_seen_at })
    };
    Ok(user_pks.iter().filter_map(item).collect())
}

async fn show_user(page: PageRequest, name: web::Path<String>) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let user = site_roles::find_by_name(&page.app, &name).await?;
    let (pool, pk) = (&page.app.pool, user.pk);
    let (repos, sessions, sign_ins, mut tokens) = tokio::try_join!(
        queries::count_repos(pool, pk),
        list_sessions(pool, pk),
        list_sign_ins(pool, pk),
        list_tokens(pool, pk),
    )?;
    let storage = StorageUse::of_namespaces(&page.app, &[pk]).await?.get(&pk).copied().unwrap_or_default();
    let more_tokens = tokens.len().saturating_sub(TOKENS);
    tokens.truncate(TOKENS);
    let current = SiteRole::of(user.is_admin, user.is_moderator).as_str();
    let item = load(&page.app, &[pk]).await?.pop();
    let hint = "The audit log keeps it, and the account's owner can read it there.";
    let shown = UserPage {
        layout: page.layout(user.name.clone()),
        navigation: ConsoleNavigation::new("/admin/users"),
        item: item.ok_or_else(|| HubError::not_found("There is no account of this name."))?,
        repos,
        storage,
        sessions: sessions.into_iter().map(|row| BrowserItem::of(&row.user_agent, row.address, row.last_seen_at)).collect(),
        sign_ins: sign_ins.into_iter().map(|row| BrowserItem::of(&row.user_agent, row.address, row.created_at)).collect(),
        tokens,
        more_tokens,
        roles: vec![
            Choice::new("none", "None", current),
            Choice::new("moderator", "Moderator", current),
            Choice::new("admin", "Administrator", current),
        ],
        role: Field::new("role", "Role"),
        role_reason: Field { key: "role-", ..Field::new("reason", "Why").hint(hint) },
        reason: Field::new("reason", "Why").hint(hint),
        sends_mail: page.app.mailer.reaches_people(),
    };
    page.show(shown).await
}

/// What can be done with an account.
#[derive(Debug, Clone, Copy)]
enum Act {
    PasswordMail,
    EndSessions,
    ConfirmEmail,
    SetRole(SiteRole),
}

impl Act {
    fn read(form: &CheckedForm) -> Option<Self> {
        Some(match form.text("act") {
            "password-mail" => Self::PasswordMail,
            "end-sessions" => Self::EndSessions,
            "confirm-email" => Self::ConfirmEmail,
            "role" => Self::SetRole(SiteRole::parse(form.text("role"))?),
            _ => return None,
        })
    }

    /// What the audit log calls it, and the sentence for who did it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::PasswordMail => ("admin.password_mail", "A mail with a link to choose a new password is on its way."),
            Self::EndSessions => ("admin.end_sessions", "All sessions have ended."),
            Self::ConfirmEmail => ("admin.confirm_email", "The email address is confirmed."),
            Self::SetRole(_) => ("admin.role", "The role is set."),
        }
    }
}

async fn post_act(page: PageRequest, name: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let user = site_roles::find_by_name(&page.app, &name).await?;
    let back = format!("/admin/users/{}", user.name);
    require_proof(&page, &back).await?;
    let reason = require_reason(&form)?;
    let act = Act::read(&form).ok_or_else(|| HubError::bad_request("Choose what is to be done with the account."))?;
    perform(&page.app, &user, act, reason).await?;
    Ok(page.redirect_saying(&back, act.words().1))
}

async fn perform(app: &App, user: &User, act: Act, reason: &str) -> HubResult<()> {
    if user.is_service() {
        let text = "This is a service account: it has no address, no sessions and no role here. Its organization manages it.";
        return Err(HubError::conflict(text));
    }
    let mut tx = audit::begin(app).await?;
    let more = match act {
        Act::PasswordMail => {
            Job::SendPasswordLink { email: user.email.clone() }.enqueue(&mut tx).await?;
            json!({})
        }
        Act::EndSessions => json!({ "sessions": delete_other_sessions_in(&mut tx, user.pk, &[]).await? }),
        Act::ConfirmEmail => {
            if user.email_confirmed || !email::mark_confirmed(&mut tx, user.pk, &user.email).await? {
                return Err(HubError::conflict("This address is confirmed already, or the account has another one now."));
            }
            json!({ "email": user.email })
        }
        Act::SetRole(role) => {
            let was = site_roles::lock_site_role(&mut tx, user.pk).await?;
            if !site_roles::set_site_role_in(&mut tx, user.pk, role).await? {
                return Err(HubError::conflict("The account has this role already."));
            }
            json!({ "role": role.as_str(), "was": was.map(SiteRole::as_str) })
        }
    };
    note(&mut tx, user.pk, act.words().0, "", reason, more).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
