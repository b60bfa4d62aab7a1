//! What the product logs: part of the trace, and nothing that may hold a secret.

use std::{io, sync::Arc};

use im_tests::Io;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

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
        self.0.io.note(text.trim_end());
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
    let subscriber = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_env_filter(EnvFilter::new("info"))
        .with_writer(Lines { ledger, io })
        .finish();
    tracing::subscriber::set_default(subscriber)
}
