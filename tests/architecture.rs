//! Which way dependencies point, how the functions look, and that template, tables and code say the same.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription, KeySchemaElement, ProjectionType, StreamViewType,
};
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, StreamRecord};
use bytes::Bytes;
use http::{Method, Request};
use im_engine::{RetryLadder, SyncEngine};
use im_local::{Embedded, events::stream_event};
use im_model::IntegrationType;
use im_runtime::HttpTransport;
use im_sandbox::{Fault, FaultRule, pagerduty::Urgency};
use im_tests::World;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file and folder below a folder of the workspace.
fn below(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

fn sources(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut files = below(folder);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files
}

fn names(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

// ----------------------------------------------------------------------------------------------------- dependencies

/// Design section 10: which crates of ours each crate may depend on, in tests and build scripts too.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("im-model", &[]),
    ("im-sync", &["im-model"]),
    ("im-vendors", &["im-model", "im-sync"]),
    ("im-engine", &["im-model", "im-sync", "im-vendors"]),
    (
        "im-store",
        &["im-engine", "im-model", "im-sync", "im-vendors"],
    ),
    (
        "im-api",
        &["im-engine", "im-model", "im-sync", "im-vendors"],
    ),
    (
        "im-runtime",
        &[
            "im-api",
            "im-engine",
            "im-model",
            "im-store",
            "im-sync",
            "im-vendors",
        ],
    ),
    ("api", &["im-runtime"]),
    ("inbound", &["im-runtime"]),
    ("outbound", &["im-runtime"]),
    ("webhook-pagerduty", &["im-runtime"]),
    // A vendor's stand-in knows what the vendor documents, and nothing of ours.
    ("im-sandbox", &[]),
    (
        "im-local",
        &[
            "im-api",
            "im-engine",
            "im-model",
            "im-runtime",
            "im-sandbox",
            "im-store",
            "im-sync",
            "im-vendors",
        ],
    ),
    (
        "im-cli",
        &["im-local", "im-model", "im-runtime", "im-sandbox"],
    ),
    (
        "im-tests",
        &[
            "im-api",
            "im-engine",
            "im-local",
            "im-model",
            "im-runtime",
            "im-sandbox",
            "im-store",
            "im-sync",
            "im-vendors",
        ],
    ),
];

/// What is outside of the workspace and may be named by few: what the name starts with, and who.
const KNOWN_TO: &[(&str, &[&str])] = &[
    (
        "aws-sdk-dynamodb",
        &["im-local", "im-runtime", "im-store", "im-tests"],
    ),
    (
        "serde_dynamo",
        &["im-local", "im-runtime", "im-store", "im-tests"],
    ),
    ("aws-", &["im-local", "im-runtime", "im-store", "im-tests"]),
    ("lambda_", &["im-local", "im-runtime", "im-tests"]),
    ("aws_lambda_events", &["im-runtime"]),
    (
        "axum",
        &["im-api", "im-cli", "im-local", "im-runtime", "im-sandbox"],
    ),
    ("reqwest", &["im-cli", "im-runtime", "im-sandbox"]),
    ("dynoxide-rs", &["im-local"]),
    ("winterbaume", &["im-local"]),
];

static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let arguments = [
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
        "--offline",
        "--locked",
    ];
    serde_json::from_str(&cargo(&arguments)).expect("JSON")
});

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.expect("cargo runs");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The workspace's packages and what each names as a dependency, itself left out.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let packages = METADATA["packages"].as_array().expect("packages").iter();
    let named = |json: &Value| json["name"].as_str().expect("a name").to_owned();
    packages
        .map(|package| {
            let name = named(package);
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let others = dependencies
                .iter()
                .map(named)
                .filter(|other| *other != name);
            (name.clone(), others.collect())
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let allowed: BTreeMap<_, _> = MAY_DEPEND_ON
        .iter()
        .map(|(name, others)| ((*name).to_owned(), names(others)))
        .collect();
    let listed: Vec<_> = allowed.keys().collect();
    assert_eq!(
        packages.keys().collect::<Vec<_>>(),
        listed,
        "a crate that the table lacks or adds"
    );
    for (name, dependencies) in &packages {
        let ours: BTreeSet<_> = dependencies
            .iter()
            .filter(|other| packages.contains_key(*other))
            .cloned()
            .collect();
        let wrong: Vec<_> = ours.difference(&allowed[name]).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn few_know_what_is_outside() {
    for (name, dependencies) in packages() {
        for (prefix, known_to) in KNOWN_TO {
            let known = dependencies.iter().find(|other| other.starts_with(prefix));
            let allowed = known_to.contains(&name.as_str());
            assert!(known.is_none() || allowed, "{name} must not know {known:?}");
        }
    }
}

/// The packages that one package is built with, its own included.
fn built_with(package: &str) -> BTreeSet<String> {
    let arguments = [
        "tree",
        "-p",
        package,
        "-e",
        "normal",
        "--prefix",
        "none",
        "--offline",
        "--locked",
    ];
    let tree = cargo(&arguments);
    let built: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert!(built.contains(package), "{built:?}");
    built
}

fn assert_without(package: &str, unwanted: &[&str]) {
    let built = built_with(package);
    let found = built
        .iter()
        .find(|name| unwanted.iter().any(|prefix| name.starts_with(prefix)));
    assert_eq!(found, None, "{package} is built with it");
}

#[test]
fn pure_crates_are_pure() {
    let io = [
        "aws-", "aws_", "hyper", "lambda_", "mio", "reqwest", "rustls", "socket2", "tokio",
    ];
    for package in ["im-model", "im-sync", "im-vendors"] {
        assert_without(package, &io);
    }
    for package in ["im-model", "im-sync"] {
        assert_without(package, &["async-", "futures", "http"]);
    }
    let impure = [
        "async fn",
        "Instant::",
        "std::env",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "SystemTime",
        "Timestamp::now",
    ];
    for (folder, allowed) in [
        ("shared/model/src", ""),
        ("shared/sync/src", ""),
        ("shared/vendors/src", "async fn"),
    ] {
        for file in sources(folder) {
            let text = read(&file);
            let found = impure
                .iter()
                .find(|word| **word != allowed && text.contains(**word));
            assert_eq!(found, None, "{}", file.display());
        }
    }
}

/// aws-lc needs a C compiler and makes cold starts longer; the rest is for this machine only.
#[test]
fn functions_are_built_with_nothing_they_do_not_need() {
    for function in functions() {
        let unwanted = [
            "aws-lc",
            "dynoxide",
            "im-cli",
            "im-local",
            "im-sandbox",
            "im-tests",
            "native-tls",
            "openssl-sys",
            "winterbaume",
        ];
        assert_without(&function, &unwanted);
    }
}

// ---------------------------------------------------------------------------------------------------------- sources

fn functions() -> BTreeSet<String> {
    let folders = std::fs::read_dir(root().join("functions")).expect("functions/");
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    folders
        .map(|entry| name(entry.expect("an entry")))
        .collect()
}

#[test]
fn every_main_is_short_and_of_one_shape() {
    let mut shapes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for function in functions() {
        let files: Vec<_> = below(format!("functions/{function}/src"));
        assert_eq!(files.len(), 1, "{function} is main.rs and nothing else");
        let main = read(format!("functions/{function}/src/main.rs"));
        assert!(
            main.lines().count() <= 25,
            "{function} does too much in main.rs"
        );
        shapes
            .entry(shape(&main))
            .or_default()
            .push(function.clone());
        let expected = names(&["im-runtime", "tokio"]);
        assert_eq!(packages()[&function], expected, "{function}");
    }
    assert_eq!(shapes.len(), 1, "{shapes:#?}");
}

fn is_call(text: &str) -> bool {
    text.strip_prefix("im_runtime::")
        .and_then(|call| call.strip_suffix(".await"))
        .is_some()
}

/// The text but for what it is about: its doc line, and what is called.
fn shape(main: &str) -> String {
    let line = |line: &str| match line.trim_start() {
        text if text.starts_with("//!") => "//! …".to_owned(),
        text if is_call(text) => "call".to_owned(),
        _ => line.to_owned(),
    };
    main.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn vendors_do_not_know_each_other() {
    let vendors: Vec<_> = IntegrationType::ALL
        .iter()
        .map(|vendor| vendor.as_str())
        .collect();
    let mut folders = 0;
    for vendor in &vendors {
        let others = vendors
            .iter()
            .filter(|other| *other != vendor)
            .copied()
            .collect::<Vec<_>>();
        for folder in ["shared/vendors/src", "shared/sandbox/src"] {
            let folder = root().join(folder).join(vendor);
            if folder.exists() {
                folders += 1;
                for file in sources(&folder) {
                    mentions_none(&file, &others);
                }
            }
        }
    }
    assert!(folders >= 2, "the folders have moved");
    // Beside their folders, only the registry and the list of modules name them.
    for file in sources("shared/vendors/src") {
        let path = file
            .strip_prefix(root().join("shared/vendors/src"))
            .expect("below it");
        let at_top = path.components().count() == 1;
        if at_top && path != Path::new("lib.rs") && path != Path::new("registry.rs") {
            mentions_none(&file, &vendors);
        }
    }
}

fn mentions_none(file: &Path, vendors: &[&str]) {
    let text = read(file).to_lowercase();
    let found = vendors.iter().find(|vendor| text.contains(**vendor));
    assert_eq!(found, None, "{} mentions it", file.display());
}

#[test]
fn no_name_says_nothing() {
    let drawers = ["common", "helper", "manager", "misc", "util"];
    for folder in [".ci", "events", "functions", "infra", "shared", "tests"] {
        for path in below(folder) {
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .expect("UTF-8");
            let singular = stem.strip_suffix('s').unwrap_or(stem);
            assert!(!drawers.contains(&singular), "{}", path.display());
        }
    }
}

#[test]
fn the_lints_hold_everywhere() {
    let workspace = section(&read("Cargo.toml"), "[workspace.lints.rust]");
    assert!(
        workspace.contains(r#"unsafe_code = "forbid""#),
        "{workspace}"
    );
    for package in METADATA["packages"].as_array().expect("packages") {
        let manifest = package["manifest_path"].as_str().expect("a path");
        let lints = section(&read(manifest), "[lints]");
        assert_eq!(lints.trim(), "workspace = true", "{manifest}");
    }
}

/// The lines below a heading of a TOML file, up to the next.
fn section(toml: &str, heading: &str) -> String {
    let lines = toml
        .lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_top_level_holds_what_it_may() {
    let allowed = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "clippy.toml",
        "deny.toml",
        "events",
        "functions",
        "infra",
        "rustfmt.toml",
        "samconfig.toml",
        "shared",
        "target",
        "template.yaml",
        "tests",
    ];
    for entry in std::fs::read_dir(root()).expect("the workspace") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("UTF-8");
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "{name}"
        );
    }
}

// --------------------------------------------------------------------------------------------------------- template

/// The template as JSON, a tag as its only member: `!Ref X` is `{"!Ref": "X"}`.
static TEMPLATE: LazyLock<Value> = LazyLock::new(|| {
    let yaml: Yaml = serde_yaml_ng::from_str(&read("template.yaml")).expect("YAML");
    to_json(&yaml)
});

fn to_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => json!({tagged.tag.to_string(): to_json(&tagged.value)}),
        Yaml::Mapping(mapping) => {
            let member = |(key, value)| (key_of(key), to_json(value));
            Value::Object(mapping.iter().map(member).collect::<Map<_, _>>())
        }
        Yaml::Sequence(items) => items.iter().map(to_json).collect(),
        scalar => serde_json::to_value(scalar).expect("a scalar"),
    }
}

fn key_of(key: &Yaml) -> String {
    key.as_str().expect("a text as key").to_owned()
}

fn resource(name: &str) -> &'static Value {
    let resource = &TEMPLATE["Resources"][name];
    assert!(resource.is_object(), "the template has no {name}");
    &resource["Properties"]
}

