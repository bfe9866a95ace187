//! The audit log: what was done with an account, an organisation or their repositories, by whom, and from where.
//!
//! Triggers write it, in the transaction of the act (`migrations/*_create_audit_log.up.sql`). What they cannot know is who asked:
//! [`remember_origin`] keeps that with the request, and [`begin`] tells it to the transaction.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};

use super::queries::audit as queries;
use super::{Auth, UserPk, Viewer};
use crate::app::App;
use crate::error::HubResult;

/// Rows removed in one statement.
const BATCH: i64 = 10_000;

/// Who sent the request in hand, as far as that is known.
#[derive(Debug, Default)]
struct Origin {
    address: Option<String>,
    /// Set when the viewer is found out.
    who: OnceLock<Value>,
}

tokio::task_local! {
    static ORIGIN: Arc<Origin>;
}

/// Middleware: keeps from where a request comes, for the audit log.
///
/// # Errors
/// Passes on what the service behind it answers.
pub async fn remember_origin<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let app = request.app_data::<Data<App>>();
    let address = app.and_then(|app| app.config.trusted_proxies.client_of(request.request()));
    let origin = Origin { address: address.map(|address| address.to_string()), who: OnceLock::new() };
    ORIGIN.scope(Arc::new(origin), next.call(request)).await
}

/// Takes what is known of the request in hand along into a task of its own.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let origin = ORIGIN.try_with(Arc::clone).unwrap_or_default();
    ORIGIN.scope(origin, work)
}

/// Runs what somebody asks for by SSH, with a key of theirs.
pub fn by_ssh<F: Future>(user_pk: UserPk, key: &str, address: IpAddr, work: F) -> impl Future<Output = F::Output> {
    let who = json!({ "actor": user_pk, "via": "ssh", "token": key });
    ORIGIN.scope(Arc::new(Origin { address: Some(address.to_string()), who: OnceLock::from(who) }), work)
}

/// Keeps who the request in hand is from.
pub(super) fn note_viewer(viewer: &Viewer) {
    let Some(user) = &viewer.user else { return };
    let (via, token) = match &viewer.auth {
        Auth::Session { .. } => ("session", None),
        Auth::Token { name, .. } => ("token", Some(name)),
        Auth::Password => ("password", None),
        Auth::Anonymous => return,
    };
    let who = json!({ "actor": user.pk, "via": via, "token": token });
    // Outside of a request there is nothing to keep it with.
    let _ = ORIGIN.try_with(|origin| origin.who.set(who));
}

/// Begins a transaction that knows who asked for it, for acts that the audit log tells of.
///
/// # Errors
/// The database does not answer.
pub async fn begin(app: &App) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = app.begin().await?;
    let told = ORIGIN.try_with(|origin| {
        let mut told = origin.who.get().cloned().unwrap_or_else(|| json!({ "via": "nothing" }));
        if let Some(object) = told.as_object_mut() {
            object.insert("address".to_owned(), json!(origin.address));
        }
        told.to_string()
    });
    if let Ok(text) = told {
        queries::set_origin(&mut tx, &text).await?;
    }
    Ok(tx)
}

/// Writes a line about what changed nothing, such as a login that failed, into the log of an account.
///
/// # Errors
/// The database does not answer.
pub(super) async fn note(app: &App, user_pk: UserPk, action: &str, details: &Value) -> sqlx::Result<()> {
    let mut tx = begin(app).await?;
    queries::insert(&mut tx, user_pk, action, details).await?;
    tx.commit().await
}

/// What an action is called on pages.
pub fn label_of(action: &str) -> String {
    let known = ACTIONS.iter().find(|(name, _)| *name == action).map(|(_, label)| *label);
    known.map_or_else(|| action.to_owned(), str::to_owned)
}

