//! What each function is built with: by its own feature of `im-runtime`, without what the others need.

use crate::{dependencies::built_with, names, sources::functions};

const WEBHOOKS: [&str; 3] = ["webhook-jira", "webhook-pagerduty", "webhook-servicenow"];

/// What costs size, memory or a cold start, and who needs it.
const NEEDED_BY: &[(&str, &[&str])] = &[
    ("antlr4rust", &["api", "inbound", "outbound", "reconciler"]),
    ("aws-sdk-dynamodbstreams", &["dead-letter"]),
    (
        "aws-sdk-eventbridge",
        &["dead-letter", "inbound", "outbound", "reconciler"],
    ),
    ("aws-sdk-sqs", &["api", "inbound", "outbound", "reconciler"]),
    ("axum", &["api"]),
    ("cel", &["api", "inbound", "outbound", "reconciler"]),
    ("im-api", &["api"]),
    ("regorus", &["api"]),
    ("reqwest", &["api", "inbound", "outbound", "reconciler"]),
];

#[test]
fn each_function_is_built_with_its_own_features() {
    for function in functions() {
        let built = built_with(&function);
        for (heavy, needed_by) in NEEDED_BY {
            let is_needed = needed_by.contains(&function.as_str());
            assert_eq!(built.contains(*heavy), is_needed, "{function}: {heavy}");
        }
    }
}

/// All that a webhook function calls is two tables and the secrets.
#[test]
fn a_webhook_function_has_one_way_out() {
    for function in WEBHOOKS {
        let sdks = built_with(function);
        let sdks = sdks.into_iter().filter(|name| name.starts_with("aws-sdk-"));
        let expected = names(&["aws-sdk-dynamodb", "aws-sdk-secretsmanager"]);
        assert_eq!(
            sdks.collect::<std::collections::BTreeSet<_>>(),
            expected,
            "{function}"
        );
    }
}