/// The functions of the template: logical name and properties, by the folder of their code.
fn template_functions() -> BTreeMap<String, (String, &'static Value)> {
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    let functions = resources
        .iter()
        .filter(|(_, it)| it["Type"] == "AWS::Serverless::Function");
    functions
        .map(|(name, function)| {
            let properties = &function["Properties"];
            let code = properties["CodeUri"].as_str().expect("CodeUri");
            let folder = code
                .strip_prefix("functions/")
                .expect("a folder of functions/");
            (folder.to_owned(), (name.clone(), properties))
        })
        .collect()
}

fn seconds(json: &Value) -> SignedDuration {
    SignedDuration::from_secs(json.as_i64().expect("seconds"))
}

#[test]
fn the_template_deploys_every_function() {
    let deployed: BTreeSet<_> = template_functions().into_keys().collect();
    assert_eq!(deployed, functions());
}

/// What each function cannot start without (`Settings`).
const NEEDS: [(&str, &[&str]); 4] = [
    ("api", &["API_JWT_SECRET_ID", "SECRET_PREFIX", "SYNC_TABLE"]),
    (
        "inbound",
        &[
            "DEAD_LETTER_QUEUE_URL",
            "DELIVERIES_TABLE",
            "RETRY_QUEUE_URL",
            "SYNC_TABLE",
        ],
    ),
    (
        "outbound",
        &["DEAD_LETTER_QUEUE_URL", "RETRY_QUEUE_URL", "SYNC_TABLE"],
    ),
    ("webhook-pagerduty", &["DELIVERIES_TABLE", "SYNC_TABLE"]),
];

