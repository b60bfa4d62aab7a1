//! What is kept is encrypted with the stack's own key, and who may use it does so through the services that keep it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, context::BeforeTransmitInterceptorContextRef, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use im_engine::ports::Vault;
use im_local::Embedded;
use im_runtime::SecretsManagerVault;
use im_vendors::Credentials;
use serde_json::{Value, json};

use crate::{
    least_privilege::{Template, several, statements, text},
    read,
};

/// What keeps something, and the property that names the key.
const KEEPERS: [(&str, &str); 4] = [
    ("AWS::DynamoDB::Table", "/SSESpecification/KMSMasterKeyId"),
    ("AWS::Logs::LogGroup", "/KmsKeyId"),
    ("AWS::SQS::Queue", "/KmsMasterKeyId"),
    ("AWS::SecretsManager::Secret", "/KmsKeyId"),
];

/// What keeps nothing that a key could encrypt.
const OTHERS: [&str; 11] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::Serverless::Function",
];

/// One of the rules in `least_privilege.rs`.
pub(crate) fn what_is_kept_is_encrypted(template: &Template) -> Vec<String> {
    let the_key = json!({"!GetAtt": "DataKey.Arn"});
    let mut found = Vec::new();
    for (kind, property) in KEEPERS {
        for (name, resource) in template.of_type(kind) {
            if resource["Properties"].pointer(property) != Some(&the_key) {
                found.push(format!("{name} is without the key"));
            }
        }
    }
    for (name, table) in template.of_type("AWS::DynamoDB::Table") {
        let specification = &table["Properties"]["SSESpecification"];
        if specification["SSEEnabled"] != true || specification["SSEType"] != "KMS" {
            found.push(format!("{name} is without the key"));
        }
    }
    for (name, key) in template.of_type("AWS::KMS::Key") {
        if key["Properties"]["EnableKeyRotation"] != true {
            found.push(format!("{name} is not rotated"));
        }
    }
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        let properties = &function["Properties"];
        let role = properties["Role"]["!GetAtt"].as_str().unwrap_or_default();
        let role = role.strip_suffix(".Arn").unwrap_or_default();
        let roles = template.of_type("AWS::IAM::Role");
        let policies = roles.filter(|(name, _)| *name == role);
        let makes_secrets = policies
            .flat_map(|(_, role)| statements(role))
            .any(|it| several(&it["Action"]).contains(&json!("secretsmanager:CreateSecret")));
        let key = &properties["Environment"]["Variables"]["SECRET_KMS_KEY_ID"];
        if makes_secrets && *key != the_key {
            found.push(format!("{name} makes secrets without the key"));
        }
    }
    let known: BTreeSet<_> = KEEPERS.iter().map(|it| it.0).chain(OTHERS).collect();
    for kind in template.kinds() {
        if !known.contains(kind) {
            found.push(format!(
                "{kind}: teach this test whether it keeps something"
            ));
        }
    }
    found
}

/// What the services do with the key in the name of whoever asks them for this.
fn uses_of(action: &str) -> &'static [(&'static str, &'static str)] {
    match action {
        "sqs:SendMessage" => &[("kms:Decrypt", "sqs"), ("kms:GenerateDataKey", "sqs")],
        "sqs:ReceiveMessage" => &[("kms:Decrypt", "sqs")],
        "secretsmanager:CreateSecret" | "secretsmanager:PutSecretValue" => &[
            ("kms:Decrypt", "secretsmanager"),
            ("kms:GenerateDataKey", "secretsmanager"),
        ],
        "secretsmanager:GetSecretValue" => &[("kms:Decrypt", "secretsmanager")],
        // A table's own key was made with the table; to read or write is to decrypt it.
        other if other.starts_with("dynamodb:") => &[("kms:Decrypt", "dynamodb")],
        _ => &[],
    }
}

/// The uses of the key that a role permits, by the service through which.
fn permitted_uses(role: &str, statement: &Value) -> BTreeSet<(String, String)> {
    let the_key = json!({"!GetAtt": "DataKey.Arn"});
    assert_eq!(statement["Resource"], the_key, "{role}");
    let condition = &statement["Condition"];
    assert_eq!(
        condition.as_object().map(serde_json::Map::len),
        Some(1),
        "{role}"
    );
    let through = several(&condition["StringEquals"]["kms:ViaService"]);
    let actions = several(&statement["Action"]);
    let service = |through: &Value| {
        let service = text(through).strip_suffix(".${AWS::Region}.amazonaws.com");
        service.expect("a service of the region").to_owned()
    };
    let through: Vec<_> = through.iter().map(service).collect();
    let mut permitted = BTreeSet::new();
    for action in &actions {
        permitted.extend(
            through
                .iter()
                .map(|it| (text(action).to_owned(), it.clone())),
        );
    }
    permitted
}

/// Nothing that enforces policies on this machine knows what services do with a key: the needs are AWS's documentation's.
#[test]
fn each_role_may_use_the_key_for_what_it_does_and_no_more() {
    let template = Template::of(read("template.yaml"));
    let mut roles = 0;
    for (name, role) in template.of_type("AWS::IAM::Role") {
        let (mut needed, mut permitted) = (BTreeSet::new(), BTreeSet::new());
        for statement in statements(role) {
            let actions = several(&statement["Action"]);
            if text(&actions[0]).starts_with("kms:") {
                permitted.extend(permitted_uses(name, &statement));
            }
            for (action, through) in actions.iter().flat_map(|action| uses_of(text(action))) {
                needed.insert(((*action).to_owned(), (*through).to_owned()));
            }
        }
        assert!(!needed.is_empty(), "{name}");
        assert_eq!(permitted, needed, "{name}");
        roles += 1;
    }
    assert_eq!(roles, 8);
}

/// The keys that new secrets were to be encrypted with.
#[derive(Debug, Clone, Default)]
struct KeysAsked(Arc<Mutex<Vec<Value>>>);

#[dyn_dispatch_hint]
impl Intercept for KeysAsked {
    fn name(&self) -> &'static str {
        "KeysAsked"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        if request.headers().get("x-amz-target") == Some("secretsmanager.CreateSecret") {
            let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or(b"{}"))?;
            let mut asked = self.0.lock().expect("not poisoned");
            asked.push(body["KmsKeyId"].clone());
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_secret_of_an_integration_is_encrypted_with_the_key() {
    let embedded = Embedded::start(None).await.expect("embedded AWS starts");
    let asked = KeysAsked::default();
    let config = aws_sdk_secretsmanager::config::Builder::from(&embedded.secrets_config);
    let client = config.interceptor(asked.clone()).build();
    let client = aws_sdk_secretsmanager::Client::from_conf(client);
    let vault = SecretsManagerVault::new(client);
    let key = "arn:aws:kms:eu-central-1:000000000000:key/a-key";
    for (id, key) in [("im/test/1", Some(key.to_owned())), ("im/test/2", None)] {
        let vault = vault.clone().encrypting_with(key);
        let kept = vault.keep(id, &Credentials::default()).await;
        kept.expect("kept");
    }
    let asked = asked.0.lock().expect("not poisoned").clone();
    assert_eq!(asked, [json!(key), Value::Null]);
}
