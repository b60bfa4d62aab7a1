//! Every request that we send to `PagerDuty` and every answer of its stand-in, against the vendor's own `OpenAPI` file;
//! and every webhook that the vendor documents, against us.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use im_model::{ExternalId, ExternalValue, Field, IncidentId, IntegrationType, Secret};
use im_sandbox::{
    Fault, FaultRule, OpenApi, RecordedRequest,
    pagerduty::{CORRECTIONS, NewIncident, Urgency, sign},
};
use im_tests::{INTEGRATION, World};
use im_vendors::{
    Connection, Credentials, VendorApi, VendorErrorKind, pagerduty::PagerDuty, registry,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

const REST: &str = "rest-openapi.json";

/// A file of the vendor's. Without them the test is skipped, but not where that would go unnoticed.
fn vendor_file(name: &str) -> Option<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vendor/pagerduty");
    let path = PathBuf::from(folder).join(name);
    if path.exists() {
        return Some(path);
    }
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "{name} is missing, and this is CI"
    );
    println!("skipped: the vendor's file {name} is not there");
    None
}

fn json_file(name: &str) -> Option<Value> {
    let text = std::fs::read(vendor_file(name)?).expect("readable");
    Some(serde_json::from_slice(&text).expect("JSON"))
}

// ---------------------------------------------------------------------------------------------- requests and answers

/// Our half of the REST API, called directly: for fields that the defaults never let us write, and for refusals.
struct Caller {
    world: Arc<World>,
    credentials: Credentials,
    options: BTreeMap<String, String>,
}

impl Caller {
    fn new(world: &Arc<World>, token: &str, from: &str) -> Self {
        let credentials = [("token", token), ("from_email", from)];
        let credentials = credentials.map(|(name, text)| (name.to_owned(), Secret::new(text)));
        Self {
            world: world.clone(),
            credentials: Credentials(BTreeMap::from(credentials)),
            options: BTreeMap::from([("service".to_owned(), "PSVC001".to_owned())]),
        }
    }

    fn usual(world: &Arc<World>) -> Self {
        Self::new(world, "a-token", "oncall@example.com")
    }

    async fn call<T, F>(&self, what: impl FnOnce(&'static dyn VendorApi, Connection<'_>) -> F) -> T
    where
        F: Future<Output = T>,
    {
        todo!()
    }
}
