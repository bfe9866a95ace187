//! The log: one line an event, to standard error. `docs/logging.md` says what is logged at which level.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Chatter of libraries at `info`; HUB_LOG can name them to hear it.
const QUIET: &str = "actix_server=warn,sqlx::postgres::notice=warn";

/// Sets the process's log up; a second call does nothing. Lines inside a request carry its id.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.filter)).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match config.format {
        LogFormat::Human => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
    if set.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(place, backtrace = %std::backtrace::Backtrace::capture(), "panic: {message}");
        }));
    }
}
