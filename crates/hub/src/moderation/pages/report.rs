//! `/report`: the form that reports something.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::moderation::category::Category;
use crate::moderation::{reports, subject};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

/// The form.
#[derive(Debug, Template)]
#[template(path = "moderation/report.html")]
struct ReportPage {
    layout: Layout,
    error: Option<String>,
    /// What is reported, if it was found.
    subject: Option<String>,
    thing: Field,
    category: Field,
    categories: Vec<Choice>,
    text: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/report", crate::web::read().to(show)).route("/report", web::post().to(send));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    page.require_session()?;
    let thing = page.query().get("thing").unwrap_or_default().to_owned();
    let (found, refusal) = match thing.as_str() {
        "" => (None, Refusal::default()),
        thing => match subject::find(&page.app, &page.viewer, thing).await {
            Ok(found) => (Some(found.name), Refusal::default()),
            Err(error) => (None, Refusal::of(error)?),
        },
    };
    let shown = form_page(&page, found, &thing, "", "", &refusal);
    page.show(shown).await
}

async fn send(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (thing, text) = (form.text("thing"), form.text("text"));
    let sent = async {
        let category = Category::parse(form.text("category"));
        let category = category.ok_or_else(|| HubError::bad_request("Choose what is wrong.").at("category"))?;
        let found = subject::find(&page.app, &page.viewer, thing).await?;
        reports::report(&page.app, user, &found, category, text).await
    };
    match sent.await {
        Ok(()) => {
            Ok(page.redirect_saying("/settings/reports", "Reported. Moderators look at it, and you are told what they decide."))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let found = subject::find(&page.app, &page.viewer, thing).await.ok().map(|found| found.name);
            let shown = form_page(&page, found, thing, form.text("category"), text, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

fn form_page(
    page: &PageRequest,
    found: Option<String>,
    thing: &str,
    category: &str,
    text: &str,
    refusal: &Refusal,
) -> ReportPage {
    let limit = reports::MAX_TEXT;
    let hint = format!("What a moderator should look at, and why. At most {limit} characters; only moderators read it.");
    let place = "The address of its page: of a repository, a discussion, a user, an organization or a collection.";
    ReportPage {
        layout: page.layout("Report"),
        error: refusal.message_elsewhere(&["thing", "category", "text"]),
        subject: found,
        thing: refusal.mark(Field::new("thing", "What do you report?").value(thing).hint(place)),
        category: refusal.mark(Field::new("category", "What is wrong with it?")),
        categories: super::categories(category),
        text: refusal.mark(Field::new("text", "Say more").value(text).hint(hint)),
    }
}
