"""What each function is given to do: its settings, its events of `events/`, and what AWS and the vendor answer."""

import copy
import importlib.machinery
import importlib.util
import json
import os
import time
from pathlib import Path

from stand_ins import VENDOR_NAME

ROOT = Path(__file__).resolve().parents[2]
JWT_KEY = "a key for measuring, which is nowhere else"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/"


def signer():
    """`events/sign`, which is a program."""
    loader = importlib.machinery.SourceFileLoader("sign", str(ROOT / "events" / "sign"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("sign", loader))
    loader.exec_module(module)
    return module


def sample(name):
    return json.loads((ROOT / "events" / name).read_text())


def attribute(value):
    """A value as DynamoDB writes it."""
    kinds = {bool: "BOOL", str: "S"}
    if isinstance(value, dict):
        return {"M": {key: attribute(item) for key, item in value.items()}}
    if isinstance(value, list):
        return {"L": [attribute(item) for item in value]}
    if value is None:
        return {"NULL": True}
    return {kinds.get(type(value), "N"): value if isinstance(value, (bool, str)) else str(value)}


def integration(identifier, vendor, options):
    at = "2026-01-02T03:04:05Z"
    row = {
        "pk": f"INT#{identifier}", "sk": "META", "listing_pk": "INT#acme", "listing_sk": identifier,
        "id": identifier, "organization": "acme", "integration_type": vendor, "name": identifier,
        "base_url": f"https://{VENDOR_NAME}/", "direction": "bidirectional", "enabled": True, "activity": "active",
        "strategy": "last-write-wins", "options": options, "ownership": {}, "secret_id": f"im/measure/integration/{identifier}/1",
        "version": 1, "created_at": at, "updated_at": at,
    }
    return attribute(row)["M"]


INTEGRATIONS = {
    "INT#demo-pd": integration("demo-pd", "pagerduty", {"service": "PSVC001"}),
    "INT#demo-snow": integration("demo-snow", "servicenow", {"close_code": "Solved (Permanently)"}),
    "INT#demo-jira": integration("demo-jira", "jira", {"project": "OPS", "issue_type": "[System] Incident"}),
}
CREDENTIALS = {
    "demo-pd": {"token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "pagerduty"},
    "demo-snow": {"username": "im.sync", "password": "a-password", "webhook_secret": "servicenow"},
    "demo-jira": {"email": "im@example.com", "api_key": "a-key", "client_key": "sample-client-key", "webhook_secret": "jira"},
}


def record():
    """The vendor's record of the samples."""
    def reference(kind, identifier):
        return {"id": identifier, "type": f"{kind}_reference", "summary": identifier}

    return {
        "id": "PGR0VU2", "type": "incident", "title": "A little bump in the road", "status": "triggered", "urgency": "high",
        "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2", "incident_key": "d3640fbd41094207a1c11e58e46b1662",
        "created_at": "2020-10-02T18:45:22Z", "updated_at": "2020-10-02T18:45:22Z",
        "last_status_change_at": "2020-10-02T18:45:22Z", "last_status_change_by": reference("service", "PSVC001"),
        "service": reference("service", "PSVC001"), "escalation_policy": reference("escalation_policy", "PESC001"),
        "assignments": [{"at": "2020-10-02T18:45:22Z", "assignee": {**reference("user", "PUSR001"), "email": "oncall@example.com"}}],
        "priority": None, "teams": [], "acknowledgements": [], "incident_number": 2, "resolve_reason": None,
    }  # fmt: skip


class Answers:
    """By rote: writes succeed, reads find the integrations, the sample's incident where the scene links it, and else nothing."""

    def __init__(self, incident=None):
        self.secrets = signer().SECRETS
        self.rows = dict(INTEGRATIONS)
        if incident is not None:
            self.rows[incident["pk"]["S"]] = incident
            row = {"pk": "EXT#demo-pd#PGR0VU2", "sk": "LINK", "incident": incident["id"]["S"]}
            self.rows[row["pk"]] = attribute(row)["M"]

    def __call__(self, call, body):
        if call in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
            return {}
        if call == "GetItem":
            found = self.row(body["Key"])
            return {"Item": found} if found else {}
        if call in ("Query", "Scan"):
            return {"Items": [], "Count": 0, "ScannedCount": 0}
        if call == "BatchGetItem":
            asked = body["RequestItems"].items()
            found = {table: [row for key in wanted["Keys"] if (row := self.row(key))] for table, wanted in asked}
            return {"Responses": found, "UnprocessedKeys": {}}
        if call == "GetSecretValue":
            return self.secret(body["SecretId"])
        if call == "SendMessage":
            return {"MessageId": "5f0f2f5c-3c7e-4f39-a1f7-1b7c6f2f9a01"}
        if call == "PutEvents":
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860"}]}
        return self.vendor(call, body)

    def row(self, key):
        found = self.rows.get(key["pk"]["S"])
        return found if found is not None and found["sk"] == key["sk"] else None

    def secret(self, identifier):
        text = JWT_KEY
        if "/integration/" in identifier:
            named = dict(CREDENTIALS[identifier.split("/")[3]])
            named["webhook_secret"] = self.secrets[named["webhook_secret"]]
            text = json.dumps(named)
        return {"Name": identifier, "SecretString": text, "VersionStages": ["AWSCURRENT"], "ARN": "arn", "VersionId": "1"}

    def vendor(self, call, body):
        if call == "GET /incidents/PGR0VU2":
            return {"incident": record()}
        if call == "PUT /incidents/PGR0VU2":
            return {"incident": {**record(), **body["incident"], "updated_at": "2020-10-02T18:50:01Z"}}
        empty = {"notes": [], "log_entries": [], "users": [], "priorities": [], "incidents": []}
        name = call.rpartition("/")[2]
        return {name: empty[name]} if name in empty else None


def dated(name):
    """Samples of now, each with an id of its own."""
    sign = signer()
    os.environ["IM_JWT_KEY"] = JWT_KEY
    blank = sample(name)
    while True:
        event = copy.deepcopy(blank)
        sign.sign_http(event, time.time(), new=True)
        yield json.dumps(event).encode()


def repeated(name):
    event = json.dumps(sample(name)).encode()
    while True:
        yield event


def answer_is(status):
    return lambda answer: json.loads(answer)["statusCode"] == status


def no_failures(answer):
    return json.loads(answer) == {"batchItemFailures": []}


def a_tick(answer):
    return json.loads(answer)["unfinished"] is False


TABLES = {"DELIVERIES_TABLE": "im-Deliveries", "SYNC_TABLE": "im-Sync"}
PREFIX = {"SECRET_PREFIX": "im/measure/"}
RETRIES = {"RETRY_QUEUE_URL": QUEUE + "im-retries", "DEAD_LETTER_QUEUE_URL": QUEUE + "im-dead-letters"}
RUNS = {"RETRY_QUEUE_URL": QUEUE + "im-retries", "RECONCILE_QUEUE_URL": QUEUE + "im-reconcile"}
WEBHOOK = {**TABLES, **PREFIX, "WEBHOOK_RATE_PER_SECOND": "1000000"}


def linked(is_owed=True):
    """The sample's incident, with its status acknowledged since the vendor was told, or as the vendor has it."""
    image = sample("outbound/incident-changed.json")["Records"][0]["dynamodb"]["NewImage"]
    if not is_owed:
        image["fields"]["M"]["status"]["M"]["v"] = {"S": "open"}
    return Answers({**{key: value for key, value in image.items() if key != "wake"}, "pending": {"M": {}}})


# function: what it does here, settings, events, answers, whether an answer is right
SCENES = {
    "webhook-pagerduty": ("accepted", WEBHOOK, lambda: dated("webhook-pagerduty/incident-triggered-base64.json"), Answers, answer_is(202)),
    "webhook-servicenow": ("accepted", WEBHOOK, lambda: dated("webhook-servicenow/incident-updated.json"), Answers, answer_is(202)),
    "webhook-jira": ("accepted", WEBHOOK, lambda: dated("webhook-jira/issue-updated.json"), Answers, answer_is(202)),
    "inbound": ("a hint, nothing new", {**TABLES, **RETRIES}, lambda: repeated("inbound/delivery.json"), lambda: linked(is_owed=False), no_failures),
    "outbound": ("a change", {**TABLES, **RETRIES}, lambda: repeated("outbound/incident-changed.json"), linked, no_failures),
    "dead-letter": ("a dead job", TABLES, lambda: repeated("dead-letter/buried.json"), linked, no_failures),
    "reconciler": ("a quiet minute", {**TABLES, **RUNS}, lambda: repeated("reconciler/minute.json"), Answers, a_tick),
    "api": (
        "a list",
        {**TABLES, **PREFIX, **RUNS, "API_JWT_SECRET_ID": "im/measure/api-jwt-key"},
        lambda: dated("api/list-incidents.json"),
        Answers,
        answer_is(200),
    ),
}  # fmt: skip
