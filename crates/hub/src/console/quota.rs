//! `/admin/storage/{name}`: what an owner holds, and may hold.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::json;

use super::frame::{ConsoleNavigation, note, require_admin, require_proof, require_reason};
use crate::accounts::audit;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::settings::{ProfileRow, find_profile};
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

/// The limit that was chosen: none of their own, as much as they like, or a number of bytes.
fn read_limit(form: &CheckedForm) -> HubResult<Option<Option<i64>>> {
    match form.text("kind") {
        "default" => Ok(None),
        "none" => Ok(Some(None)),
        "own" => {
            let gib = form.text("gib").parse::<i64>().ok().filter(|gib| (0..=MOST_GIB).contains(gib));
            let gib = gib.ok_or_else(|| HubError::bad_request("Write the limit as a whole number of GiB, such as `50`."))?;
            Ok(Some(Some(gib.saturating_mul(GIB))))
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
    let (limit, text) = match chosen {
        None => {
            if !quotas::delete_quota(&mut tx, owner.namespace_pk).await? {
                return Err(HubError::conflict("The owner has the limit of everybody already."));
            }
            (json!("that of everybody"), "The owner has the limit of everybody now.")
        }
        Some(limit) => {
            quotas::set_quota(&mut tx, owner.namespace_pk, limit, reason, admin.pk).await?;
            (limit.map_or_else(|| json!("none"), |bytes| json!(bytes)), "The limit is set.")
        }
    };
    note(&mut tx, owner.namespace_pk, "admin.quota", "", reason, json!({ "limit_bytes": limit })).await?;
    tx.commit().await?;
    Ok(page.redirect_saying(&back, text))
}
