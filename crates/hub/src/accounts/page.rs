//! What every page handler needs besides its own subject: the viewer, the frame, the form token, the answer.

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use askama::Template;
use hub_types::RepoType;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{User, Viewer, csrf};
use crate::app::App;
use crate::banner;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::notifications;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, app_of, read_body};
use crate::web::layout::{Banner, Flash, Layout, ViewerBadge};
use crate::web::pictures::{self, Pictures};
use crate::web::security_headers::OwnPage;
use crate::web::static_files::accepts;

const FLASH_COOKIE: &str = "flash";
/// As `theme-toggle.js` writes it.
const THEME_COOKIE: &str = "theme";
const HOST_PREFIX: &str = "__Host-";
const FLASH_PURPOSE: &str = "flash";
/// The largest form of a page, in bytes.
const FORM_LIMIT_BYTES: usize = 256 * 1024;

/// The request of a page: who asks, from where, and how to answer.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// The shared state.
    pub app: web::Data<App>,
    /// Who asks.
    pub viewer: Viewer,
    /// The hub's own address.
    pub base: BaseUrl,
    request: HttpRequest,
}

/// How many notifications the viewer has not read.
#[derive(Debug, Clone, Copy)]
struct Unread(i64);

impl FromRequest for PageRequest {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let viewer = Viewer::extract(&request).await?;
            let page = Self::new(request, viewer)?;
            // Kept with the request, for a page that says what went wrong.
            if let Ok(user) = page.viewer.require_session() {
                let unread = notifications::count_unread(&page.app, user).await?;
                page.request.extensions_mut().insert(Unread(unread));
            }
            Ok(page)
        })
    }
}

impl PageRequest {
    /// The same for a viewer who is already known.
    ///
    /// # Errors
    /// 500 when the app is not mounted.
    pub fn new(request: HttpRequest, viewer: Viewer) -> HubResult<Self> {
        let app = app_of(&request)?.clone();
        let base = BaseUrl::of(&request);
        Ok(Self { app, viewer, base, request })
    }

    /// The path asked for.
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// The query asked for.
    pub fn query(&self) -> Query {
        Query::parse(self.request.query_string())
    }

    /// The request itself.
    pub fn http(&self) -> &HttpRequest {
        &self.request
    }

    /// The account, for pages that manage it.
    ///
    /// # Errors
    /// 401 for strangers (whom the error page sends to the login), 403 for tokens.
    pub fn require_session(&self) -> HubResult<&User> {
        self.viewer.require_session()
    }

    /// The frame of a page.
    pub fn layout(&self, title: impl Into<String>) -> Layout {
        let viewer = self.viewer.user.as_ref().map(|user| ViewerBadge {
            name: user.name.clone(),
            organizations: user.memberships.iter().map(|membership| membership.name.clone()).collect(),
            unread: self.request.extensions().get::<Unread>().map_or(0, |unread| unread.0),
        });
        let target = self.request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        Layout {
            title: title.into(),
            description: String::new(),
            viewer,
            csrf: csrf::token_for(&self.app, &self.request).0,
            banner: self.banner(),
            read_only: self.app.refusal_of_changes().map(|refusal| refusal.message().to_owned()),
            flash: self.flash(),
            theme: self.theme(),
            section: None,
            return_to: target,
            off: Flag::ALL.into_iter().filter(|flag| !self.app.allows(*flag)).map(Flag::as_str).collect(),
        }
    }

    /// The frame of a page in a section of the site.
    pub fn layout_in(&self, section: RepoType, title: impl Into<String>) -> Layout {
        Layout { section: Some(section), ..self.layout(title) }
    }

