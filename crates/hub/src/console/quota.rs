//! `/admin/storage/{name}`: what an owner holds, and may hold.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::frame::{ConsoleNavigation, note, require_admin, require_proof, require_reason};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::settings::{ProfileRow, find_profile};
use crate::accounts::{UserPk, audit};
use crate::error::{HubError, HubResult};
use crate::quotas::queries::{self as quotas, QuotaRow};
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

const GIB: i64 = 1 << 30;
/// The largest limit, in GiB.
const MOST_GIB: i64 = 1_000_000_000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/quota.html")]
struct QuotaPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// The owner.
    name: String,
    /// What they hold, in bytes.
    used: i64,
    /// What they may hold, in bytes.
    limit: Option<u64>,
    /// What everybody may hold, in bytes.
    default: Option<u64>,
    /// What was set for them.
    own: Option<QuotaRow>,
    /// Which limit they have.
    kind: Field,
    kinds: Vec<Choice>,
    /// Their own limit.
    gib: Field,
    /// Why.
    reason: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/storage/{name}", crate::web::read().to(show)).route("/admin/storage/{name}", web::post().to(post_quota));
}

async fn find_owner(page: &PageRequest, name: &str) -> HubResult<ProfileRow> {
    let found = find_profile(&page.app.pool, name).await?;
    found.ok_or_else(|| HubError::not_found("There is no account or organization of this name."))
}

async fn show(page: PageRequest, name: web::Path<String>) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let owner = find_owner(&page, &name).await?;
    let (pool, pk) = (&page.app.pool, owner.namespace_pk);
    let own = quotas::find_quota(pool, pk).await?;
    let default = page.app.config.owner_storage_limit_bytes;
    let (kind, gib) = match &own {
        None => ("default", String::new()),
        Some(QuotaRow { limit_bytes: None, .. }) => ("none", String::new()),
        Some(QuotaRow { limit_bytes: Some(bytes), .. }) => ("own", (bytes / GIB).to_string()),
    };
    let shown = QuotaPage {
        layout: page.layout(format!("Storage of {}", owner.name)),
        navigation: ConsoleNavigation::new("/admin/storage"),
        used: quotas::sum_owner(pool, pk).await?,
        limit: own.as_ref().map_or(default, |own| own.limit_bytes.map(i64::unsigned_abs)),
        kind: Field::new("kind", "Limit"),
        kinds: vec![
            Choice::new("default", "That of everybody", kind),
            Choice::new("own", "Their own", kind),
            Choice::new("none", "None: as much as they like", kind),
        ],
        gib: Field::new("gib", "Their own limit, in GiB")
            .value(gib)
            .hint("A whole number. With `0`, nothing more comes in but small changes by git."),
        reason: Field::new("reason", "Why").hint("The audit log keeps it, and the owner can read it there."),
        name: owner.name,
        default,
        own,
    };
    page.show(shown).await
}

/// Which limit an owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// None of their own.
    Everybodys,
    /// As much as they like.
    Boundless,
    /// So many bytes.
    Own(i64),
}

impl Limit {
    fn of(own: Option<Option<i64>>) -> Self {
        match own {
            None => Self::Everybodys,
            Some(None) => Self::Boundless,
            Some(Some(bytes)) => Self::Own(bytes),
        }
    }

    /// As the audit log tells it.
    fn told(self) -> Value {
        match self {
            Self::Everybodys => json!("that of everybody"),
            Self::Boundless => json!("none"),
            Self::Own(bytes) => json!(bytes),
        }
    }

    /// Reads what the audit log tells.
    pub(super) fn read(told: &Value) -> Option<Self> {
        match told.as_str() {
            Some("that of everybody") => Some(Self::Everybodys),
            Some("none") => Some(Self::Boundless),
            _ => told.as_i64().map(Self::Own),
        }
    }

    /// In a sentence about what somebody has.
    pub(super) fn in_words(self) -> String {
        match self {
            Self::Everybodys => "the limit of everybody".to_owned(),
            Self::Boundless => "no limit".to_owned(),
            Self::Own(bytes) => format!("a limit of {} GiB", bytes / GIB),
        }
    }
}

/// The limit that was chosen.
fn read_limit(form: &CheckedForm) -> HubResult<Limit> {
    match form.text("kind") {
        "default" => Ok(Limit::Everybodys),
        "none" => Ok(Limit::Boundless),
        "own" => {
            let gib = form.text("gib").parse::<i64>().ok().filter(|gib| (0..=MOST_GIB).contains(gib));
            let gib = gib.ok_or_else(|| HubError::bad_request("Write the limit as a whole number of GiB, such as `50`."))?;
            Ok(Limit::Own(gib.saturating_mul(GIB)))
        }
        _ => Err(HubError::bad_request("Choose which limit the owner has.")),
    }
}

async fn post_quota(page: PageRequest, name: web::Path<String>, form: CheckedForm) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let owner = find_owner(&page, &name).await?;
    let back = format!("/admin/storage/{}", owner.name);
    let admin = require_proof(&page, &back).await?;
    let reason = require_reason(&form)?;
    let chosen = read_limit(&form)?;
    let mut tx = audit::begin(&page.app).await?;
    change(&mut tx, owner.namespace_pk, chosen, (admin.pk, reason), None).await?;
    tx.commit().await?;
    let text = match chosen {
        Limit::Everybodys => "The owner has the limit of everybody now.",
        Limit::Boundless | Limit::Own(_) => "The limit is set.",
    };
    Ok(page.redirect_saying(&back, text))
}

/// Which limit an owner has, which stays so until the transaction ends.
pub(super) async fn lock_limit(conn: &mut PgConnection, namespace_pk: i64) -> HubResult<Limit> {
    quotas::lock_owner(conn, namespace_pk).await?;
    let row = quotas::list_limits(&mut *conn, &[namespace_pk]).await?.pop();
    Ok(Limit::of(row.and_then(|row| row.own())))
}

/// Sets an owner's limit and writes it down, with what it was and the line of the audit log that this takes back.
pub(super) async fn change(
    conn: &mut PgConnection,
    namespace_pk: i64,
    to: Limit,
    (by, reason): (UserPk, &str),
    undoes: Option<i64>,
) -> HubResult<()> {
    let was = lock_limit(conn, namespace_pk).await?;
    match to {
        Limit::Everybodys => {
            if !quotas::delete_quota(conn, namespace_pk).await? {
                return Err(HubError::conflict("The owner has the limit of everybody already."));
            }
        }
        Limit::Boundless => quotas::set_quota(conn, namespace_pk, None, reason, by).await?,
        Limit::Own(bytes) => quotas::set_quota(conn, namespace_pk, Some(bytes), reason, by).await?,
    }
    let more = json!({ "limit_bytes": to.told(), "was": was.told(), "undoes": undoes });
    Ok(note(conn, namespace_pk, "admin.quota", "", reason, more).await?)
}
