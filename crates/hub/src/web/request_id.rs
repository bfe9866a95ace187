//! Every response carries `X-Request-Id`: our own id, then the client's trace id, as the Hub does.

use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::Instrument as _;

/// The id of the request in hand, found in its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Middleware: names the request, in the log and in the answer.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn name_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request.id = %id, user.name = tracing::field::Empty);
    let mut response = next.call(request).instrument(span).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

fn request_id(request: &ServiceRequest) -> String {
    let own = format!("Root=1-{:08x}-{:024x}", chrono::Utc::now().timestamp(), rand::random::<u128>() >> 32);
    let echoed = ["x-request-id", "x-amzn-trace-id"]
        .iter()
        .find_map(|name| request.headers().get(*name)?.to_str().ok())
        .filter(|value| !value.is_empty() && value.len() <= 200);
    match echoed {
        Some(echoed) => format!("{own};{echoed}"),
        None => own,
    }
}
