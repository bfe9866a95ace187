//! Applications that make themselves known (RFC 7591): tools that meet a hub for the first time and nobody told of it.

use actix_web::dev::Payload;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BODY_LIMIT_BYTES, described};
use crate::accounts::throttle;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::flags::Flag;
use crate::oauth::clients::{self, Typed};
use crate::oauth::problem::Problem;
use crate::oauth::scopes::SCOPES;
use crate::web::extract::{app_of, read_body};

/// What an application says of itself. What else it may say, the hub does not use.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    client_name: String,
    #[serde(default)]
    client_uri: String,
    #[serde(default = "by_header")]
    token_endpoint_auth_method: String,
    scope: Option<String>,
}

fn by_header() -> String {
    "client_secret_basic".to_owned()
}

/// The JSON of an application that makes itself known.
#[derive(Debug)]
pub(super) struct Body(Result<Metadata, String>);

impl FromRequest for Body {
    type Error = HubError;
    type Future = std::pin::Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = payload.take();
        Box::pin(async move {
            let body = read_body(&mut payload, BODY_LIMIT_BYTES).await?;
            Ok(Self(serde_json::from_slice(&body).map_err(|error| error.to_string())))
        })
    }
}

pub(super) async fn post(request: HttpRequest, body: Body) -> HubResult<HttpResponse> {
    let app = app_of(&request)?;
    app.require(Flag::Applications)?;
    throttle::count_application(app, &request)?;
    let refuse = |code, text: String| Ok(Problem { code, text }.respond());
    let metadata = match body.0 {
        Ok(metadata) => metadata,
        Err(text) => return refuse("invalid_client_metadata", format!("The JSON does not fit: {text}")),
    };
    if metadata.redirect_uris.is_empty() {
        return refuse("invalid_redirect_uri", "`redirect_uris` names no address to send people back to.".to_owned());
    }
    let is_confidential = match metadata.token_endpoint_auth_method.as_str() {
        "none" => false,
        "client_secret_basic" | "client_secret_post" => true,
        _ => {
            let text = "`token_endpoint_auth_method` must be `none`, `client_secret_basic` or `client_secret_post`.";
            return refuse("invalid_client_metadata", text.to_owned());
        }
    };
    let scopes = match &metadata.scope {
        Some(text) => clients::scopes_of(text.split(' ')),
        None => SCOPES.iter().map(|scope| scope.name.to_owned()).collect(),
    };
    let name = metadata.client_name.trim();
    let typed = Typed {
        name: if name.is_empty() { "An application without a name".to_owned() } else { name.to_owned() },
        homepage: metadata.client_uri,
        redirect_uris: metadata.redirect_uris,
        scopes,
    };
    let (id, secret) = match clients::register(app, &typed, is_confidential).await {
        Ok(made) => made,
        Err(error) if error.kind() == ErrorKind::BadRequest => {
            let is_address = error.field() == Some("redirect_uris");
            return refuse(
                if is_address { "invalid_redirect_uri" } else { "invalid_client_metadata" },
                error.message().to_owned(),
            );
        }
        Err(error) => return Err(error),
    };
    let client = clients::find(app, &id).await?.ok_or_else(|| HubError::internal("the new client is gone"))?;
    let mut answer = described(&client);
    answer["token_endpoint_auth_method"] = Value::from(metadata.token_endpoint_auth_method);
    answer["grant_types"] = json!(["authorization_code", "refresh_token"]);
    answer["response_types"] = json!(["code"]);
    if let Some(secret) = secret {
        answer["client_secret"] = Value::from(secret);
        answer["client_secret_expires_at"] = Value::from(0);
    }
    Ok(HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}
