//! Logs: one JSON object a line, no values of fields, no credentials.

use std::io;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::FilterFn, fmt::MakeWriter, layer::SubscriberExt as _,
    registry::LookupSpan,
};

/// Starts logging to standard output; `IM_LOG` filters, `info` unless set.
pub fn start() {
    let filter = EnvFilter::try_from_env("IM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start, as in tests, changes nothing.
    let _ = tracing::subscriber::set_global_default(to(io::stdout, filter));
}

/// Logs that go there, as far as the filter lets them, in JSON.
pub fn to<W>(writer: W, filter: EnvFilter) -> impl Subscriber + for<'a> LookupSpan<'a>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_writer(writer);
    let lines = lines.with_filter(FilterFn::new(may_be_told));
    tracing_subscriber::registry().with(filter).with(lines)
}

/// Libraries tell whole requests and answers when they are asked to be talkative, with credentials and customers' texts in them:
/// they are not, whatever `IM_LOG` says.
pub fn may_be_told(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().starts_with("im_") || metadata.target() == "im";
    is_ours || *metadata.level() <= Level::INFO
}
