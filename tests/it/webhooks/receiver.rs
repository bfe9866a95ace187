use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hub_tests::Value;
use tokio::sync::watch;

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Got {
    /// The id of the delivery.
    pub(super) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// `scope action`.
    pub(super) fn event(&self) -> String {
        let event = &self.body["event"];
        format!("{} {}", event["scope"].as_str().unwrap(), event["action"].as_str().unwrap())
    }
}

/// A program that takes webhooks, on a port of this machine. What comes to `/slow` and below is answered when it is let go.
pub(super) struct Receiver {
    port: u16,
    go: watch::Sender<bool>,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (status, got) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (answer, taken) = (Arc::clone(&status), Arc::clone(&got));
        let (go, gone) = watch::channel(false);
        let take = move |request: HttpRequest, body: web::Bytes| {
            let headers = request.headers().iter();
            let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            taken.lock().unwrap().push(Got { path: request.path().to_owned(), headers: headers.collect(), body });
            let mut response = HttpResponse::build(StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap());
            if request.path() == "/redirect" {
                response.status(StatusCode::FOUND).insert_header(("location", "/elsewhere"));
            }
            let said = format!("\u{0}thanks {}", "x".repeat(10_000));
            let (is_slow, mut gone) = (request.path().starts_with("/slow"), gone.clone());
            async move {
                if is_slow {
                    drop(gone.wait_for(|go| *go).await);
                }
                response.body(said)
            }
        };
        let server = HttpServer::new(move || App::new().default_service(web::to(take.clone())));
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        tokio::spawn(server);
        Self { port, go, status, got }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What to answer from now on.
    pub(super) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Answers what is slow, from now on at once.
    pub(super) fn let_go(&self) {
        self.go.send_replace(true);
    }

    /// What came so far.
    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits for at least so many requests.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Got> {
        let started = Instant::now();
        while self.got().len() < count {
            let events: Vec<String> = self.got().iter().map(Got::event).collect();
            assert!(started.elapsed() < Duration::from_secs(60), "not {count}: {events:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.got()
    }
}
