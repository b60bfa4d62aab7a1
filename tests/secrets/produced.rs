//! All that a run produces.

use std::io;

use http::Method;
use im_tests::World;
use serde_json::Value;
use tracing_subscriber::{filter::Targets, fmt::MakeWriter};

use super::{Shared, parsed};

/// What was produced until now.
#[derive(Clone, Default)]
pub struct Produced(Shared<Vec<u8>>);

impl Produced {
    /// Begins to listen to every log line and span of this process.
    pub fn listen() -> Self {
        let produced = Self::default();
        produced.add("logs", "");
        let logs = im_runtime::telemetry::to(
            produced.clone(),
            Targets::new().with_default(tracing::Level::TRACE),
        );
        tracing::subscriber::set_global_default(logs).expect("the first one");
        produced
    }

    /// Adds what is called so.
    pub fn add(&self, what: &str, text: &str) {
        let mut all = self.0.lock().expect("not poisoned");
        all.extend(format!("\n== {what}\n{text}").into_bytes());
    }

    /// Asks the management API, and keeps the whole answer.
    pub async fn ask(
        &self,
        world: &World,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Value {
        let answer = world.api(method, path, body).await;
        let text = String::from_utf8_lossy(answer.body());
        self.add(
            path,
            &format!("{} {:?} {text}", answer.status(), answer.headers()),
        );
        parsed(answer.body())
    }

    pub fn all(&self) -> String {
        let all = self.0.lock().expect("not poisoned");
        String::from_utf8_lossy(&all).into_owned()
    }
}

impl io::Write for Produced {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Produced {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
