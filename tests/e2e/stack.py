"""The deployed stack, and how to talk to what runs on this machine."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.parse

import boto3

LIMIT = 5.0  # seconds: the product's promise
KNOWN_AFTER = 10.0  # seconds until every function knows what was configured (README)
PATIENCE = 30.0  # seconds until a wait is given up; longer than LIMIT, so that a slow run says how slow
FUNCTIONS = (
    "webhook-pagerduty",
    "webhook-servicenow",
    "webhook-jira",
    "inbound",
    "outbound",
    "dead-letter",
    "reconciler",
    "api",
)
ORGANIZATION = "acme"

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
PORT = urllib.parse.urlsplit(ENDPOINT).port
STACK = os.environ["E2E_STACK"]


class Failed(Exception):
    """A check that did not hold."""


def check(holds, message):
    if not holds:
        raise Failed(message)


def passed(text):
    print(f"  ok    {text}", flush=True)


class Answer:
    def __init__(self, status, body):
        self.status = status
        self.text = body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)

    def expect(self, status, what):
        check(self.status == status, f"{what}: expected {status}, got {self.status} {self.text}")
        return self.json if self.text.strip() else None


def request(method, url, body=None, headers=None, timeout=20):
    """One request to this machine, whatever the URL's host is: it goes into the Host header. A deployed API's host is
    <id>.execute-api.localhost, which not every resolver knows."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Host": parts.netloc, **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=timeout)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path or "/", body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def client(service):
    return boto3.client(service, endpoint_url=ENDPOINT)


class Stack:
    """What was deployed."""

    def __init__(self):
        stacks = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks[0]["Outputs"]}
        self.dynamodb = self.client("dynamodb")
        self.sqs = self.client("sqs")

    @staticmethod
    def client(service):
        return client(service)

    def webhook_url(self, vendor):
        return self.outputs[f"WebhookUrl{vendor.NAME}"].replace("{integration_id}", vendor.INTEGRATION)

    def by_path(self, url):
        """The same URL for clients that cannot set a Host header: ministack's path form."""
        parts = urllib.parse.urlsplit(url)
        api_id = parts.hostname.split(".")[0]
        return f"{ENDPOINT}/_aws/execute-api/{api_id}/$default{parts.path}"

    def token(self, **claims):
        """An administrator's token, signed with the key that the template made."""
        secret = self.client("secretsmanager").get_secret_value(SecretId=self.outputs["ApiJwtSecretArn"])
        claims = {
            "sub": "e2e",
            "org": ORGANIZATION,
            "roles": ["platform.administrator"],
            "scopes": [],
            "iat": int(time.time()),
            "exp": int(time.time()) + 3600,
            **claims,
        }

        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        signed = b".".join(part(json.dumps(x).encode()) for x in ({"alg": "HS256", "typ": "JWT"}, claims))
        mac = hmac.new(secret["SecretString"].encode(), signed, hashlib.sha256).digest()
        return (signed + b"." + part(mac)).decode()

    def scan(self, table):
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.outputs[table], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def messages(self, queue):
        """How many a queue holds, visible or not."""
        names = ["", "NotVisible", "Delayed"]
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.outputs[queue], AttributeNames=[f"ApproximateNumberOfMessages{n}" for n in names]
        )["Attributes"]
        return sum(int(count) for count in attributes.values())

    def unfinished(self):
        """What is still on its way, in words; empty when nothing is."""
        found = []
        for item in self.scan("DeliveriesTable"):
            if "wake" in item or "open_shard" in item:
                found.append(f"delivery {item['pk']['S']}")
        for item in self.scan("SyncTable"):
            if "wake" in item or "pending_shard" in item:
                found.append(f"{item['pk']['S']} {item['sk']['S']}")
        for queue in ("InboundRetryQueueUrl", "OutboundRetryQueueUrl", "ReconcileQueueUrl"):
            if count := self.messages(queue):
                found.append(f"{count} in {queue}")
        return found

    def dead(self):
        """What is dead, on its way to being listed or listed."""
        entries = [item["pk"]["S"] for item in self.scan("SyncTable") if item["pk"]["S"].startswith("DLQ#")]
        return entries + ["in the queue"] * self.messages("DeadLetterQueueUrl")

    def log(self, function):
        """What a function has logged, without Lambda's own lines."""
        group = f"/aws/lambda/{STACK}-{function}"
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        events = sorted((e for page in pages for e in page["events"]), key=lambda e: e["timestamp"])
        lines = (event["message"].rstrip() for event in events)
        return [line for line in lines if not line.startswith(("START ", "END ", "REPORT "))]

    def logged(self):
        return [line for function in FUNCTIONS for line in self.log(function)]

    def print_logs(self):
        """The last lines of each function, without what only matters to the AWS SDK."""
        for function in FUNCTIONS:
            print(f"\n-- {function}")
            try:
                for line in [line for line in self.log(function) if '"level":"DEBUG"' not in line][-120:]:
                    print(f"  {line[:2000]}")
            except Exception as error:  # noqa: BLE001 - the logs are an extra; what failed is reported anyway
                print(f"  no logs: {error}")


class Api:
    """The management API, as deployed."""

    def __init__(self, stack):
        self.base = f"{stack.outputs['ApiUrl']}/api/v1"
        self.token = stack.token()

    def call(self, method, path, body=None, token=""):
        token = self.token if token == "" else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return request(method, self.base + path, body, headers)

    def incidents(self):
        return self.call("GET", "/incidents").expect(200, "list incidents")["items"]


class EventBus:
    """What the account's default event bus was told of dead letters, from now on: by a rule to a queue, as an operator
    would have one."""

    NAME = "im-e2e-dead-letters"

    def __init__(self, stack):
        events, self.sqs = client("events"), stack.sqs
        self.queue = self.sqs.create_queue(QueueName=self.NAME)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        pattern = {"source": ["im"], "detail-type": ["Dead Letter"]}
        events.put_rule(Name=self.NAME, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=self.NAME, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
        self.seen = []

    def event(self, entry_id):
        """The first event of this entry, once it was told."""

        def probe():
            taken = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
            for message in taken:
                self.seen.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return next((event for event in self.seen if event["detail"]["entry_id"] == entry_id), None)

        return wait_for(f"the event of {entry_id}", probe)[0]


def wait_for(what, probe, begin=None, patience=PATIENCE, pause=0.05):
    """Until `probe` returns something; returns that and the seconds it took since `begin`."""
    begin = time.monotonic() if begin is None else begin
    while True:
        result = probe()
        took = time.monotonic() - begin
        if result:
            return result, took
        check(took < patience, f"{what}: not within {patience:.0f} s")
        time.sleep(pause)
