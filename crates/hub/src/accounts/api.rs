//! `GET /api/whoami-v2`, the first thing every client asks.

mod follows;
mod leaks;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Auth, User, Viewer};
use crate::app::App;
use crate::error::HubResult;
use crate::oauth;

/// Mounts this slice's API.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/whoami-v2", web::get().to(whoami))
        .configure(super::avatars::routes)
        .configure(follows::routes)
        .configure(leaks::routes);
}

/// A time as clients parse it: UTC, milliseconds, a literal `Z`.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

async fn whoami(app: web::Data<App>, viewer: Viewer) -> HubResult<HttpResponse> {
    let user = viewer.require_user()?;
    let mut answer = json!({
        "type": "user",
        "id": format!("{:024x}", user.pk),
        "name": user.name,
        "fullname": display_name(user),
        "email": user.email,
        "emailVerified": user.email_confirmed,
        "isPro": false,
        "canPay": false,
        "billingMode": "prepaid",
        "periodEnd": null,
        "avatarUrl": app.pictures.avatar_of(&user.name),
        "isAdmin": user.is_admin,
        "orgs": user.memberships.iter().map(|membership| json!({
            "type": "org",
            "id": format!("{:024x}", membership.namespace_pk),
            "name": membership.name,
            "fullname": if membership.fullname.is_empty() { &membership.name } else { &membership.fullname },
            "email": null,
            "canPay": false,
            "periodEnd": null,
            "avatarUrl": app.pictures.avatar_of(&membership.name),
            "roleInOrg": membership.role.as_str(),
            "isEnterprise": false,
        })).collect::<Vec<_>>(),
        "auth": auth_of(&viewer.auth),
    });
    if user.is_service() {
        answer["email"] = Value::Null;
        answer["isServiceAccount"] = Value::Bool(true);
    }
    if oauth::hides_email(&viewer.auth) {
        answer["email"] = Value::Null;
        answer["emailVerified"] = Value::Null;
    }
    if oauth::hides_profile(&viewer.auth) {
        answer["fullname"] = Value::from(user.name.as_str());
        answer["isAdmin"] = Value::Bool(false);
        answer["orgs"] = json!([]);
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// The full name, or the user name of people who gave none.
pub fn display_name(user: &User) -> &str {
    if user.fullname.is_empty() { &user.name } else { &user.fullname }
}

fn auth_of(auth: &Auth) -> Value {
    match auth {
        // Clients name what they keep after the token that has a name.
        Auth::Token { scopes, .. } if oauth::is_of_application(scopes) => {
            json!({ "type": "oauth", "scopes": oauth::scopes_of(auth).unwrap_or_default() })
        }
        Auth::Token { name, role, scopes, created_at, .. } => {
            let mut token = json!({ "displayName": name, "role": role.as_str(), "createdAt": timestamp(*created_at) });
            if *role == super::TokenRole::FineGrained {
                token["fineGrained"] = scopes.clone();
            }
            json!({ "type": "access_token", "accessToken": token })
        }
        Auth::Session { .. } => json!({ "type": "session" }),
        Auth::Password | Auth::Anonymous => json!({ "type": "password" }),
    }
}
