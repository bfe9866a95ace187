use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Counts statements as sqlx logs them, and keeps what the database tells of their plans (`auto_explain`). There is one log per
/// process: who counts runs alone in its own, or counts what others do, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statements {
    about_repos: Arc<AtomicUsize>,
    plans: Arc<Mutex<Vec<String>>>,
}

static WATCHED: OnceLock<Statements> = OnceLock::new();

impl Statements {
    pub(crate) fn watch() -> Self {
        let start = || {
            let statements = Self::default();
            tracing::subscriber::set_global_default(statements.clone()).expect("nothing else listens in this process");
            statements
        };
        WATCHED.get_or_init(start).clone()
    }

    /// The plans that were told since the last call.
    pub(crate) fn take_plans(&self) -> Vec<String> {
        std::mem::take(&mut self.plans.lock().unwrap())
    }

    /// How many statements looked at repositories so far.
    pub(crate) fn about_repos(&self) -> usize {
        self.about_repos.load(Ordering::SeqCst)
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        matches!(metadata.target(), "sqlx::query" | "sqlx::postgres::notice")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        match event.metadata().target() {
            "sqlx::query" if text.0.contains("from repos") => _ = self.about_repos.fetch_add(1, Ordering::SeqCst),
            "sqlx::postgres::notice" if text.0.contains("plan:") => self.plans.lock().unwrap().push(text.0),
            _ => {}
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{value:?} ").replace("\\n", " "));
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.push_str(value);
        self.0.push(' ');
    }
}
