//! What this process counts, for Prometheus. Each hub in a process has its own registry, so tests do not mix.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Encoder as _, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, Result, TextEncoder,
};

/// From a cached page to a slow commit; long transfers are told by bytes.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The counters; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    bytes_sent: IntCounterVec,
    xet_transfers: IntCounterVec,
    ssh_commands: IntCounterVec,
    ssh_connections: IntGauge,
    webhook_deliveries: IntCounterVec,
    webhook_waiting: IntGauge,
    webhook_oldest: Gauge,
    webhook_overdue: Gauge,
    webhooks_disabled: IntGaugeVec,
    clock_ahead: Gauge,
    requests_in_flight: IntGauge,
    git_processes: IntGauge,
    database_connections: IntGaugeVec,
    jobs: IntGaugeVec,
    search_behind: IntGauge,
    memory_bytes: IntGauge,
}

/// What is looked up in the database when somebody asks; nothing where it does not answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Current {
    /// How many jobs wait, and how many are dead letters.
    pub jobs: Option<(i64, i64)>,
    /// How many changes of repositories the search index has not read.
    pub search_behind: Option<i64>,
    /// What webhooks wait for.
    pub webhooks: Option<WebhookState>,
    /// By how many seconds this node's clock is ahead of the database's.
    pub clock_ahead: Option<f64>,
}

/// What is to be sent to webhooks, and which are switched off.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookState {
    /// Deliveries that wait.
    pub waiting: i64,
    /// For how many seconds the oldest of them has been waiting.
    pub oldest_secs: f64,
    /// For how many seconds one has been due and was not sent.
    pub overdue_secs: f64,
    /// Webhooks that their owners switched off.
    pub off: i64,
    /// Those that the hub switched off because nothing arrived.
    pub failing: i64,
    /// Those that the hub switched off because too much waited.
    pub behind: i64,
}

/// Counts one more for as long as it lives.
#[derive(Debug)]
pub struct Held(IntGauge);

