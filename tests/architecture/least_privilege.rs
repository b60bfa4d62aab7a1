//! Nobody may more than they need. Each rule is a function from the template to what breaks it, so that a template that is broken
//! on purpose shows that the rule sees it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{permissions::where_it_applies, read, template::parsed};

/// The template as it is read, and as it is written: reasons are comments.
pub(crate) struct Template {
    pub(crate) text: String,
    resources: BTreeMap<String, Value>,
    globals: Value,
}

impl Template {
    pub(crate) fn of(text: String) -> Self {
        let json = parsed(&text);
        let resources = serde_json::from_value(json["Resources"].clone()).expect("resources");
        Self {
            text,
            resources,
            globals: json["Globals"].clone(),
        }
    }

    /// Resources of a type: logical name and all that is said of it.
    pub(crate) fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources
            .iter()
            .filter(move |(_, it)| it["Type"] == kind)
            .map(|(name, it)| (name.as_str(), it))
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        let kinds = self.resources.values().map(|it| &it["Type"]);
        kinds.map(|kind| kind.as_str().expect("a type"))
    }

    /// Whether each line that says this says, beside it or right above it, why.
    fn says_why(&self, what: &str) -> bool {
        let lines: Vec<_> = self.text.lines().collect();
        let says = |line: &str| {
            let code = line.split(" #").next().unwrap_or_default();
            let before = code.trim_end_matches('"').strip_suffix(what);
            before.is_some_and(|before| before.ends_with([' ', '"']))
        };
        let places = (0..lines.len()).filter(|line| says(lines[*line]));
        let places: Vec<_> = places.collect();
        let reasoned = |line: usize| {
            let above = lines[..line].iter().rev();
            let mut comments = above.take_while(|line| line.trim_start().starts_with('#'));
            lines[line].contains("# why: ") || comments.any(|line| line.contains("# why: "))
        };
        !places.is_empty() && places.into_iter().all(reasoned)
    }
}

/// A rule: what in a template breaks it, in words.
type Rule = fn(&Template) -> Vec<String>;

const RULES: [Rule; 5] = [
    no_wildcard_without_a_reason,
    only_policies_that_can_be_read_here,
    each_function_has_a_role_of_its_own,
    what_is_kept_is_protected,
    crate::encryption::what_is_kept_is_encrypted,
];

pub(crate) fn breaches(template: &Template) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(template)).collect()
}

