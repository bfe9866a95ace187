//! Another name for an account or an organisation: a part of their settings.

use actix_web::{HttpResponse, web};

use super::organizations::{self, Typed, settings_path};
use super::profile_settings::{self, Shown};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::rename::{OldNameRow, list_old_names};
use crate::accounts::queries::settings::ProfileRow;
use crate::accounts::rename::{FIELD, rename_organization, rename_user};
use crate::accounts::settings::require_admin_of;
use crate::accounts::{User, sudo};
use crate::error::HubResult;
use crate::web::form::{Field, Refusal};

/// Where the form for one's own account goes.
const OWN: &str = "/settings/username";
/// The page that it stands on.
const PROFILE: &str = "/settings/profile";

/// The form, and the names from before.
#[derive(Debug)]
pub(super) struct RenameForm {
    /// The name now.
    pub present: String,
    /// Whether it is an organisation's.
    pub of_organization: bool,
    /// Where the form goes.
    pub action: String,
    /// The name from now on.
    pub name: Field,
    /// The names from before, which can be taken back.
    pub old: Vec<OldNameRow>,
}

impl RenameForm {
    /// The form of a user.
    pub(super) async fn of_user(page: &PageRequest, user: &User, typed: &str, refusal: &Refusal) -> HubResult<Self> {
        let field = Field::new(FIELD, "New username");
        Self::new(page, (user.pk, user.name.as_str(), false), OWN.to_owned(), refusal.mark(field.value(typed))).await
    }

    /// The form of an organisation.
    pub(super) async fn of(page: &PageRequest, row: &ProfileRow, typed: &str, refusal: &Refusal) -> HubResult<Self> {
        let field = refusal.mark(Field::new(FIELD, "New name").value(typed));
        Self::new(page, (row.namespace_pk, row.name.as_str(), true), format!("{}/name", settings_path(row)), field).await
    }

    async fn new(
        page: &PageRequest,
        (pk, present, of_organization): (i64, &str, bool),
        action: String,
        field: Field,
    ) -> HubResult<Self> {
        let old = list_old_names(&page.app.pool, pk).await?;
        let name = field.hint("Letters, digits, `-`, `_` or `.`");
        Ok(Self { present: present.to_owned(), of_organization, action, name, old })
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/username", web::post().to(post_own))
        .route("/organizations/{name}/settings/name", web::post().to(post_of_organization));
}

async fn post_own(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PROFILE).await?;
    let typed = form.text(FIELD);
    match rename_user(&page.app, user, typed).await {
        Ok(name) => {
            let text = format!("You are {name} from now on. What says {} is led there.", user.name);
            Ok(page.redirect_saying(PROFILE, &text))
        }
        Err(error) => profile_settings::show_refused(&page, user, error, Shown { name: typed, ..Shown::default() }).await,
    }
}

async fn post_of_organization(page: PageRequest, path: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    sudo::require(&page, &settings_path(&row)).await?;
    let typed = form.text(FIELD);
    match rename_organization(&page.app, user, &row, typed).await {
        Ok(name) => {
            let text = format!("The organization is called {name} from now on. What says {} is led there.", row.name);
            Ok(page.redirect_saying(&format!("/organizations/{name}/settings"), &text))
        }
        Err(error) => organizations::show_refused(&page, user, &row, error, Typed { name: typed, ..Typed::default() }).await,
    }
}