    fn theme(&self) -> Option<&'static str> {
        let cookie = self.kept(THEME_COOKIE)?;
        ["light", "dark"].into_iter().find(|theme| *theme == cookie.value())
    }

    fn banner(&self) -> Option<Banner> {
        let closed = self.kept(banner::COOKIE);
        self.app.banner.shown(crate::clock::now(), closed.as_ref().map(Cookie::value))
    }

    fn flash(&self) -> Option<Flash> {
        let cookie = self.kept(FLASH_COOKIE)?;
        let (signature, text) = cookie.value().split_once('.')?;
        let text = percent_decode_str(text).decode_utf8().ok()?;
        let known = self.app.signer.verify(FLASH_PURPOSE, &text, signature);
        known.then(|| Flash { kind: "success", text: text.into_owned() })
    }

    /// Answers with a page.
    ///
    /// # Errors
    /// 500 when the template fails.
    pub async fn show<T: Template + Send + 'static>(&self, page: T) -> HubResult<HttpResponse> {
        self.show_with(StatusCode::OK, page).await
    }

    /// Answers with a page and a status. Rendering and compressing a large page takes milliseconds, so it is
    /// done off the async threads.
    ///
    /// # Errors
    /// 500 when the template fails.
    pub async fn show_with<T: Template + Send + 'static>(&self, status: StatusCode, page: T) -> HubResult<HttpResponse> {
        let compress = accepts(&self.request, "gzip");
        let pictures = self.app.pictures.clone();
        let (body, encoded) = tokio::task::spawn_blocking(move || render(&page, &pictures, compress)).await??;
        let mut response = HttpResponse::build(status);
        response
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, if is_personal(self.path()) { "no-store" } else { "private, no-cache" }))
            .insert_header((header::VARY, "Cookie, Accept-Encoding"));
        if encoded {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
        }
        if let (_, Some(cookie)) = csrf::token_for(&self.app, &self.request) {
            response.cookie(cookie);
        }
        if self.kept(FLASH_COOKIE).is_some() {
            response.cookie(self.own_cookie(FLASH_COOKIE, String::new(), Duration::ZERO));
        }
        let mut response = response.body(body);
        response.extensions_mut().insert(OwnPage);
        Ok(response)
    }

    /// Sends the browser to another page of the hub, with GET.
    pub fn redirect(&self, to: &str) -> HttpResponse {
        let to = own_path(to).unwrap_or("/");
        HttpResponse::SeeOther().insert_header((header::LOCATION, to)).insert_header((header::CACHE_CONTROL, "no-store")).finish()
    }

    /// The same, with a sentence that the next page shows.
    pub fn redirect_saying(&self, to: &str, text: &str) -> HttpResponse {
        let value = format!("{}.{}", self.app.signer.sign(FLASH_PURPOSE, text), utf8_percent_encode(text, NON_ALPHANUMERIC));
        let mut response = self.redirect(to);
        // A cookie that cannot be written only loses the sentence.
        let _ = response.add_cookie(&self.own_cookie(FLASH_COOKIE, value, Duration::minutes(1)));
        response
    }

    /// A cookie of ours, if the browser has kept it.
    pub fn kept(&self, name: &'static str) -> Option<Cookie<'static>> {
        self.request.cookie(&self.cookie_name(name))
    }

    /// By TLS a cookie has a name that no neighbour under the same domain can set.
    fn cookie_name(&self, name: &'static str) -> Cow<'static, str> {
        match self.base.is_https() && !name.starts_with(HOST_PREFIX) {
            true => format!("{HOST_PREFIX}{name}").into(),
            false => name.into(),
        }
    }

    /// A cookie of ours that scripts cannot read.
    pub fn own_cookie(&self, name: &'static str, value: String, age: Duration) -> Cookie<'static> {
        Cookie::build(self.cookie_name(name), value)
            .path("/")
            .http_only(true)
            .secure(self.base.is_https())
            .same_site(SameSite::Lax)
            .max_age(age)
            .finish()
    }
}

fn render(page: &impl Template, pictures: &Pictures, compress: bool) -> HubResult<(Vec<u8>, bool)> {
    let html = page.render_with_values(&(pictures::KEY, pictures as &dyn Any)).map_err(HubError::internal)?;
    if !compress || html.len() < 1024 {
        return Ok((html.into_bytes(), false));
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(html.len() / 4), flate2::Compression::new(5));
    encoder.write_all(html.as_bytes())?;
    Ok((encoder.finish()?, true))
}

/// Whether a page is about somebody alone, or its address has a secret: no browser writes it down.
fn is_personal(path: &str) -> bool {
    const FOLDERS: [&str; 13] = [
        "/admin",
        "/change-email",
        "/confirm-email",
        "/invitations",
        "/join/confirm",
        "/login",
        "/moderation",
        "/notifications",
        "/oauth",
        "/organizations",
        "/reset-password",
        "/settings",
        "/sudo",
    ];
    FOLDERS.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The path itself, if it stays on this hub: `//host` and `/\host` name other hosts. A header takes plain ASCII only, which is what
/// browsers make of an address.
pub fn own_path(path: &str) -> Option<&str> {
    let stays = path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    stays.then_some(path)
}

/// A form that one of our pages sent: it cannot be had without its token being checked. It has at most `LIMIT` bytes.
#[derive(Debug)]
pub struct CheckedForm<const LIMIT: usize = FORM_LIMIT_BYTES>(Query);

impl<const LIMIT: usize> CheckedForm<LIMIT> {
    /// A field's text without spaces around it, empty when it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default().trim()
    }

    /// A field's text as it was typed: for passwords.
    pub fn exact(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }

    /// The key of what is to be restored, where the form is that of `components/removed.html`.
    pub fn restored(&self) -> Option<i64> {
        self.text("restore").parse().ok()
    }

    /// All fields.
    pub fn fields(&self) -> &Query {
        &self.0
    }
}

impl<const LIMIT: usize> FromRequest for CheckedForm<LIMIT> {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let app = app_of(&request)?;
            let body = read_body(&mut payload, LIMIT).await?;
            let text = std::str::from_utf8(&body).map_err(|_| HubError::bad_request("The form is not UTF-8."))?;
            let form = Query::parse(text);
            csrf::check(app, &request, form.get(csrf::FIELD))?;
            Ok(Self(form))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn redirects_stay_on_the_hub() {
        for path in ["/", "/ada/bert?x=//y", "/settings/tokens"] {
            assert_eq!(own_path(path), Some(path));
        }
        for path in ["", "ada", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/a b", "/é"] {
            assert_eq!(own_path(path), None, "{path}");
        }
    }
}