impl Held {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Counters at zero.
    ///
    /// # Errors
    /// Two counters have one name: a mistake in this file, which its test finds.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let counter = |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauges = |name, help, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let buckets = HistogramOpts::new("hub_http_request_duration_seconds", "Time until the head of the answer.");
        let inner = Inner {
            requests: counter("hub_http_requests_total", "Requests answered.", &["method", "route", "status"])?,
            durations: HistogramVec::new(buckets.buckets(SECONDS.to_vec()), &["method", "route"])?,
            bytes_sent: counter("hub_http_response_bytes_total", "Bytes of bodies sent.", &["route"])?,
            xet_transfers: counter(
                "hub_xet_transfers_total",
                "Downloads of chunks by the version of the client and how they ended.",
                &["client", "outcome"],
            )?,
            ssh_commands: counter("hub_ssh_commands_total", "Commands by SSH and how they ended.", &["command", "outcome"])?,
            ssh_connections: IntGauge::new("hub_ssh_connections", "Connections by SSH.")?,
            webhook_deliveries: counter(
                "hub_webhook_deliveries_total",
                "Tries to send to webhooks and how they ended.",
                &["outcome"],
            )?,
            webhook_waiting: IntGauge::new("hub_webhook_deliveries_waiting", "Deliveries to webhooks that wait.")?,
            webhook_oldest: Gauge::new("hub_webhook_oldest_waiting_seconds", "Age of the oldest delivery that waits.")?,
            webhook_overdue: Gauge::new("hub_webhook_overdue_seconds", "For how long a delivery is due that was not sent.")?,
            webhooks_disabled: gauges("hub_webhooks_disabled", "Webhooks that are switched off, and by what.", &["because"])?,
            clock_ahead: Gauge::new("hub_clock_ahead_seconds", "By how much this node's clock is ahead of the database's.")?,
            requests_in_flight: IntGauge::new("hub_http_requests_in_flight", "Requests in hand.")?,
            git_processes: IntGauge::new("hub_git_processes", "Git processes that run for clients.")?,
            database_connections: gauges("hub_database_connections", "Connections of the pool.", &["state"])?,
            jobs: gauges("hub_jobs", "Background jobs in the database.", &["state"])?,
            search_behind: IntGauge::new("hub_search_changes_behind", "Changes that this node's search index has not read.")?,
            memory_bytes: IntGauge::new("process_resident_memory_bytes", "Resident memory.")?,
            registry,
        };
        let build = gauges("hub_build_info", "1, with the version as label.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let all: [Box<dyn prometheus::core::Collector>; 19] = [
            Box::new(inner.requests.clone()),
            Box::new(inner.durations.clone()),
            Box::new(inner.bytes_sent.clone()),
            Box::new(inner.xet_transfers.clone()),
            Box::new(inner.ssh_commands.clone()),
            Box::new(inner.ssh_connections.clone()),
            Box::new(inner.webhook_deliveries.clone()),
            Box::new(inner.webhook_waiting.clone()),
            Box::new(inner.webhook_oldest.clone()),
            Box::new(inner.webhook_overdue.clone()),
            Box::new(inner.webhooks_disabled.clone()),
            Box::new(inner.clock_ahead.clone()),
            Box::new(inner.requests_in_flight.clone()),
            Box::new(inner.git_processes.clone()),
            Box::new(inner.database_connections.clone()),
            Box::new(inner.jobs.clone()),
            Box::new(inner.search_behind.clone()),
            Box::new(inner.memory_bytes.clone()),
            Box::new(build),
        ];
        for collector in all {
            inner.registry.register(collector)?;
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Notes that a request is in hand.
    pub fn request_in_hand(&self) -> Held {
        Held::new(&self.inner.requests_in_flight)
    }

    /// Counts an answer when its head is known. `route` is a pattern, never a path: paths are without number.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.inner.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.inner.durations.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// Counts the bytes of a body when it has gone out, or broken off.
    pub fn sent(&self, route: &str, bytes: u64) {
        self.inner.bytes_sent.with_label_values(&[route]).inc_by(bytes);
    }

    /// Counts a download of chunks when it has ended: `whole`, `broken` or `stalled`; or what a client reports of one.
    pub fn xet_transfer(&self, client: &str, outcome: &str) {
        self.inner.xet_transfers.with_label_values(&[client, outcome]).inc();
    }

    /// Notes that somebody is connected by SSH.
    pub fn ssh_connection(&self) -> Held {
        Held::new(&self.inner.ssh_connections)
    }

    /// Counts a command by SSH when it has ended: `done`, `early` where the client went away or git told it why, `refused`, `failed`.
    pub fn ssh_command(&self, command: &str, outcome: &str) {
        self.inner.ssh_commands.with_label_values(&[command, outcome]).inc();
    }

    /// Counts a try to send to a webhook: `delivered`, `retry` where it comes again later, `failed` where it was the last, `dropped`
    /// where its owner may not hear of it any more.
    pub fn webhook_delivery(&self, outcome: &str) {
        self.inner.webhook_deliveries.with_label_values(&[outcome]).inc();
    }

    /// Sets what is not counted but looked up when somebody asks.
    pub fn set_current(&self, idle_connections: usize, all_connections: u32, now: Current) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.inner.git_processes.set(number(hub_git::running_processes()));
        let connections = |state, count| self.inner.database_connections.with_label_values(&[state]).set(count);
        connections("idle", number(idle_connections));
        connections("in_use", i64::from(all_connections) - number(idle_connections));
        if let Some(behind) = now.search_behind {
            self.inner.search_behind.set(behind);
        }
        if let Some(webhooks) = now.webhooks {
            self.set_webhooks(webhooks);
        }
        if let Some(seconds) = now.clock_ahead {
            self.inner.clock_ahead.set(seconds);
        }
        if let Some((waiting, dead)) = now.jobs {
            self.inner.jobs.with_label_values(&["waiting"]).set(waiting);
            self.inner.jobs.with_label_values(&["dead"]).set(dead);
        }
        if let Some(bytes) = resident_memory_bytes() {
            self.inner.memory_bytes.set(bytes);
        }
    }

    fn set_webhooks(&self, now: WebhookState) {
        self.inner.webhook_waiting.set(now.waiting);
        self.inner.webhook_oldest.set(now.oldest_secs);
        self.inner.webhook_overdue.set(now.overdue_secs);
        let disabled = |because, count| self.inner.webhooks_disabled.with_label_values(&[because]).set(count);
        disabled("owner", now.off);
        disabled("failing", now.failing);
        disabled("behind", now.behind);
    }

    /// All of it in the text format.
    ///
    /// # Errors
    /// A metric without any value, which the library does not make.
    pub fn render(&self) -> Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.inner.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Linux tells in kB: `VmRSS:     12345 kB`.
fn resident_memory_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.answered("GET", "/{namespace}/{name}", 200, Duration::from_millis(3));
        metrics.sent("/{namespace}/{name}", 42);
        let held = metrics.request_in_hand();
        metrics.set_current(2, 5, Current { jobs: Some((1, 0)), search_behind: Some(7), ..Current::default() });
        let text = metrics.render().unwrap();
        for line in [
            r#"hub_http_requests_total{method="GET",route="/{namespace}/{name}",status="200"} 1"#,
            r#"hub_http_response_bytes_total{route="/{namespace}/{name}"} 42"#,
            r#"hub_database_connections{state="in_use"} 3"#,
            r#"hub_jobs{state="waiting"} 1"#,
            "hub_search_changes_behind 7",
            "hub_http_requests_in_flight 1",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
        drop(held);
        assert!(metrics.render().unwrap().contains("hub_http_requests_in_flight 0"));
    }
}
