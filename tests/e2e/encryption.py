"""That what was deployed is encrypted with the stack's key, as far as ministack keeps what it was told: of tables it does not,
and it asks no policy when a service uses a key. `tests/architecture` holds the template to the rest."""

from stack import STACK, check, client, passed


def check_encryption(stack):
    """Before anything is configured."""
    key = stack.outputs["DataKeyArn"]
    kms = client("kms")
    check(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], "the key is not rotated")
    named = kms.describe_key(KeyId=f"alias/{STACK}")["KeyMetadata"]["Arn"]
    check(named == key, f"the alias names another key: {named}")

    held = {}
    for queue in ("InboundRetryQueueUrl", "OutboundRetryQueueUrl", "ReconcileQueueUrl", "DeadLetterQueueUrl"):
        answer = stack.sqs.get_queue_attributes(QueueUrl=stack.outputs[queue], AttributeNames=["All"])
        held[queue] = answer["Attributes"].get("KmsMasterKeyId")
    groups = [g for page in client("logs").get_paginator("describe_log_groups").paginate() for g in page["logGroups"]]
    ours = [group for group in groups if STACK in group["logGroupName"]]
    check(len(ours) == 9, f"expected 9 log groups, got {[group['logGroupName'] for group in ours]}")
    held.update((group["logGroupName"], group.get("kmsKeyId")) for group in ours)
    held["the key of tokens"] = secret_key(stack.outputs["ApiJwtSecretArn"])
    check_keys(held, key)
    passed(f"{len(held)} queues, log groups and secrets are encrypted with the stack's key")


def check_integrations(stack, count):
    """Once they are configured."""
    pages = client("secretsmanager").get_paginator("list_secrets").paginate()
    names = [s["Name"] for page in pages for s in page["SecretList"] if s["Name"].startswith("im/test/integration/")]
    check(len(names) == count, f"expected {count} secrets of integrations, got {names}")
    check_keys({name: secret_key(name) for name in names}, stack.outputs["DataKeyArn"])
    passed("so are the secrets of the integrations, which the api function made")


def secret_key(secret):
    return client("secretsmanager").describe_secret(SecretId=secret).get("KmsKeyId")


def check_keys(held, key):
    other = {name: found for name, found in held.items() if found != key}
    check(not other, f"not encrypted with {key}: {other}")