#[test]
fn functions_are_given_the_settings_they_read() {
    let code: String = sources("shared/runtime/src").iter().map(read).collect();
    let functions = template_functions();
    for (function, needs) in NEEDS {
        let variables = &functions[function].1["Environment"]["Variables"];
        for name in needs {
            assert!(!variables[name].is_null(), "{function} needs {name}");
        }
        for name in variables.as_object().expect("variables").keys() {
            assert!(
                code.contains(&format!("\"{name}\"")),
                "nothing reads {function}'s {name}"
            );
        }
    }
    let of_all = &TEMPLATE["Globals"]["Function"]["Environment"]["Variables"];
    for name in of_all.as_object().expect("variables").keys() {
        assert!(
            code.contains(&format!("\"{name}\"")),
            "nothing reads {name}"
        );
    }
}

/// The tables of `im dev` and of the tests are those of the template.
#[tokio::test]
async fn the_tables_are_the_templates() {
    let embedded = Embedded::start(None).await.expect("embedded AWS starts");
    let tables = [
        (&embedded.tables.deliveries, "DeliveriesTable"),
        (&embedded.tables.sync, "SyncTable"),
    ];
    for (name, in_template) in tables {
        let answer = embedded
            .dynamodb
            .describe_table()
            .table_name(name)
            .send()
            .await;
        let created = answer.expect("an answer").table.expect("a table");
        let wanted = resource(in_template);
        assert_eq!(
            sorted(&keys(created.key_schema())),
            sorted(&wanted["KeySchema"]),
            "{name}"
        );
        let attributes = created.attribute_definitions().iter().map(|attribute| {
            let kind = attribute.attribute_type().as_str();
            json!({"AttributeName": attribute.attribute_name(), "AttributeType": kind})
        });
        let attributes = sorted(&attributes.collect());
        assert_eq!(
            attributes,
            sorted(&wanted["AttributeDefinitions"]),
            "{name}"
        );
        let indexes = created
            .global_secondary_indexes()
            .iter()
            .map(index)
            .collect();
        assert_eq!(
            sorted(&indexes),
            sorted(&wanted["GlobalSecondaryIndexes"]),
            "{name}"
        );
        let view = created
            .stream_specification()
            .and_then(|stream| stream.stream_view_type());
        let wanted_view = wanted["StreamSpecification"]["StreamViewType"].as_str();
        assert_eq!(view.map(StreamViewType::as_str), wanted_view, "{name}");
        assert_eq!(
            wanted["TimeToLiveSpecification"]["AttributeName"], "expires_at",
            "{name}"
        );
    }
}

