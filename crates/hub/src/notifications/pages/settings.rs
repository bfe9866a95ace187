//! `/settings/notifications`: when mails come, and what is watched.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::HubResult;
use crate::notifications::queries::watches::{self, WatchedRepoRow};
use crate::notifications::watching::{MailTime, Settings, save_settings, settings_of};
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::{Layout, kind_icon};

const PATH: &str = "/settings/notifications";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(PATH, crate::web::read().to(show_settings)).route(PATH, web::post().to(post_settings));
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "notifications/settings.html")]
struct NotificationSettingsPage {
    layout: Layout,
    navigation: SettingsNavigation,
    /// A choice for each reason.
    times: [(Field, Vec<Choice>); 3],
    organizations: bool,
    /// The repositories about which something was said.
    repos: Vec<WatchedRepo>,
    /// The users and organisations that are watched.
    namespaces: Vec<String>,
    /// Whether any mail is wanted.
    has_mails: bool,
    sends_mail: bool,
    email: String,
    email_confirmed: bool,
}

/// A repository about which something was said.
#[derive(Debug)]
struct WatchedRepo {
    icon: &'static str,
    id: String,
    href: String,
    level: &'static str,
}

impl WatchedRepo {
    fn of(row: &WatchedRepoRow) -> Self {
        let id = format!("{}/{}", row.namespace, row.name);
        Self {
            icon: kind_icon(row.repo_type),
            href: format!("/{}{id}", row.repo_type.url_prefix()),
            id,
            level: row.level.label(),
        }
    }
}

async fn show_settings(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let settings = settings_of(&page.app, user).await?;
    let repos = watches::list_repos(&page.app.pool, user.pk, &user.audiences()).await?;
    let times = [
        ("mention", "When somebody mentions you", settings.mention),
        (
            "participating",
            "When something happens where you take part, or with requests to join organizations",
            settings.participating,
        ),
        ("watching", "When something happens in what you watch", settings.watching),
    ];
    let has_mails = times.iter().any(|(_, _, time)| *time != MailTime::Never);
    let shown = NotificationSettingsPage {
        layout: page.layout("Notifications"),
        navigation: SettingsNavigation::new(user, PATH),
        times: times.map(|(name, label, chosen)| (Field::new(name, label), choices(chosen))),
        organizations: settings.organizations,
        repos: repos.iter().map(WatchedRepo::of).collect(),
        namespaces: watches::list_namespaces(&page.app.pool, user.pk).await?,
        has_mails,
        sends_mail: page.app.mailer.reaches_people(),
        email: user.email.clone(),
        email_confirmed: user.email_confirmed,
    };
    page.show(shown).await
}

fn choices(chosen: MailTime) -> Vec<Choice> {
    MailTime::EVERY.map(|time| Choice::new(time.as_str(), time.label(), chosen.as_str())).into()
}

async fn post_settings(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let settings = Settings {
        mention: MailTime::parse(form.text("mention"))?,
        participating: MailTime::parse(form.text("participating"))?,
        watching: MailTime::parse(form.text("watching"))?,
        organizations: form.text("organizations") == "yes",
    };
    save_settings(&page.app, user.pk, &settings).await?;
    Ok(page.redirect_saying(PATH, "Saved."))
}