pub(crate) fn several(json: &Value) -> Vec<Value> {
    match json {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// The statements of a role or of a key's policy.
pub(crate) fn statements(resource: &Value) -> Vec<Value> {
    let properties = &resource["Properties"];
    let policies = properties["Policies"].as_array().into_iter().flatten();
    let documents = policies.map(|policy| &policy["PolicyDocument"]);
    let statements = documents.chain([&properties["KeyPolicy"]]);
    let statements = statements.flat_map(|document| several(&document["Statement"]));
    statements
        .map(|statement| where_it_applies(&statement).clone())
        .collect()
}

/// `!Sub`, `!GetAtt` or a bare text: the text.
pub(crate) fn text(json: &Value) -> &str {
    let tagged = json.as_object().and_then(|tag| tag.values().next());
    tagged.unwrap_or(json).as_str().expect("a text")
}

fn no_wildcard_without_a_reason(template: &Template) -> Vec<String> {
    let roles = template.of_type("AWS::IAM::Role");
    let mut found = Vec::new();
    for (name, resource) in roles.chain(template.of_type("AWS::KMS::Key")) {
        let is_role = resource["Type"] == "AWS::IAM::Role";
        for statement in statements(resource) {
            for member in ["NotAction", "NotResource", "NotPrincipal"] {
                if !statement[member].is_null() {
                    found.push(format!("{name} permits all but some: {member}"));
                }
            }
            if statement["Principal"].to_string().contains("\"*\"") {
                found.push(format!("{name} is for everybody"));
            }
            let actions = several(&statement["Action"]);
            let resources = several(&statement["Resource"]);
            for action in actions.iter().map(text).filter(|it| it.contains('*')) {
                if is_role || !template.says_why(action) {
                    found.push(format!("{name} permits {action}"));
                }
            }
            for on in resources.iter().map(text).filter(|it| it.contains('*')) {
                if (is_role && on == "*") || !template.says_why(on) {
                    found.push(format!("{name} permits something on {on}, and not why"));
                }
            }
        }
    }
    found
}

/// What AWS manages grows by itself, and what SAM makes of a function's policies nobody sees here.
fn only_policies_that_can_be_read_here(template: &Template) -> Vec<String> {
    let mut found = Vec::new();
    for (name, role) in template.of_type("AWS::IAM::Role") {
        for member in ["ManagedPolicyArns", "PermissionsBoundary"] {
            if !role["Properties"][member].is_null() {
                found.push(format!("{name} has {member}"));
            }
        }
    }
    for (name, resource) in &template.resources {
        let kind = resource["Type"].as_str().expect("a type");
        let known = ["AWS::IAM::Role", "AWS::KMS::Key"].contains(&kind);
        let policy = kind.starts_with("AWS::IAM::") || kind.ends_with("Policy");
        if policy && !known {
            found.push(format!("{name} is a policy apart, {kind}"));
        }
    }
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        if !function["Properties"]["Policies"].is_null() {
            found.push(format!("{name} has policies beside its role's"));
        }
    }
    if !template.globals["Function"]["Policies"].is_null() {
        found.push("Globals give every function policies".to_owned());
    }
    found
}

fn each_function_has_a_role_of_its_own(template: &Template) -> Vec<String> {
    let mut found = Vec::new();
    let mut users: BTreeMap<&str, Vec<&str>> = template
        .of_type("AWS::IAM::Role")
        .map(|(name, _)| (name, Vec::new()))
        .collect();
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        let role = function["Properties"]["Role"]["!GetAtt"].as_str();
        let role = role.and_then(|role| role.strip_suffix(".Arn"));
        match role.and_then(|role| users.get_mut(role)) {
            Some(users) => users.push(name),
            None => found.push(format!("{name} has no role of this template")),
        }
    }
    for (role, users) in users {
        if users.len() != 1 {
            found.push(format!("{role} is the role of {users:?}"));
        }
    }
    let by_lambda = json!({"Service": "lambda.amazonaws.com"});
    for (name, role) in template.of_type("AWS::IAM::Role") {
        let trust = &role["Properties"]["AssumeRolePolicyDocument"]["Statement"];
        let trusted = several(trust);
        if trusted.len() != 1 || trusted[0]["Principal"] != by_lambda {
            found.push(format!("{name} is not for Lambda alone"));
        }
    }
    found
}

/// A stage that keeps data keeps it when the stack goes, and can go back in time.
fn what_is_kept_is_protected(template: &Template) -> Vec<String> {
    let kept = json!({"!If": ["KeepData", "Retain", "Delete"]});
    let mut found = Vec::new();
    let tables: Vec<_> = template.of_type("AWS::DynamoDB::Table").collect();
    for (name, table) in &tables {
        let properties = &table["Properties"];
        let protection = json!({"!If": ["KeepData", true, false]});
        if properties["DeletionProtectionEnabled"] != protection {
            found.push(format!("{name} can be deleted"));
        }
        let recovery = &properties["PointInTimeRecoverySpecification"];
        if recovery["PointInTimeRecoveryEnabled"] != true {
            found.push(format!("{name} has no point-in-time recovery"));
        }
    }
    let keys = template.of_type("AWS::KMS::Key");
    let dead = template
        .of_type("AWS::SQS::Queue")
        .filter(|(name, _)| *name == "DeadLetterQueue");
    for (name, resource) in tables.into_iter().chain(keys).chain(dead) {
        for member in ["DeletionPolicy", "UpdateReplacePolicy"] {
            if resource[member] != kept {
                found.push(format!("{name} is lost: {member}"));
            }
        }
    }
    let condition = "  KeepData: !Or [!Equals [!Ref Stage, staging], !Equals [!Ref Stage, prod]]";
    if !template.text.lines().any(|line| line == condition) {
        found.push("KeepData is not for staging and prod".to_owned());
    }
    found
}

#[test]
fn the_template_breaks_no_rule() {
    let found = breaches(&Template::of(read("template.yaml")));
    assert!(found.is_empty(), "{found:#?}");
}