fn keys(schema: &[KeySchemaElement]) -> Value {
    let key = |key: &KeySchemaElement| json!({"AttributeName": key.attribute_name(), "KeyType": key.key_type().as_str()});
    schema.iter().map(key).collect()
}

fn index(index: &GlobalSecondaryIndexDescription) -> Value {
    let projection = index
        .projection()
        .and_then(|projection| projection.projection_type());
    json!({
        "IndexName": index.index_name(),
        "KeySchema": keys(index.key_schema()),
        "Projection": {"ProjectionType": projection.map(ProjectionType::as_str)},
    })
}

fn sorted(list: &Value) -> Vec<String> {
    let mut items: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(Value::to_string)
        .collect();
    items.sort();
    items
}

/// The mappings of a function of this kind (`DynamoDB`, `SQS`): exactly one.
fn mapping(function: &'static Value, kind: &str) -> &'static Value {
    let events = function["Events"].as_object().expect("events");
    let of_kind: Vec<_> = events
        .values()
        .filter(|event| event["Type"] == kind)
        .collect();
    assert_eq!(of_kind.len(), 1, "{kind}");
    &of_kind[0]["Properties"]
}

#[test]
fn a_batch_loses_nothing() {
    let functions = template_functions();
    for (function, table, queue) in [
        ("inbound", "DeliveriesTable", "InboundRetryQueue"),
        ("outbound", "SyncTable", "OutboundRetryQueue"),
    ] {
        let function = functions[function].1;
        let (stream, retries) = (mapping(function, "DynamoDB"), mapping(function, "SQS"));
        assert_eq!(
            stream["Stream"],
            json!({"!GetAtt": format!("{table}.StreamArn")})
        );
        assert_eq!(retries["Queue"], json!({"!GetAtt": format!("{queue}.Arn")}));
        for mapping in [stream, retries] {
            let answers = &mapping["FunctionResponseTypes"];
            assert_eq!(
                *answers,
                json!(["ReportBatchItemFailures"]),
                "the whole batch would fail"
            );
        }
        assert_eq!(stream["BisectBatchOnFunctionError"], true);
        assert_eq!(
            stream["MaximumRetryAttempts"], 3,
            "one bad record would block its shard"
        );
        let dead = json!({"!GetAtt": "DeadLetterQueue.Arn"});
        assert_eq!(
            stream["DestinationConfig"]["OnFailure"]["Destination"],
            dead
        );
        assert_eq!(
            resource(queue)["RedrivePolicy"]["deadLetterTargetArn"],
            dead
        );
        let variables = &function["Environment"]["Variables"];
        assert_eq!(variables["RETRY_QUEUE_URL"], json!({"!Ref": queue}));
        assert_eq!(
            variables["DEAD_LETTER_QUEUE_URL"],
            json!({"!Ref": "DeadLetterQueue"})
        );
    }
}

/// What the template's filters let pass is what `im_local` lets pass.
#[test]
fn the_filters_are_the_same_here_and_there() {
    let functions = template_functions();
    for function in ["inbound", "outbound"] {
        let criteria = &mapping(functions[function].1, "DynamoDB")["FilterCriteria"];
        let filters = criteria["Filters"].as_array().expect("filters");
        assert_eq!(filters.len(), 1, "filters are alternatives");
        let pattern = filters[0]["Pattern"].as_str().expect("a pattern");
        let pattern: Value = serde_json::from_str(pattern).expect("JSON");
        assert_eq!(
            pattern,
            json!({"dynamodb": {"NewImage": {"wake": {"S": [{"exists": true}]}}}})
        );
        let text = |text: &str| AttributeValue::S(text.to_owned());
        for (image, json) in [
            (None, json!({})),
            (
                Some(("outcome", text("done"))),
                json!({"outcome": {"S": "done"}}),
            ),
            (
                Some(("wake", AttributeValue::N("1".to_owned()))),
                json!({"wake": {"N": "1"}}),
            ),
            (Some(("wake", text("now"))), json!({"wake": {"S": "now"}})),
        ] {
            let image = image.map(|(name, value)| HashMap::from([(name.to_owned(), value)]));
            let change = StreamRecord::builder().set_new_image(image).build();
            let record = Record::builder().dynamodb(change).build();
            let event = json!({"dynamodb": {"NewImage": json}});
            let passes_here = stream_event(&[record]).is_some();
            assert_eq!(passes_here, passes(&pattern, &event), "{function} {event}");
        }
    }
}

/// As much of Lambda's event filtering as the template uses.
fn passes(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(members) => members
            .iter()
            .all(|(name, pattern)| passes(pattern, &event[name])),
        Value::Array(alternatives) => alternatives.iter().any(|alternative| {
            assert_eq!(
                *alternative,
                json!({"exists": true}),
                "teach this test the pattern"
            );
            !event.is_null()
        }),
        other => panic!("not a pattern: {other}"),
    }
}

