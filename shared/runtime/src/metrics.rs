//! `CloudWatch`'s Embedded Metric Format: a line of the log that is a metric, too. No call is made for it.

use std::{
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use im_engine::metrics::TARGET;
use serde_json::{Map, Value, json};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, Filtered},
    fmt::MakeWriter,
    layer::Context,
};

/// Every metric: its name and its unit at `CloudWatch`.
pub const METRICS: [(&str, &str); 18] = [
    ("propagation_latency", "Milliseconds"),
    ("outbound_success", "Count"),
    ("outbound_failed", "Count"),
    ("inbound_success", "Count"),
    ("inbound_failed", "Count"),
    ("conflicts_detected", "Count"),
    ("conflicts_resolved", "Count"),
    ("drift_discrepancies", "Count"),
    ("pending_deliveries", "Count"),
    ("pending_incidents", "Count"),
    ("oldest_pending_seconds", "Seconds"),
    ("circuit_open", "None"),
    ("rate_limit_headroom", "Percent"),
    ("dead_letters_open", "Count"),
    ("conflicts_pending", "Count"),
    ("oldest_conflict_seconds", "Seconds"),
    ("reconcile_overdue_seconds", "Seconds"),
    ("credentials_refused", "Count"),
];

/// The namespace of all metrics.
pub const NAMESPACE: &str = "im";

/// Writes what the engine measures there, of this stack.
pub fn lines<S, W>(stack: String, writer: W) -> Filtered<MetricLines<W>, IsMetric, S>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    MetricLines { stack, writer }.with_filter(FilterFn::new(is_metric as fn(&Metadata<'_>) -> bool))
}

fn is_metric(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET
}

/// What tells metrics from all else.
type IsMetric = FilterFn<fn(&Metadata<'_>) -> bool>;

/// Makes a line of each event.
pub struct MetricLines<W> {
    stack: String,
    writer: W,
}

impl<S, W> Layer<S> for MetricLines<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        let at = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = at.map_or(0, |since| since.as_millis());
        let line = line(&self.stack, seen, u64::try_from(at).unwrap_or_default());
        // A log that cannot be written is told to nobody.
        let _ = writeln!(self.writer.make_writer(), "{line}");
    }
}

#[derive(Default)]
struct Seen {
    metrics: Vec<(&'static str, &'static str, u64)>,
    dimensions: Map<String, Value>,
}

impl Visit for Seen {
    fn record_u64(&mut self, field: &Field, value: u64) {
        let known = METRICS.iter().find(|(name, _)| *name == field.name());
        if let Some((name, unit)) = known {
            self.metrics.push((name, unit, value));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, u64::try_from(value).unwrap_or_default());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.dimensions.insert(field.name().into(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.dimensions
            .insert(field.name().into(), format!("{value:?}").into());
    }
}

/// What is measured of a stack as a whole, and of each part that the event names.
fn line(stack: &str, seen: Seen, at: u64) -> Value {
    let mut part: Vec<&str> = seen.dimensions.keys().map(String::as_str).collect();
    part.insert(0, "stack");
    // In this order in the template's alarms and dashboard.
    part.sort_by_key(|name| {
        ["stack", "integration", "direction"]
            .iter()
            .position(|it| it == name)
    });
    let definitions: Vec<_> = seen
        .metrics
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let mut line = json!({
        "_aws": {"Timestamp": at, "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": [["stack"], part], "Metrics": definitions,
        }]},
        "stack": stack,
    });
    for (name, value) in &seen.dimensions {
        line[name] = value.clone();
    }
    for (name, _, value) in seen.metrics {
        line[name] = value.into();
    }
    line
}

#[cfg(test)]
mod tests {
    use im_engine::{Counters, metrics};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::telemetry::tests::Written;

    #[test]
    fn what_is_counted_is_a_line_in_the_embedded_metric_format() {
        let written = Written::default();
        let layer = lines("itsm-sync".to_owned(), written.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        let integration = "prod-snow".parse().expect("an id");
        tracing::subscriber::with_default(subscriber, || {
            metrics::counted(&integration, &Counters::OUTBOUND);
            tracing::info!("no metric");
        });
        let text = written.text();
        let mut lines = text.lines();
        let line: Value = serde_json::from_str(lines.next().expect("a line")).expect("JSON");
        assert_eq!(lines.next(), None);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "im");
        assert_eq!(
            directive["Dimensions"],
            json!([["stack"], ["stack", "integration"]])
        );
        assert_eq!(
            directive["Metrics"][0],
            json!({"Name": "outbound_success", "Unit": "Count"})
        );
        assert_eq!(directive["Metrics"].as_array().map(Vec::len), Some(7));
        assert_eq!(
            (&line["stack"], &line["integration"]),
            (&json!("itsm-sync"), &json!("prod-snow"))
        );
        assert_eq!(
            (&line["outbound_success"], &line["inbound_failed"]),
            (&json!(1), &json!(0))
        );
        assert!(line["_aws"]["Timestamp"].as_u64() > Some(1_700_000_000_000));
    }
}
