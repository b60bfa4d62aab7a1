//! The template says what the code says.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription, KeySchemaElement, ProjectionType, StreamViewType,
};
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, StreamRecord};
use im_engine::{Reconciler, RetryLadder, Sweeper, SyncEngine};
use im_local::{Embedded, QueuePoller, Queues, events::stream_event, mapping::StreamMapping};
use im_runtime::HttpTransport;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use crate::{read, rust_files, sources::functions};

/// The template as JSON, a tag as its only member: `!Ref X` is `{"!Ref": "X"}`.
pub(crate) static TEMPLATE: LazyLock<Value> = LazyLock::new(|| parsed(&read("template.yaml")));

pub(crate) fn parsed(text: &str) -> Value {
    let yaml: Yaml = serde_yaml_ng::from_str(text).expect("YAML");
    to_json(&yaml)
}

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

pub(crate) fn resource(name: &str) -> &'static Value {
    let resource = &TEMPLATE["Resources"][name];
    assert!(resource.is_object(), "the template has no {name}");
    &resource["Properties"]
}

/// The functions of the template: logical name and properties, by the folder of their code.
pub(crate) fn template_functions() -> BTreeMap<String, (String, &'static Value)> {
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

/// A copied block that keeps the other function's role or log group would deploy, too.
#[test]
fn each_function_has_a_role_and_a_log_group_of_its_own() {
    let text = |json: &Value| json.as_str().expect("a name").to_owned();
    for (folder, (function, properties)) in template_functions() {
        let stem = function.strip_suffix("Function").expect("a stem");
        let name = format!("${{AWS::StackName}}-{folder}");
        assert_eq!(text(&properties["FunctionName"]["!Sub"]), name);
        let group = text(&properties["LoggingConfig"]["LogGroup"]["!Ref"]);
        assert_eq!(group, format!("{stem}LogGroup"), "{folder}");
        let group = text(&resource(&group)["LogGroupName"]["!Sub"]);
        assert_eq!(group, format!("/aws/lambda/{name}"));
        let role = text(&properties["Role"]["!GetAtt"]);
        assert_eq!(role, format!("{stem}Role.Arn"), "{folder}");
        let policies = resource(&format!("{stem}Role"))["Policies"].to_string();
        assert_eq!(policies.matches("log-group:").count(), 1, "{folder}");
        let own = format!("log-group:{group}:*\"");
        assert!(policies.contains(&own), "{folder} logs elsewhere");
    }
}

/// What each function cannot start without (`Settings`).
const NEEDS: [(&str, &[&str]); 8] = [
    (
        "api",
        &[
            "DELIVERIES_TABLE",
            "RETRY_QUEUE_URL",
            "SECRET_PREFIX",
            "SYNC_TABLE",
        ],
    ),
    ("dead-letter", &["DELIVERIES_TABLE", "SYNC_TABLE"]),
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
    (
        "reconciler",
        &["DELIVERIES_TABLE", "RETRY_QUEUE_URL", "SYNC_TABLE"],
    ),
    (
        "webhook-jira",
        &["DELIVERIES_TABLE", "SECRET_PREFIX", "SYNC_TABLE"],
    ),
    (
        "webhook-pagerduty",
        &["DELIVERIES_TABLE", "SECRET_PREFIX", "SYNC_TABLE"],
    ),
    (
        "webhook-servicenow",
        &["DELIVERIES_TABLE", "SECRET_PREFIX", "SYNC_TABLE"],
    ),
];

#[test]
fn functions_are_given_the_settings_they_read() {
    let code: String = rust_files("shared/runtime/src").iter().map(read).collect();
    let functions = template_functions();
    let listed: BTreeSet<_> = NEEDS.iter().map(|(function, _)| *function).collect();
    assert_eq!(listed, functions.keys().map(String::as_str).collect());
    for (function, needs) in NEEDS {
        let variables = &functions[function].1["Environment"]["Variables"];
        for name in needs {
            assert!(!variables[name].is_null(), "{function} needs {name}");
        }
        for name in variables.as_object().expect("variables").keys() {
            // The exporter reads those by itself.
            let is_standard = name.starts_with("OTEL_EXPORTER_OTLP_");
            let read = is_standard || code.contains(&format!("\"{name}\""));
            assert!(read, "nothing reads {function}'s {name}");
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
    let described = index.projection().expect("a projection");
    let kind = described.projection_type().map(ProjectionType::as_str);
    let mut projection = json!({"ProjectionType": kind});
    if !described.non_key_attributes().is_empty() {
        projection["NonKeyAttributes"] = json!(described.non_key_attributes());
    }
    json!({
        "IndexName": index.index_name(),
        "KeySchema": keys(index.key_schema()),
        "Projection": projection,
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
        let redrive = &resource(queue)["RedrivePolicy"];
        assert_eq!(redrive["deadLetterTargetArn"], dead);
        let attempts = RetryLadder::default().0.len() + 1;
        assert_eq!(
            redrive["maxReceiveCount"],
            json!(attempts),
            "what crashes its function is tried as often as what fails"
        );
        let variables = &function["Environment"]["Variables"];
        assert_eq!(variables["RETRY_QUEUE_URL"], json!({"!Ref": queue}));
        assert_eq!(
            variables["DEAD_LETTER_QUEUE_URL"],
            json!({"!Ref": "DeadLetterQueue"})
        );
    }
}

/// Tests run on mappings and queues of our own make: they do as the template's would.
#[test]
fn the_local_mappings_are_the_templates() {
    for (function, queue) in [
        ("inbound", "InboundRetryQueue"),
        ("outbound", "OutboundRetryQueue"),
    ] {
        let function = template_functions()[function].1;
        let (stream, retries) = (mapping(function, "DynamoDB"), mapping(function, "SQS"));
        assert_eq!(stream["BatchSize"], StreamMapping::BATCH_SIZE);
        assert_eq!(stream["ParallelizationFactor"], StreamMapping::LANES);
        assert_eq!(stream["MaximumRetryAttempts"], StreamMapping::MOST_RETRIES);
        assert_eq!(stream["BisectBatchOnFunctionError"], true);
        assert_eq!(retries["BatchSize"], QueuePoller::BATCH_SIZE);
        let queue = resource(queue);
        assert_eq!(queue["VisibilityTimeout"], Queues::VISIBILITY_SECONDS);
        let most = &queue["RedrivePolicy"]["maxReceiveCount"];
        assert_eq!(*most, Queues::MOST_RECEPTIONS);
    }
}

/// What was given up in one of the three ways is taken out of one queue, and nothing of it is lost there.
#[test]
fn dead_letters_become_entries() {
    let function = template_functions()["dead-letter"].1;
    let mapping = mapping(function, "SQS");
    let queue = resource("DeadLetterQueue");
    assert_eq!(mapping["Queue"], json!({"!GetAtt": "DeadLetterQueue.Arn"}));
    assert_eq!(
        mapping["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"]),
        "one that cannot be read would bring back, and so record again, the whole batch"
    );
    assert!(
        queue["RedrivePolicy"].is_null(),
        "there is nothing behind it: what cannot be recorded stays"
    );
    let visible_after = seconds(&queue["VisibilityTimeout"]);
    assert!(visible_after >= seconds(&function["Timeout"]) * 6);
    // A redrive keeps the time at which the message came to its first queue.
    let kept = |queue: &str| seconds(&resource(queue)["MessageRetentionPeriod"]);
    for retries in ["InboundRetryQueue", "OutboundRetryQueue"] {
        let left = kept("DeadLetterQueue") - kept(retries);
        assert!(left >= SignedDuration::from_hours(72), "{retries}");
    }
}

#[test]
fn the_minute_tick_is_over_before_the_next() {
    let reconciler = template_functions()["reconciler"].1;
    assert_eq!(
        mapping(reconciler, "Schedule")["Schedule"],
        "rate(1 minute)"
    );
    assert!(Sweeper::PATIENCE < SignedDuration::from_mins(1));
    let left = seconds(&reconciler["Timeout"]) - Reconciler::PATIENCE.max(Sweeper::PATIENCE);
    assert!(
        left >= SignedDuration::from_secs(60),
        "the last step of a run has too little time"
    );
    let on_failure = &reconciler["EventInvokeConfig"];
    assert_eq!(
        on_failure["MaximumRetryAttempts"], 0,
        "the next minute does it"
    );
    // New accounts have too little concurrency to reserve some, and two ticks at once do no harm.
    assert!(reconciler["ReservedConcurrentExecutions"].is_null());
}

/// A run goes on by messages to itself.
#[test]
fn the_reconciler_is_woken_for_one_run_at_a_time() {
    let reconciler = template_functions()["reconciler"].1;
    assert_eq!(reconciler["RecursiveLoop"], "Allow");
    assert_eq!(mapping(reconciler, "SQS")["BatchSize"], 1);
    let queue = resource("ReconcileQueue");
    let visible_after = seconds(&queue["VisibilityTimeout"]);
    assert!(visible_after >= seconds(&reconciler["Timeout"]) * 6);
    assert_eq!(
        visible_after.as_secs(),
        i64::from(Queues::RUN_VISIBILITY_SECONDS),
        "embedded AWS has another"
    );
    assert!(
        queue["RedrivePolicy"].is_null(),
        "the minute tick is behind it"
    );
}

/// Each alarm on the dead letters, with when it goes off.
#[test]
fn dead_letters_raise_alarms() {
    let of_queue =
        json!([{"Name": "QueueName", "Value": {"!GetAtt": "DeadLetterQueue.QueueName"}}]);
    let of_function = json!([{"Name": "FunctionName", "Value": {"!Ref": "DeadLetterFunction"}}]);
    let age = "ApproximateAgeOfOldestMessage";
    let taken = "ApproximateNumberOfMessagesNotVisible";
    let wanted = [
        (
            "DeadLettersAlarm",
            "AWS/Lambda",
            "Invocations",
            "Sum",
            &of_function,
            (">=", 1),
            1,
        ),
        (
            "DeadLetterQueueAgeAlarm",
            "AWS/SQS",
            age,
            "Maximum",
            &of_queue,
            (">", 300),
            1,
        ),
        (
            "DeadLetterStuckAlarm",
            "AWS/SQS",
            taken,
            "Maximum",
            &of_queue,
            (">=", 1),
            12,
        ),
    ];
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    let alarms = resources
        .iter()
        .filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm");
    let alarms = alarms.map(|(name, _)| name.as_str());
    // The others: observability.rs.
    let alarms: BTreeSet<_> = alarms.filter(|it| it.starts_with("DeadLetter")).collect();
    assert_eq!(alarms, wanted.iter().map(|wanted| wanted.0).collect());
    for (name, namespace, metric, statistic, of, (comparison, threshold), minutes) in wanted {
        let alarm = resource(name);
        let comparison = match comparison {
            ">" => "GreaterThanThreshold",
            _ => "GreaterThanOrEqualToThreshold",
        };
        assert_eq!(alarm["Namespace"], namespace, "{name}");
        assert_eq!(alarm["MetricName"], metric, "{name}");
        assert_eq!(alarm["Statistic"], statistic, "{name}");
        assert_eq!(&alarm["Dimensions"], of, "{name}");
        assert_eq!(alarm["ComparisonOperator"], comparison, "{name}");
        assert_eq!(alarm["Threshold"], threshold, "{name}");
        assert_eq!(alarm["Period"], 60, "{name}");
        let datapoints = &alarm["DatapointsToAlarm"];
        let datapoints = datapoints.as_i64().or(alarm["EvaluationPeriods"].as_i64());
        assert_eq!(datapoints, Some(minutes), "{name}");
        // No dead letter, no data.
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
        let tell =
            json!({"!If": ["TellTopic", [{"!Ref": "AlarmTopicArn"}], {"!Ref": "AWS::NoValue"}]});
        for action in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[action], tell, "{name}");
        }
    }
    assert_eq!(TEMPLATE["Parameters"]["AlarmTopicArn"]["Default"], "");
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
    let minutes = [30, 2 * 60, 8 * 60, 30 * 60].map(SignedDuration::from_secs);
    assert_eq!(delays, minutes, "design section 5");
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
    for (function, longest) in [
        ("webhook-pagerduty", 5),
        ("webhook-servicenow", 5),
        ("webhook-jira", 5),
        ("api", 29),
    ] {
        let timeout = seconds(&functions[function].1["Timeout"]);
        assert!(timeout <= SignedDuration::from_secs(longest), "{function}");
    }
}
