//! Every request to Jira, and every answer of its stand-in, against Atlassian's own file.

use std::{collections::BTreeMap, sync::Arc};

use http::{Method, StatusCode};
use im_model::{ExternalRecord, ExternalValue, Field, IntegrationId, IntegrationType, Secret};
use im_sandbox::{
    Fault, FaultRule, OpenApi, RecordedRequest,
    jira::{CORRECTIONS, ERRORS},
};
use im_tests::{JIRA, World};
use im_vendors::{Connection, Credentials, Memory, VendorApi, registry};
use jiff::SignedDuration;
use serde_json::json;

use super::{bytes, distinct, file_of, named, with_credentials};

#[tokio::test]
async fn every_request_and_every_answer_is_as_the_vendors_file_says() {
    let Some(file) = file_of("jira", "rest-openapi.json") else {
        return;
    };
    let official = OpenApi::load(&file).expect("the official file");
    let corrected = OpenApi::load_corrected(&file, CORRECTIONS).expect("the corrected file");
    let corrected = corrected.with_errors(ERRORS);
    let journal = all_that_can_be_said().await;
    let mut findings = Vec::new();
    for asked in distinct(&journal) {
        let (method, path, query) = (&asked.method, &asked.path, asked.query.as_deref());
        let headers = with_credentials(&asked.headers);
        for (openapi, which) in [(&corrected, "corrected"), (&official, "official")] {
            let checked =
                openapi.validate_request(method, path, query, &headers, &bytes(&asked.body));
            findings.extend(named(asked, which, checked));
        }
        // An injected answer is the test's, not the stand-in's.
        if let (Some(status), None) = (asked.status, &asked.fault) {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = bytes(&asked.response);
            let checked = corrected.validate_response(method, path, status, &answer);
            findings.extend(named(asked, "answer", checked));
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

/// A story that makes us say all that we can say.
async fn all_that_can_be_said() -> Vec<RecordedRequest> {
    let world = World::with_all().await;
    // The creation is lost: the issue is searched for before another is created.
    let lost = FaultRule::once(Fault::TimeoutBeforeCommit).path_contains("/rest/api/3/issue");
    world.jira.add_fault(lost.method(&Method::POST));
    let id = world
        .create(&json!({"title": "db down", "description": "# Since *noon*\n\n- a\n- b"}))
        .await;
    world.settle().await;
    for edit in [
        json!({"title": "db is down", "description": "", "severity": "SEV-1"}),
        json!({"status": "closed"}),
        json!({"status": "open"}),
    ] {
        world.clock.advance(SignedDuration::from_secs(60));
        world.edit(&id, &edit).await;
        world.settle().await;
    }
    let kind = im_model::NoteKind::WorkNote;
    world.write_note(&id, kind, "Is it the `cache`?").await;
    world.settle().await;
    // Refused together, written without what is refused, and the changelog asked who was it.
    let overruled = Fault::Overrule {
        field: "priority".to_owned(),
        value: json!("Low"),
    };
    let overruled = FaultRule::once(overruled).method(&Method::PUT);
    world.jira.add_fault(overruled);
    world.edit(&id, &json!({"severity": "SEV-2"})).await;
    world.settle().await;
    directly(&world).await;
    let journal = world.jira.requests();
    covers_everything(&journal);
    journal
}

/// What default ownership never sends, and what only `im integration test` asks.
async fn directly(world: &Arc<World>) {
    let vendor = registry::vendor_api(IntegrationType::Jira);
    let secret = |name: &str, text: &str| (name.to_owned(), Secret::new(text));
    let credentials = Credentials(BTreeMap::from([
        secret("email", "im@example.com"),
        secret("api_key", "a-jira-token"),
        secret("client_key", "a-client"),
    ]));
    let options = [
        ("project", "OPS"),
        ("issue_type", "[System] Incident"),
        ("custom.environment", "customfield_10050"),
        ("custom.customers", "customfield_10051:number"),
        ("custom.impact", "customfield_10052:choice"),
        ("custom.cause", "customfield_10053"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (options, memory) = (BTreeMap::from(options), Memory::default());
    let integration: IntegrationId = JIRA.parse().expect("an id");
    let base_url = im_tests::base_url(IntegrationType::Jira);
    let base_url = base_url.parse().expect("a URL");
    let connection = Connection {
        base_url: &base_url,
        options: &options,
        credentials: &credentials,
        transport: &world.transport,
        memory: &memory,
        integration: &integration,
        now: world.clock.read(),
    };
    let checks = vendor.probe(connection).await;
    assert!(checks.len() > 3, "{checks:#?}");
    let stored = world.system.ports.store.clone();
    let mut configured = im_engine::ports::IntegrationStore::integration(&*stored, &integration)
        .await
        .expect("the store answers")
        .expect("it exists");
    configured.options.clone_from(&options);
    let rules = vendor.rules(&configured, connection).await;
    rules.expect("the statuses and the fields are told");
    let issue = world.jira.issues().remove(0);
    let record = vendor
        .read(connection, &issue.id.parse().expect("an id"))
        .await;
    let record = record.expect("the record");
    let custom = |name: &str| Field::Custom(name.to_owned());
    let mut record = write(
        vendor,
        connection,
        &record,
        &[
            (Field::AssignedTo, "ann@example.com"),
            (custom("environment"), "Staging"),
            (custom("customers"), "12.5"),
            (custom("impact"), "Minor"),
            (custom("cause"), "The **cache**"),
        ],
    )
    .await;
    for field in [Field::AssignedTo, custom("environment"), custom("impact")] {
        record = write(vendor, connection, &record, &[(field, "")]).await;
    }
}

async fn write(
    vendor: &dyn VendorApi,
    connection: Connection<'_>,
    record: &ExternalRecord,
    values: &[(Field, &str)],
) -> ExternalRecord {
    let value = |(field, text): &(Field, &str)| (field.clone(), ExternalValue::text(*text));
    let values: BTreeMap<_, _> = values.iter().map(value).collect();
    let written = vendor.write(connection, record, &values).await;
    let written = written.expect("written");
    assert_eq!(written.refused, BTreeMap::new());
    for (field, sent) in &values {
        assert_eq!(written.record.fields[field].value, *sent, "{field}");
    }
    written.record
}

/// What the story must have led to. Without this a test that plays nothing would pass.
fn covers_everything(journal: &[RecordedRequest]) {
    for (method, path) in [
        (Method::POST, "/rest/api/3/issue"),
        (Method::POST, "/rest/api/3/search/jql"),
        (Method::POST, "/rest/api/3/workflows"),
        (Method::POST, "/transitions"),
        (Method::POST, "/comment"),
        (Method::PUT, "/rest/api/3/issue/"),
        (Method::GET, "/rest/api/3/issue/"),
        (Method::GET, "/transitions"),
        (Method::GET, "/comment"),
        (Method::GET, "/changelog"),
        (Method::GET, "/statuses"),
        (Method::GET, "/user/assignable/search"),
        (Method::GET, "/mypermissions"),
        (Method::GET, "/myself"),
        (Method::GET, "/rest/api/3/field"),
    ] {
        let said = journal.iter().any(|asked| {
            asked.method == method
                && (asked.path.ends_with(path)
                    || path.ends_with('/') && asked.path.starts_with(path))
        });
        assert!(said, "{method} {path} was never sent");
    }
}
