//! Logs: one JSON object a line, no values of fields, no credentials. Metrics are lines among them.

use std::io;

use im_engine::metrics::TARGET;
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterExt as _, FilterFn, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    registry::LookupSpan,
};

use crate::{log_line::JsonLine, metrics, trace::Traces};

/// What `IM_LOG` lets through: a level, or levels by target (`im_engine=debug,info`); unless it says so, this.
///
/// # Errors
/// What is wrong with it, for a line of the log.
pub fn filter_from_env(unless: LevelFilter) -> (Targets, Result<(), String>) {
    filter_of(std::env::var("IM_LOG").ok().as_deref(), unless)
}

fn filter_of(told: Option<&str>, unless: LevelFilter) -> (Targets, Result<(), String>) {
    let default = Targets::new().with_default(unless);
    match told.filter(|told| !told.is_empty()).map(str::parse) {
        None => (default, Ok(())),
        Some(Ok(filter)) => (filter, Ok(())),
        Some(Err(error)) => (default, Err(format!("IM_LOG: {error}"))),
    }
}

/// Starts logging to standard output; `IM_LOG` filters, `info` unless set. Metrics are written where `METRICS_STACK` says of
/// which stack they are, traces are sent where the `OTEL_` variables say, if they do.
pub fn start() {
    let (filter, is_told) = filter_from_env(LevelFilter::INFO);
    let stack = std::env::var("METRICS_STACK").ok();
    let stack = stack.filter(|stack| !stack.is_empty());
    let traces = Traces::from_env();
    let (traces, wrong) = match traces {
        Ok(traces) => (traces, None),
        Err(wrong) => (None, Some(wrong)),
    };
    let subscriber = all(io::stdout, filter, stack, traces.as_ref());
    // A second start, as in tests, changes nothing.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(traces) = traces {
        traces.install();
    }
    if let Some(wrong) = wrong {
        tracing::error!(wrong, "no traces: the OTEL_ variables cannot be read");
    }
    if let Err(wrong) = is_told {
        tracing::error!(wrong, "the log is as without it");
    }
}

/// The log, metrics of this stack and traces.
fn all<W>(
    writer: W,
    filter: Targets,
    stack: Option<String>,
    traces: Option<&Traces>,
) -> impl Subscriber + use<W>
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let metrics = stack.map(|stack| metrics::lines(stack, writer.clone()));
    // A layer that is `None` would have a say in which spans are made, and wants all. So would one without a filter.
    let mut layers = vec![lines(writer, filter).boxed()];
    layers.extend(metrics.map(Layer::boxed));
    layers.extend(traces.map(Traces::layer).map(Layer::boxed));
    tracing_subscriber::registry().with(layers)
}

/// Logs that go there, as far as the filter lets them, in JSON.
pub fn to<W>(writer: W, filter: Targets) -> impl Subscriber + for<'a> LookupSpan<'a>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(lines(writer, filter))
}

fn lines<W>(writer: W, filter: Targets) -> impl Layer<Registry> + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .event_format(JsonLine)
        .with_writer(writer);
    // No line tells of spans: where there are no traces, none is made.
    let is_line = |metadata: &Metadata<'_>| metadata.is_event() && may_be_told(metadata);
    lines.with_filter(FilterFn::new(is_line).and(filter))
}

/// Libraries tell whole requests and answers when they are asked to be talkative, with credentials and customers' texts in them:
/// they are not, whatever `IM_LOG` says. Metrics have lines of their own.
pub fn may_be_told(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_ours = target.starts_with("im_") || target == "im";
    target != TARGET && (is_ours || *metadata.level() <= Level::INFO)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written, for a test to read.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(crate) fn text(&self) -> String {
            let bytes = self.0.lock().expect("nobody panicked").clone();
            String::from_utf8(bytes).expect("UTF-8")
        }
    }

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panicked").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'w> MakeWriter<'w> for Written {
        type Writer = Self;

        fn make_writer(&'w self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_said_to_be_wrong() {
        let of = |told| filter_of(told, LevelFilter::WARN);
        let default = Targets::new().with_default(LevelFilter::WARN);
        assert_eq!(of(None), (default.clone(), Ok(())));
        assert_eq!(of(Some("")), (default.clone(), Ok(())));
        let told = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("im_engine", LevelFilter::DEBUG);
        assert_eq!(of(Some("im_engine=debug,info")), (told, Ok(())));
        let (filter, wrong) = of(Some("im_engine=loud"));
        assert_eq!(filter, default);
        assert!(wrong.expect_err("no such level").starts_with("IM_LOG: "));
    }

    #[test]
    fn without_traces_there_is_no_span_and_every_line() {
        let written = Written::default();
        let filter = Targets::new().with_default(Level::INFO);
        let subscriber = all(written.clone(), filter, Some("a".to_owned()), None);
        tracing::subscriber::with_default(subscriber, || {
            assert!(tracing::info_span!(target: "im_engine", "a span").is_disabled());
            let integration = "prod-snow".parse().expect("an id");
            im_engine::metrics::counted(&integration, &im_engine::Counters::INBOUND);
            tracing::info!("a line");
        });
        let text = written.text();
        assert!(text.contains("a line"), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn metrics_are_no_lines_of_the_log_and_need_no_level() {
        let (log, metrics) = (Written::default(), Written::default());
        let subscriber = to(log.clone(), Targets::new().with_default(Level::ERROR));
        let subscriber = subscriber.with(metrics::lines("a".to_owned(), metrics.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let integration = "prod-snow".parse().expect("an id");
            im_engine::metrics::counted(&integration, &im_engine::Counters::INBOUND);
            tracing::info!(target: "im_engine", "not at this level");
            tracing::error!(target: "im_engine", "at this one");
        });
        assert_eq!(metrics.text().lines().count(), 1);
        assert_eq!(log.text().lines().count(), 1);
        assert!(log.text().contains("at this one"));
    }
}
