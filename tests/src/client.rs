use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// An identity that talks to the hub. Every call states the status it expects.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(base: String, token: Option<String>) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("the client builds");
        Self { base, http, token }
    }

    /// The token it sends, or an empty string.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Somebody else, who sends this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The address of a path on the hub.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Starts a request with this identity's credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and checks the status.
    pub async fn send(&self, request: RequestBuilder, status: u16) -> reqwest::Response {
        let response = request.send().await.expect("the hub answers");
        if response.status().as_u16() != status {
            let (url, found) = (response.url().clone(), response.status());
            panic!("{url}: expected {status}, got {found}: {}", response.text().await.unwrap_or_default());
        }
        response
    }

    /// `GET`, with the whole response.
    pub async fn get(&self, path: &str, status: u16) -> reqwest::Response {
        self.send(self.request(Method::GET, path), status).await
    }

    /// `GET` of an absolute address, such as that of a next page; 200 is expected.
    pub async fn get_url(&self, url: &str) -> reqwest::Response {
        let path = url.strip_prefix(&self.base).expect("the address is the hub's");
        self.get(path, 200).await
    }

    /// `HEAD`.
    pub async fn head(&self, path: &str, status: u16) -> reqwest::Response {
        self.send(self.request(Method::HEAD, path), status).await
    }

    /// `GET`, read as JSON.
    pub async fn get_json(&self, path: &str, status: u16) -> Value {
        self.get(path, status).await.json().await.expect("the answer is JSON")
    }

    /// `POST` of JSON, read as JSON (or null).
    pub async fn post_json(&self, path: &str, body: &Value, status: u16) -> Value {
        let response = self.send(self.request(Method::POST, path).json(body), status).await;
        serde_json::from_slice(&response.bytes().await.expect("the body arrives")).unwrap_or(Value::Null)
    }

    /// Any method with a JSON body, read as JSON (or null).
    pub async fn call(&self, method: Method, path: &str, body: &Value, status: u16) -> Value {
        let response = self.send(self.request(method, path).json(body), status).await;
        serde_json::from_slice(&response.bytes().await.expect("the body arrives")).unwrap_or(Value::Null)
    }

    /// Creates a repository; `id` is `namespace/name`.
    pub async fn create_repo(&self, repo_type: &str, id: &str, private: bool) -> Value {
        let (namespace, name) = id.split_once('/').expect("an id has a slash");
        let body = serde_json::json!({ "type": repo_type, "organization": namespace, "name": name, "private": private });
        self.post_json("/api/repos/create", &body, 200).await
    }

    /// Commits lines of NDJSON (after a header with the summary) to a branch; gives the answer.
    pub async fn commit(&self, api: &str, revision: &str, lines: &[Value], status: u16) -> Value {
        let header = serde_json::json!({ "key": "header", "value": { "summary": "test commit" } });
        let mut body = header.to_string();
        for line in lines {
            body.push('\n');
            body.push_str(&line.to_string());
        }
        let request = self.request(Method::POST, &format!("{api}/commit/{revision}"));
        let request = request.header("Content-Type", "application/x-ndjson").body(body);
        let response = self.send(request, status).await;
        serde_json::from_slice(&response.bytes().await.expect("the body arrives")).unwrap_or(Value::Null)
    }

    /// A line that writes a text file.
    pub fn file(path: &str, text: &str) -> Value {
        serde_json::json!({ "key": "file", "value": { "path": path, "content": text, "encoding": "utf-8" } })
    }
}
