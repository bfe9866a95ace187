use std::collections::BTreeMap;

use hub_tests::TestHub;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE, USER_AGENT};
use reqwest::redirect::Policy;

/// What `TestHub` gives every account.
pub(crate) const PASSWORD: &str = "correct horse";

/// A browser: keeps cookies, follows no redirect by itself.
pub(crate) struct Browser {
    base: String,
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// What it says of itself.
    name: &'static str,
}

/// A page as it arrived.
#[derive(Debug)]
pub(crate) struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    /// Where a redirect leads.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(LOCATION).expect("a redirect").to_str().unwrap()
    }

    /// The token of the page's forms.
    pub(crate) fn csrf(&self) -> String {
        let start = self.text.split("name=\"csrf_token\" value=\"").nth(1).expect("the page has a form");
        start.split('"').next().unwrap().to_owned()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

impl Browser {
    pub(crate) fn new(hub: &TestHub) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { base: hub.base().to_owned(), http, cookies: BTreeMap::new(), name: "" }
    }

    /// A browser in which somebody has logged in.
    pub(crate) async fn logged_in(hub: &TestHub, name: &str) -> Self {
        let mut browser = Self::new(hub);
        let page = browser.submit("/login", "/login", &[("username", name), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        browser
    }

    /// Another kind of browser.
    pub(crate) fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Puts a cookie there, as somebody else might.
    pub(crate) fn plant(&mut self, cookie: &str, value: &str) {
        self.cookies.insert(cookie.to_owned(), value.to_owned());
    }

    pub(crate) fn forget(&mut self, cookie: &str) {
        self.cookies.remove(cookie);
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(COOKIE, cookies.join("; ")).header(USER_AGENT, self.name).send().await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// A page that must be there.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        page
    }

    /// Sends a form as it is.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).form(fields);
        self.send(request).await
    }

    /// The same by a page of a site that a browser calls `same-origin`, `same-site` or `cross-site`.
    pub(crate) async fn post_by_a_page_of(&mut self, path: &str, fields: &[(&str, &str)], site: &str) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).form(fields).header("Sec-Fetch-Site", site);
        self.send(request).await
    }

    /// The same by a proxy, for somebody at an address.
    pub(crate) async fn post_from(&mut self, path: &str, fields: &[(&str, &str)], address: &str) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).form(fields).header("X-Forwarded-For", address);
        self.send(request).await
    }

    /// Asks what scripts of our pages ask.
    pub(crate) async fn call(&mut self, method: reqwest::Method, path: &str, csrf: &str, body: &'static str) -> Page {
        let request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        self.send(request.header("Content-Type", "application/json").header("X-CSRF-Token", csrf)).await
    }

    /// Sends a form with files.
    pub(crate) async fn send_form(&mut self, path: &str, form: reqwest::multipart::Form) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).multipart(form);
        self.send(request).await
    }

    /// Opens the page of a form and sends the form with the page's token.
    pub(crate) async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.open(page).await.csrf();
        let mut all = vec![("csrf_token", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(action, &all).await
    }
}