#[test]
fn times_fit_into_each_other() {
    let delays = TEMPLATE["Parameters"]["RetryDelaysSeconds"]["Default"].as_str();
    let delays = delays
        .expect("a list")
        .split(',')
        .map(|delay| delay.parse().expect("seconds"));
    let delays: Vec<_> = delays.map(SignedDuration::from_secs).collect();
    assert_eq!(RetryLadder(delays.clone()), RetryLadder::default());

    let longest_request = SignedDuration::try_from(HttpTransport::TIMEOUT).expect("short");
    assert!(
        SyncEngine::LEASE < delays[0],
        "a retry would only meet the dead worker's claim"
    );
    let functions = template_functions();
    for (name, queue) in [
        ("inbound", "InboundRetryQueue"),
        ("outbound", "OutboundRetryQueue"),
    ] {
        let function = functions[name].1;
        let timeout = seconds(&function["Timeout"]);
        let longest = timeout + longest_request;
        assert!(
            longest < SyncEngine::LEASE,
            "{name} could write after its claim has ended"
        );
        assert!(
            seconds(&resource(queue)["VisibilityTimeout"]) >= timeout * 6,
            "{queue}"
        );
        let given = &function["Environment"]["Variables"]["RETRY_DELAYS"];
        assert_eq!(*given, json!({"!Ref": "RetryDelaysSeconds"}), "{name}");
    }
    // PagerDuty waits 5 s for an answer, API Gateway 30 s at most.
    for (function, longest) in [("webhook-pagerduty", 5), ("api", 29)] {
        let timeout = seconds(&functions[function].1["Timeout"]);
        assert!(timeout <= SignedDuration::from_secs(longest), "{function}");
    }
}

