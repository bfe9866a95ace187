//! Lets pages of other origins use the API with a token, as `@huggingface/hub` does in a browser.
//!
//! No credentials are allowed: a foreign page can send a token it was given, but never the session cookie.

use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;

const EXPOSED: &str = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,\
                       Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Access-Token,X-Xet-Token-Expiration,\
                       X-Xet-Refresh-Route,X-Xet-Cas-Url,X-Xet-Hash";

/// Middleware: answers preflights and adds the CORS headers to answers for other origins.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn allow_origins<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if !request.headers().contains_key(header::ORIGIN) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    if *request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        let response = HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, range, x-request-id"))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
            .finish();
        return Ok(request.into_response(response).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    Ok(response.map_into_left_body())
}
