//! How to ask this hub: `/.well-known/openid-configuration` and its kin.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use openidconnect::core::{
    CoreClaimName, CoreClientAuthMethod, CoreGrantType, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::url::ParseError;
use openidconnect::{
    AuthUrl, EmptyAdditionalProviderMetadata, IssuerUrl, JsonWebKeySetUrl, RegistrationUrl, ResponseTypes, Scope, TokenUrl,
    UserInfoUrl,
};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::oauth::exchange::{DEVICE_CODE, TOKEN_EXCHANGE};
use crate::oauth::keys;
use crate::oauth::scopes::SCOPES;
use crate::web::base_url::BaseUrl;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/.well-known/openid-configuration", crate::web::read().to(metadata))
        .route("/.well-known/oauth-authorization-server", crate::web::read().to(metadata))
        .route("/oauth/jwks", crate::web::read().to(jwks));
}

async fn metadata(app: web::Data<App>, base: BaseUrl) -> HubResult<HttpResponse> {
    let mut all = serde_json::to_value(provider(&base).map_err(HubError::internal)?).map_err(HubError::internal)?;
    // What OpenID Connect does not know: RFC 8414, 8628, 7009, 7662, 7636, 9207.
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), extensions(&base)) {
        all.extend(more);
        if !app.allows(Flag::Applications) {
            all.remove("registration_endpoint");
        }
    }
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(all))
}

fn provider(base: &BaseUrl) -> Result<CoreProviderMetadata, ParseError> {
    let claims = [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "at_hash",
        "name",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "email",
        "email_verified",
        "isPro",
        "canPay",
        "orgs",
    ];
    let metadata = CoreProviderMetadata::new(
        IssuerUrl::new(base.as_str().to_owned())?,
        AuthUrl::new(base.join("/oauth/authorize"))?,
        JsonWebKeySetUrl::new(base.join("/oauth/jwks"))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256],
        EmptyAdditionalProviderMetadata {},
    );
    Ok(metadata
        .set_token_endpoint(Some(TokenUrl::new(base.join("/oauth/token"))?))
        .set_userinfo_endpoint(Some(UserInfoUrl::new(base.join("/oauth/userinfo"))?))
        .set_registration_endpoint(Some(RegistrationUrl::new(base.join("/oauth/register"))?))
        .set_scopes_supported(Some(SCOPES.iter().map(|scope| Scope::new(scope.name.to_owned())).collect()))
        .set_response_modes_supported(Some(vec![CoreResponseMode::Query]))
        .set_grant_types_supported(Some(vec![
            CoreGrantType::AuthorizationCode,
            CoreGrantType::RefreshToken,
            CoreGrantType::Extension(DEVICE_CODE.to_owned()),
            CoreGrantType::Extension(TOKEN_EXCHANGE.to_owned()),
        ]))
        .set_token_endpoint_auth_methods_supported(Some(vec![
            CoreClientAuthMethod::ClientSecretBasic,
            CoreClientAuthMethod::ClientSecretPost,
            CoreClientAuthMethod::None,
        ]))
        .set_claims_supported(Some(claims.iter().map(|name| CoreClaimName::new((*name).to_owned())).collect()))
        .set_request_parameter_supported(Some(false))
        .set_request_uri_parameter_supported(Some(false)))
}

fn extensions(base: &BaseUrl) -> Value {
    let by_secret = ["client_secret_basic", "client_secret_post"];
    json!({
        "device_authorization_endpoint": base.join("/oauth/device"),
        "revocation_endpoint": base.join("/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint": base.join("/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": by_secret,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent"],
        "authorization_response_iss_parameter_supported": true,
    })
}

async fn jwks(app: web::Data<App>) -> HubResult<HttpResponse> {
    let keys = keys::public(&app).await?;
    // A key signs as soon as it is there: who asks because they do not know it, must not get what somebody was told before.
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, no-cache")).json(json!({ "keys": keys })))
}