// ----------------------------------------------------------------------------------------------------------- routes

/// The template's routes, and the function behind each.
fn template_routes() -> BTreeSet<(String, String)> {
    let folders: BTreeMap<_, _> = template_functions()
        .into_iter()
        .map(|(folder, (name, _))| (name, folder))
        .collect();
    let between = |text: &str, before: &str, after: &str| {
        let inner = text
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after));
        inner
            .unwrap_or_else(|| panic!("{text} is not {before}…{after}"))
            .to_owned()
    };
    let resources = TEMPLATE["Resources"]
        .as_object()
        .expect("resources")
        .values();
    let routes = resources.filter(|it| it["Type"] == "AWS::ApiGatewayV2::Route");
    routes
        .map(|route| {
            let target = route["Properties"]["Target"]["!Sub"]
                .as_str()
                .expect("a target");
            let integration = resource(&between(target, "integrations/${", "}"));
            assert_eq!(integration["PayloadFormatVersion"], "2.0", "{route}");
            let uri = integration["IntegrationUri"]["!GetAtt"]
                .as_str()
                .expect("a function");
            let function = &folders[&between(uri, "", ".Arn")];
            let key = route["Properties"]["RouteKey"].as_str().expect("a key");
            (key.to_owned(), function.clone())
        })
        .collect()
}

/// `cargo lambda watch` sends requests where the template does.
#[test]
fn cargo_lambda_routes_as_the_template() {
    let router = &METADATA["metadata"]["lambda"]["watch"]["router"];
    let mut routes = BTreeSet::new();
    for (path, to) in router
        .as_object()
        .expect("[workspace.metadata.lambda.watch.router]")
    {
        let path = path.replace("{*proxy}", "{proxy+}");
        let text = |json: &Value| json.as_str().expect("a text").to_owned();
        if to.is_string() {
            routes.insert((format!("ANY {path}"), text(to)));
        }
        for route in to.as_array().into_iter().flatten() {
            for method in route["methods"].as_array().expect("methods") {
                let key = format!("{} {path}", text(method));
                routes.insert((key, text(&route["function"])));
            }
        }
    }
    assert_eq!(routes, template_routes());
}

