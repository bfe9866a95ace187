//! The hub's own address as the client wrote it: every absolute URL in an answer must start with it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use crate::app::App;

/// `scheme://host[:port]`, without a trailing slash.
#[derive(Debug, Clone)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The configured public address, else what `Host` (and a proxy's `X-Forwarded-*`) say.
    pub fn of(request: &HttpRequest) -> Self {
        if let Some(url) = request.app_data::<web::Data<App>>().and_then(|app| app.config.public_url.clone()) {
            return Self(url.trim_end_matches('/').to_owned());
        }
        let info = request.connection_info();
        Self(format!("{}://{}", info.scheme(), info.host()))
    }

    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends a path that starts with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether browsers reach the hub by TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromRequest for BaseUrl {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}
