//! What the product logs: part of the trace, and nothing that may hold a secret.

use std::{io, sync::Arc};

use im_tests::Io;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{filter::Targets, fmt::MakeWriter};

use crate::ledger::Ledger;

struct Lines {
    ledger: Arc<Ledger>,
    io: Io,
}

/// One line.
struct Line<'a>(&'a Lines);

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.ledger.secrets.look_at("a line of the log", &text);
        let mut told: Value = serde_json::from_str(&text).expect("a line of JSON");
        // By the machine's clock: a seed has its own.
        told.as_object_mut().map(|told| told.remove("timestamp"));
        self.0.io.note(told);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Until the guard is dropped, this thread's log goes to the trace.
pub fn listen(ledger: Arc<Ledger>, io: Io) -> DefaultGuard {
    let filter = Targets::new().with_default(tracing::Level::INFO);
    let subscriber = im_runtime::telemetry::to(Lines { ledger, io }, filter);
    tracing::subscriber::set_default(subscriber)
}