/// The gateway of `im dev` and of the tests knows the template's routes and no other.
#[tokio::test]
async fn the_gateway_routes_as_the_template() {
    let keys: BTreeSet<_> = template_routes().into_iter().map(|(key, _)| key).collect();
    let known = [
        "ANY /api/v1/{proxy+}",
        "POST /webhooks/pagerduty/{integration_id}",
    ];
    assert_eq!(
        keys,
        names(&known),
        "teach the gateway and this test the new route"
    );
    let world = World::new().await;
    for (method, path, status) in [
        (Method::POST, "/webhooks/pagerduty/demo-pd", 401),
        (Method::GET, "/webhooks/pagerduty/demo-pd", 404),
        (Method::POST, "/webhooks/pagerduty/demo-pd/more", 404),
        (Method::POST, "/webhooks/jira/demo-pd", 404),
        (Method::GET, "/api/v1/incidents", 200),
        (Method::GET, "/api/v2/incidents", 404),
        (Method::GET, "/", 404),
    ] {
        let request = Request::builder().method(&method).uri(path);
        let request = request.body(Bytes::from_static(b"{}")).expect("a request");
        assert_eq!(
            world.request(request).await.status(),
            status,
            "{method} {path}"
        );
    }
}

// ------------------------------------------------------------------------------------------------------ permissions

/// Embedded AWS permits everything: what each function really calls is held against its role here.
#[tokio::test]
async fn roles_permit_what_the_functions_do() {
    let world = World::unconnected(1).await;
    let body = json!({
        "id": "demo-pd", "integration_type": "pagerduty", "name": "Demo",
        "base_url": "http://127.0.0.1:9", "options": {"service": "PSVC001"},
        "credentials": {
            "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-secret",
        },
    });
    let created = world.api(Method::POST, "/integrations", Some(&body)).await;
    assert_eq!(created.status(), 201, "{created:?}");
    let renamed = json!({"name": "Renamed", "credentials": {"webhook_secret": "a-secret"}});
    let changed = world
        .api(Method::PATCH, "/integrations/demo-pd", Some(&renamed))
        .await;
    assert_eq!(changed.status(), 200, "{changed:?}");
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-1"}))
        .await;
    world.edit(&id, &json!({"title": "db still down"})).await;
    for path in ["/incidents", "/integrations", "/integrations/demo-pd"] {
        assert_eq!(
            world.api(Method::GET, path, None).await.status(),
            200,
            "{path}"
        );
    }
    permitted(&world, "ApiRole");

    world.run_outbound().await;
    permitted(&world, "OutboundRole");
    world
        .pagerduty
        .person("ann@example.com")
        .trigger("Disk full", Urgency::High)
        .expect("allowed");
    world.deliver_webhooks().await;
    permitted(&world, "WebhookPagerDutyRole");
    world.run_inbound().await;
    permitted(&world, "InboundRole");

    // Retries are sent, too.
    let lost = FaultRule::always(Fault::TimeoutAfterCommit);
    world.pagerduty.add_fault(lost);
    world.edit(&id, &json!({"status": "resolved"})).await;
    world.calls.take();
    world.run_outbound().await;
    assert!(permitted(&world, "OutboundRole").contains_key("SendMessage"));
    world
        .pagerduty
        .person("ann@example.com")
        .trigger("Again", Urgency::High)
        .expect("allowed");
    world.deliver_webhooks().await;
    world.calls.take();
    world.run_inbound().await;
    assert!(permitted(&world, "InboundRole").contains_key("SendMessage"));
}

/// Returns what was called since the last time.
fn permitted(world: &World, role: &str) -> BTreeMap<String, u32> {
    let mut actions = BTreeSet::new();
    for policy in resource(role)["Policies"].as_array().expect("policies") {
        for statement in policy["PolicyDocument"]["Statement"]
            .as_array()
            .expect("statements")
        {
            assert_eq!(statement["Effect"], "Allow", "{role}");
            let action = &statement["Action"];
            let several = action
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![action.clone()]);
            for action in several {
                let action = action.as_str().expect("an action").to_owned();
                assert!(!action.contains('*'), "{role} permits {action}");
                actions.insert(action);
            }
        }
    }
    let called = world.calls.take();
    assert!(!called.is_empty(), "{role} was not tried");
    for operation in called.keys() {
        // IAM knows a transaction by what it consists of.
        let parts: &[&str] = match operation.as_str() {
            "TransactWriteItems" => &["PutItem", "UpdateItem"],
            "TransactGetItems" => &["GetItem"],
            other => &[other],
        };
        for part in parts {
            let is_it = |action: &String| action.ends_with(&format!(":{part}"));
            assert!(
                actions.iter().any(is_it),
                "{role} does not permit {operation} ({part})"
            );
        }
    }
    called
}
