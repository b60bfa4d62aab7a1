//! Logs: one JSON object a line, no values of fields, no credentials.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard output; `IM_LOG` filters, `info` unless set.
pub fn start() {
    let filter = EnvFilter::try_from_env("IM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start, as in tests, changes nothing.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_current_span(false)
        .try_init();
}