/// All actions, with what they are called.
pub const ACTIONS: &[(&str, &str)] = &[
    ("account.create", "Account made"),
    ("account.sign_in", "Logged in"),
    ("account.sign_in_failed", "Wrong password"),
    ("account.proof", "Password given for a copy of the data, without logging in"),
    ("account.password", "Password changed"),
    ("account.email", "Email address changed"),
    ("account.rename", "Account renamed"),
    ("account.operator", "Right to run the hub changed"),
    ("factor.app_add", "Authenticator app added"),
    ("factor.app_remove", "Authenticator app removed"),
    ("factor.passkey_add", "Passkey added"),
    ("factor.passkey_remove", "Passkey removed"),
    ("factor.codes_make", "Recovery codes made"),
    ("factor.code_use", "Recovery code used"),
    ("factor.code_wrong", "Wrong code of a second factor"),
    ("identity.link", "Single sign-on linked"),
    ("identity.unlink", "Single sign-on unlinked"),
    ("account.moderator", "Right to moderate changed"),
    ("admin.password_mail", "Sent a password mail by an administrator"),
    ("admin.end_sessions", "Sessions ended by an administrator"),
    ("admin.confirm_email", "Email address confirmed by an administrator"),
    ("admin.role", "Role given by an administrator"),
    ("admin.restore_repo", "Repository restored by an administrator"),
    ("admin.quota", "Storage limit set by an administrator"),
    ("admin.banner", "Banner changed"),
    ("admin.flag", "Switch of the hub turned"),
    ("jobs.retry", "Failed jobs tried again"),
    ("jobs.delete", "Failed jobs deleted"),
    ("token.create", "Access token made"),
    ("token.rename", "Access token renamed"),
    ("token.limit", "Limit of an access token changed"),
    ("token.revoke", "Access token revoked"),
    ("token.leaked", "Access token found in public"),
    ("ssh_key.create", "SSH key added"),
    ("ssh_key.remove", "SSH key removed"),
    ("gpg_key.create", "GPG key added"),
    ("gpg_key.update", "GPG key brought up to date"),
    ("gpg_key.remove", "GPG key removed"),
    ("app.authorize", "Application allowed"),
    ("app.revoke", "Application's access revoked"),
    ("app.create", "Application made"),
    ("app.change", "Application changed"),
    ("app.delete", "Application deleted"),
    ("app.restore", "Application restored"),
    ("account.delete_ask", "Deletion of the account asked for"),
    ("account.keep", "Account kept"),
    ("account.delete", "Account removed"),
    ("organization.create", "Organization made"),
    ("organization.settings", "Settings changed"),
    ("organization.rename", "Organization renamed"),
    ("organization.close", "Deletion of the organization asked for"),
    ("organization.keep", "Organization kept"),
    ("organization.delete", "Organization removed"),
    ("member.add", "Member added"),
    ("member.role", "Role of a member changed"),
    ("member.remove", "Member removed"),
    ("invitation.create", "Invitation made"),
    ("invitation.end", "Invitation used or revoked"),
    ("service_account.create", "Service account made"),
    ("service_account.change", "Service account changed"),
    ("service_account.disable", "Service account disabled"),
    ("service_account.enable", "Service account enabled"),
    ("service_account.delete", "Service account deleted"),
    ("service_account.restore", "Service account restored"),
    ("publisher.add", "Trusted publisher added"),
    ("publisher.remove", "Trusted publisher removed"),
    ("domain.add", "Mail domain added"),
    ("domain.prove", "Mail domain proven"),
    ("domain.role", "Role of a mail domain changed"),
    ("domain.remove", "Mail domain removed"),
    ("request.create", "Somebody asked to join"),
    ("request.reject", "Request to join rejected"),
    ("request.end", "Request to join accepted or taken back"),
    ("group.create", "Resource group made"),
    ("group.settings", "Resource group changed"),
    ("group.delete", "Resource group deleted"),
    ("group.member_add", "Member added to a resource group"),
    ("group.member_role", "Role in a resource group changed"),
    ("group.member_remove", "Member removed from a resource group"),
    ("repo.create", "Repository made"),
    ("repo.delete_repo", "Repository deleted"),
    ("repo.restore_repo", "Repository restored"),
    ("repo.move_repo", "Repository moved"),
    ("repo.update_settings", "Visibility or gating changed"),
    ("repo.update_options", "Settings of a repository changed"),
    ("repo.resource_group", "Resource group of a repository changed"),
    ("repo.delete_ref", "Branch or tag deleted"),
    ("repo.replace_ref", "History of a branch replaced"),
    ("repo.restore_ref", "Branch or tag restored"),
    ("repo.delete_discussion", "Discussion deleted"),
    ("repo.restore_discussion", "Discussion restored"),
    ("repo.decide_access", "Access to a gated repository decided about"),
    ("recall.open", "Files recalled"),
    ("recall.withdraw", "Recall withdrawn"),
    ("moderation.hide_comment", "Comment hidden by moderators"),
    ("moderation.lock_discussion", "Discussion locked by moderators"),
    ("moderation.hide_discussion", "Discussion hidden by moderators"),
    ("moderation.disable_repo", "Repository disabled by moderators"),
    ("moderation.label_repo", "Repository labelled as not for all audiences by moderators"),
    ("moderation.disable_repos", "All repositories disabled by moderators"),
    ("moderation.remove_repo", "Repository removed by moderators"),
    ("moderation.hide_collection", "Collection hidden by moderators"),
    ("moderation.remove_user", "Account removed by moderators"),
    ("moderation.limit_organization", "Organization limited by moderators"),
    ("moderation.suspend_organization", "Organization suspended by moderators"),
    ("moderation.remove_organization", "Organization removed by moderators"),
    ("moderation.limit_user", "Account limited by moderators"),
    ("moderation.suspend_user", "Account suspended by moderators"),
    ("moderation.ban_user", "Account banned by moderators"),
    ("moderation.restore", "Decision of moderators taken back"),
];

/// Removes what is older than the log is kept.
///
/// # Errors
/// The database does not answer.
pub async fn prune(app: &App) -> HubResult<()> {
    let Some(days) = app.config.audit_days else { return Ok(()) };
    let before = crate::clock::now() - TimeDelta::days(i64::try_from(days).unwrap_or(36_500));
    loop {
        let mut tx = app.begin().await?;
        let removed = queries::delete_before(&mut tx, before, BATCH).await?;
        tx.commit().await?;
        if removed == 0 {
            return Ok(());
        }
    }
}
