//! `/moderation/replies`: what moderators can choose to say. Those who run the hub write it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{PATH, Tab, tabs};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsNavigation;
use crate::error::{HubError, HubResult};
use crate::moderation::queries::lists;
use crate::moderation::queries::replies::ReplyRow;
use crate::moderation::replies::{self, Use};
use crate::moderation::roles::moderator;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

const HERE: &str = "/moderation/replies";

/// The page.
#[derive(Debug, Template)]
#[template(path = "moderation/replies.html")]
struct RepliesPage {
    layout: Layout,
    navigation: SettingsNavigation,
    tabs: Vec<Tab>,
    groups: Vec<Group>,
    /// Whether the viewer may change them.
    may_change: bool,
    error: Option<String>,
    used: Field,
    uses: Vec<Choice>,
    title: Field,
    body: Field,
}

/// The replies of one place.
#[derive(Debug)]
struct Group {
    used: Use,
    rows: Vec<Shown>,
}

/// A reply.
#[derive(Debug)]
struct Shown {
    row: ReplyRow,
    /// What was typed in place of it, and refused.
    typed: Option<(String, String)>,
}

impl Shown {
    fn title(&self) -> &str {
        self.typed.as_ref().map_or(&self.row.title, |(title, _)| title)
    }

    fn body(&self) -> &str {
        self.typed.as_ref().map_or(&self.row.body, |(_, body)| body)
    }

    fn is_open(&self) -> bool {
        self.typed.is_some()
    }
}

/// What was sent.
#[derive(Debug, Default)]
struct Sent {
    /// The reply that is changed; none for a new one.
    reply_pk: Option<i64>,
    used: String,
    title: String,
    body: String,
}

impl Sent {
    fn read(form: &CheckedForm) -> Self {
        let text = |name| form.text(name).replace("\r\n", "\n");
        Self { reply_pk: form.text("pk").parse().ok(), used: text("used"), title: text("title"), body: text("body") }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(HERE, crate::web::read().to(show)).route(HERE, web::post().to(send));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let shown = page_of(&page, &Sent::default(), &Refusal::default()).await?;
    page.show(shown).await
}

async fn page_of(page: &PageRequest, sent: &Sent, refusal: &Refusal) -> HubResult<RepliesPage> {
    let user = moderator(page)?;
    let rows = replies::list(&page.app).await?;
    let groups = Use::ALL.map(|used| {
        let these = rows.iter().filter(|row| row.used_for == used.as_str());
        let shown = these.map(|row| {
            let typed = sent.reply_pk == Some(row.reply_pk);
            Shown { row: row.clone(), typed: typed.then(|| (sent.title.clone(), sent.body.clone())) }
        });
        Group { used, rows: shown.collect() }
    });
    // What was typed for a reply that is there is shown in its place.
    let empty = Sent::default();
    let fresh = if sent.reply_pk.is_some() { &empty } else { sent };
    let beside = |field: Field| if sent.reply_pk.is_some() { field } else { refusal.mark(field) };
    let error = match sent.reply_pk {
        Some(_) => refusal.message_elsewhere(&[]),
        None => refusal.message_elsewhere(&["used", "title", "body"]),
    };
    Ok(RepliesPage {
        layout: page.layout("Canned replies"),
        navigation: SettingsNavigation::new(user, PATH),
        tabs: tabs(HERE, lists::count_waiting(&page.app.pool).await?),
        groups: groups.into(),
        may_change: user.is_admin,
        error,
        used: beside(Field::new("used", "For")),
        uses: Use::ALL.map(|used| Choice::new(used.as_str(), used.label(), &fresh.used)).into(),
        title: beside(Field::new("title", "Title").value(&fresh.title).hint("What moderators choose it by.")),
        body: beside(
            Field::new("body", "Text")
                .value(&fresh.body)
                .hint("What is said, in at most 500 characters. A moderator can add to it."),
        ),
    })
}

async fn send(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    if !moderator(&page)?.is_admin {
        return Err(HubError::not_found("There is nothing at this address."));
    }
    let sent = Sent::read(&form);
    match act(&page, form.text("do"), &sent).await {
        Ok(said) => Ok(page.redirect_saying(HERE, said)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = page_of(&page, &sent, &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn act(page: &PageRequest, what: &str, sent: &Sent) -> HubResult<&'static str> {
    match (what, sent.reply_pk) {
        ("delete", Some(reply_pk)) => {
            replies::delete(&page.app, reply_pk).await?;
            Ok("Deleted. What was said with it stays.")
        }
        (_, Some(reply_pk)) => {
            replies::change(&page.app, reply_pk, &sent.title, &sent.body).await?;
            Ok("Saved. What was said with it before stays.")
        }
        (_, None) => {
            let used = Use::parse(&sent.used);
            let used = used.ok_or_else(|| HubError::unprocessable("Choose what it is for.").at("used"))?;
            replies::add(&page.app, used, &sent.title, &sent.body).await?;
            Ok("Added. Moderators can choose it now.")
        }
    }
}
