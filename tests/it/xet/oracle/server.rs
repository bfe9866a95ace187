//! The other server, and what both are asked through.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder};

/// A server of chunks: where its paths begin, and what it wants to see.
pub(super) struct Cas {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Cas {
    pub(super) fn new(base: String, token: Option<String>) -> Self {
        Self { base, token, http: reqwest::Client::new() }
    }

    /// The same server, for somebody without a token.
    pub(super) fn anonymous(&self) -> Self {
        Self { base: self.base.clone(), token: None, http: self.http.clone() }
    }

    /// Starts a request to a path.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request; gives status and body.
    pub(super) async fn send(&self, request: RequestBuilder) -> (u16, Bytes) {
        let response = request.send().await.expect("the server answers");
        (response.status().as_u16(), response.bytes().await.expect("the body arrives"))
    }

    /// `GET` of an address that the server gave out, as clients do it: with its range and without credentials.
    pub(super) async fn fetch(&self, url: &str, first: u64, last: u64) -> (u16, Bytes) {
        self.send(self.http.get(url).header("Range", format!("bytes={first}-{last}"))).await
    }
}

/// The CAS server of the client's makers. It ends when this is dropped.
pub(super) struct TheirServer {
    process: Child,
    base: String,
}

impl TheirServer {
    /// Starts it, with nothing in it.
    pub(super) async fn start() -> Self {
        let program = std::env::var_os("HUB_TEST_CAS_SERVER")
            .expect("HUB_TEST_CAS_SERVER is not set: run `scripts/test oracle`, which builds the server it names");
        // It cannot be told to choose a port itself.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let process = Command::new(program)
            .args(["--in-memory", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server = Self { process, base: format!("http://127.0.0.1:{port}") };
        let health = format!("{}/health", server.base);
        for _ in 0..400 {
            if reqwest::get(&health).await.is_ok_and(|answer| answer.status() == 200) {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{health} does not answer");
    }

    pub(super) fn cas(&self) -> Cas {
        Cas::new(self.base.clone(), None)
    }
}

impl Drop for TheirServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
