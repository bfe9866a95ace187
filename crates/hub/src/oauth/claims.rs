//! Who somebody is, as applications are told: at `/oauth/userinfo` and in signed ID tokens.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessToken, AdditionalClaims, Audience, EndUserEmail, EndUserName, EndUserPictureUrl, EndUserProfileUrl, EndUserUsername,
    EndUserWebsiteUrl, IdToken, IdTokenClaims, IssuerUrl, Nonce, StandardClaims, SubjectIdentifier,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::keys;
use super::queries::keys::Key;
use super::queries::tokens::find_homepage;
use crate::accounts::User;
use crate::accounts::api::display_name;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::base_url::BaseUrl;

/// For how long an ID token says who signed in, in seconds.
const ID_TOKEN_SECS: i64 = 3600;

/// What the Hub says of people beside what OpenID Connect knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct HubClaims {
    #[serde(rename = "isPro", skip_serializing_if = "Option::is_none")]
    is_pro: Option<bool>,
    #[serde(rename = "canPay", skip_serializing_if = "Option::is_none")]
    can_pay: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orgs: Option<Vec<Value>>,
}

impl AdditionalClaims for HubClaims {}

type Claims = StandardClaims<CoreGenderClaim>;
type HubIdToken = IdToken<HubClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// What an application with these scopes may know of somebody.
///
/// # Errors
/// The database does not answer.
pub(super) async fn of(
    app: &App,
    conn: &mut PgConnection,
    base: &BaseUrl,
    user: &User,
    scopes: &[&str],
) -> HubResult<(Claims, HubClaims)> {
    let mut claims = Claims::new(SubjectIdentifier::new(id_of(user.pk)));
    let mut more = HubClaims::default();
    if scopes.contains(&"profile") {
        let picture = |name: &str| base.join(&app.pictures.avatar_of(name));
        let website = find_homepage(conn, user.pk).await?.unwrap_or_default();
        claims = claims
            .set_name(Some(EndUserName::new(display_name(user).to_owned()).into()))
            .set_preferred_username(Some(EndUserUsername::new(user.name.clone())))
            .set_profile(Some(EndUserProfileUrl::new(base.join(&format!("/{}", user.name))).into()))
            .set_picture(Some(EndUserPictureUrl::new(picture(&user.name)).into()))
            .set_website(Some(EndUserWebsiteUrl::new(website).into()));
        let org = |one: &crate::accounts::Membership| {
            let name = if one.fullname.is_empty() { &one.name } else { &one.fullname };
            json!({
                "sub": id_of(one.namespace_pk), "name": name, "preferred_username": one.name, "picture": picture(&one.name),
                "isEnterprise": false, "canPay": false, "roleInOrg": one.role.as_str(),
            })
        };
        more = HubClaims { is_pro: Some(false), can_pay: Some(false), orgs: Some(user.memberships.iter().map(org).collect()) };
    }
    if scopes.contains(&"email") {
        claims = claims.set_email(Some(EndUserEmail::new(user.email.clone()))).set_email_verified(Some(user.email_confirmed));
    }
    Ok((claims, more))
}

/// The id that clients see.
pub(super) fn id_of(pk: i64) -> String {
    format!("{pk:024x}")
}

/// The claims as `/oauth/userinfo` answers.
///
/// # Errors
/// 500 when they cannot be written down.
pub(super) fn to_json(claims: &Claims, more: &HubClaims) -> HubResult<Value> {
    let mut all = serde_json::to_value(claims).map_err(HubError::internal)?;
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), serde_json::to_value(more).map_err(HubError::internal)?) {
        all.extend(more);
    }
    Ok(all)
}

/// What an ID token is to say of the sign-in.
#[derive(Debug)]
pub(super) struct SignIn<'a> {
    /// The hub's address.
    pub issuer: &'a str,
    /// The application.
    pub client_id: &'a str,
    /// When the person last proved who they are.
    pub auth_time: DateTime<Utc>,
    /// What the application asked to find here.
    pub nonce: Option<&'a str>,
    /// The access token that goes with it.
    pub access_token: &'a str,
}

/// Signs who somebody is. It computes for milliseconds.
///
/// # Errors
/// 500 when the key is none.
pub(super) fn sign(key: &Key, sign_in: &SignIn<'_>, (claims, more): (Claims, HubClaims)) -> HubResult<String> {
    let now = crate::clock::now();
    let issuer = IssuerUrl::new(sign_in.issuer.to_owned()).map_err(HubError::internal)?;
    let claims = IdTokenClaims::new(
        issuer,
        vec![Audience::new(sign_in.client_id.to_owned())],
        now + TimeDelta::seconds(ID_TOKEN_SECS),
        now,
        claims,
        more,
    )
    .set_auth_time(Some(sign_in.auth_time))
    .set_nonce(sign_in.nonce.map(|nonce| Nonce::new(nonce.to_owned())));
    let access_token = AccessToken::new(sign_in.access_token.to_owned());
    let signed =
        HubIdToken::new(claims, &keys::read(key)?, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, Some(&access_token), None)
            .map_err(HubError::internal)?;
    Ok(signed.to_string())
}
