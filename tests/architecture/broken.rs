//! A template that is broken on purpose shows that the rules of `least_privilege.rs` see it.

use crate::{
    least_privilege::{Template, breaches},
    read,
};

/// What is replaced in the template, by what, and what has to be found then.
const BREAKS: [(&str, &str, &str); 21] = [
    (
        "Action: dynamodb:PutItem",
        "Action: dynamodb:*",
        "WebhookJiraRole permits dynamodb:*",
    ),
    (
        "Action: dynamodb:PutItem",
        "Action: dynamodb:Put*",
        "permits dynamodb:Put*",
    ),
    (
        ":event-bus/default\"",
        ":event-bus/*\"",
        "event-bus/*, and not why",
    ),
    (
        "Resource: !GetAtt DeliveriesTable.Arn",
        "Resource: \"*\"",
        "WebhookJiraRole permits something on *",
    ),
    (
        "Resource: !GetAtt DeliveriesTable.Arn",
        "Resource: \"*\" # why: so it is",
        "WebhookJiraRole permits something on *",
    ),
    (
        " # why: its streams",
        "",
        "-webhook-pagerduty:*, and not why",
    ),
    (
        " # why: made later, under names of their own",
        "",
        "integration/*, and not why",
    ),
    (" # why: this key", "", "DataKey permits something on *"),
    (
        "Action: dynamodb:PutItem",
        "NotAction: dynamodb:PutItem",
        "all but some",
    ),
    (
        "Principal: { AWS: !Sub \"arn:${AWS::Partition}:iam::${AWS::AccountId}:root\" }",
        "Principal: { AWS: \"*\" }",
        "is for everybody",
    ),
    (
        "      AssumeRolePolicyDocument: *LambdaTrust",
        "      ManagedPolicyArns: [x]\n      AssumeRolePolicyDocument: *LambdaTrust",
        "has ManagedPolicyArns",
    ),
    (
        "      Timeout: 10\n",
        "      Timeout: 10\n      Policies: [x]\n",
        "ApiFunction has policies",
    ),
    (
        "      Role: !GetAtt ApiRole.Arn\n",
        "",
        "ApiFunction has no role",
    ),
    (
        "!GetAtt ApiRole.Arn",
        "!GetAtt ReconcilerRole.Arn",
        "ReconcilerRole is the role of",
    ),
    (
        "Principal: { Service: lambda.amazonaws.com }",
        "Principal: { Service: ec2.amazonaws.com }",
        "not for Lambda alone",
    ),
    (
        "DeletionProtectionEnabled: !If [KeepData, true, false]",
        "DeletionProtectionEnabled: false",
        "DeliveriesTable can be deleted",
    ),
    (
        "PointInTimeRecoveryEnabled: true",
        "PointInTimeRecoveryEnabled: false",
        "no point-in-time recovery",
    ),
    (
        "    DeletionPolicy: !If [KeepData, Retain, Delete]\n",
        "",
        "DataKey is lost: DeletionPolicy",
    ),
    (
        "!Equals [!Ref Stage, prod]]",
        "!Equals [!Ref Stage, live]]",
        "KeepData is not",
    ),
    (
        "Type: AWS::SQS::Queue",
        "Type: AWS::SNS::Topic",
        "teach this test",
    ),
    (
        "EnableKeyRotation: true",
        "EnableKeyRotation: false",
        "is not rotated",
    ),
];

#[test]
fn each_rule_sees_what_breaks_it() {
    let text = read("template.yaml");
    let keys = [
        ", SSEType: KMS, KMSMasterKeyId: !GetAtt DataKey.Arn",
        "      KmsMasterKeyId: !GetAtt DataKey.Arn\n",
        "      KmsKeyId: !GetAtt DataKey.Arn\n",
        "          SECRET_KMS_KEY_ID: !GetAtt DataKey.Arn",
    ];
    let without_key = keys.map(|key| (key, "", "without the key"));
    for (part, by, expected) in BREAKS.into_iter().chain(without_key) {
        assert!(text.contains(part), "the template has no {part}");
        let found = breaches(&Template::of(text.replacen(part, by, 1)));
        assert!(
            found.iter().any(|found| found.contains(expected)),
            "{part} -> {by}: {found:#?}"
        );
    }
}
