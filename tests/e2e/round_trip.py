"""The round trip through the deployed stack; started by `run`, which sets the environment.

    round_trip.py               plays it and checks it
    round_trip.py webhook-url   prints where the vendor has to send its webhooks
    round_trip.py how-to        prints how to talk to the deployed API by hand
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import time
import urllib.parse

import boto3

LIMIT = 5.0  # seconds: the product's promise
PATIENCE = 30.0  # seconds until a wait is given up; longer than LIMIT, so that a slow run says how slow
FUNCTIONS = ("webhook-pagerduty", "inbound", "outbound", "api")
INTEGRATION = "demo-pd"
ORGANIZATION = "acme"
PING = (
    b'{"event":{"id":"01FKZOXA868SHYEE4DVNWB5P9W","event_type":"pagey.ping","resource_type":"pagey",'
    b'"occurred_at":"2025-04-07T03:00:55.532Z","agent":{"id":"PVE0ZR9","type":"user_reference"},"client":null,'
    b'"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}'
)
PING_SIGNATURE = "v1=0e83584cbab86f98c51517cf96a70c90e910532d3d2f067d58c753cc8980a05b"

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


# ---------------------------------------------------------------------------------------------- talking to things


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
    """One request to this machine, whatever the URL's host is: that one goes into the Host header. A deployed API's host
    is <id>.execute-api.localhost, which not every resolver knows."""
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


class Stack:
    """What was deployed."""

    def __init__(self):
        stacks = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks[0]["Outputs"]}
        self.dynamodb = self.client("dynamodb")
        self.sqs = self.client("sqs")

    @staticmethod
    def client(service):
        return boto3.client(service, endpoint_url=ENDPOINT)

    def webhook_url(self):
        return self.outputs["WebhookUrlPagerDuty"].replace("{integration_id}", INTEGRATION)

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
        for queue in ("InboundRetryQueueUrl", "OutboundRetryQueueUrl"):
            if count := self.messages(queue):
                found.append(f"{count} in {queue}")
        return found

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
        for function in FUNCTIONS:
            print(f"\n-- {function}")
            try:
                for line in self.log(function)[-120:]:
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


class Sandbox:
    """The vendor, and what it saw."""

    def __init__(self):
        self.url = os.environ["E2E_SANDBOX_URL"]

    def call(self, method, path, body=None):
        return request(method, f"{self.url}/_sandbox{path}", body)

    def seen(self, what):
        return self.call("GET", f"/{what}").expect(200, f"sandbox {what}")[what]

    def writes(self):
        return [r for r in self.seen("requests") if r["method"] not in ("GET", "HEAD")]

    def write(self, method, path, holds):
        """The accepted write that `holds` is true of, if there is one."""
        for r in self.writes():
            succeeded = r["status"] is not None and r["status"] < 300
            if r["method"] == method and r["path"] == path and succeeded and holds((r["body"] or {}).get("incident", {})):
                return r
        return None

    def fault(self, **rule):
        self.call("POST", "/faults", rule).expect(200, "sandbox fault")

    def undelivered(self):
        return [w for w in self.seen("webhooks") if w["outcome"] != "delivered"]


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


# ---------------------------------------------------------------------------------------------- the round trip


def play(stack, api, sandbox):
    webhook = stack.webhook_url()
    times = []

    def timed(what, begin, probe):
        result, took = wait_for(what, probe, begin)
        print(f"  {'ok   ' if took <= LIMIT else 'SLOW '} {what}: {took:.2f} s", flush=True)
        times.append((what, took))
        return result

    # Who may: nobody without a token.
    api.call("GET", "/health").expect(200, "health")
    for what, token in (("no token", None), ("a token of our own making", "e30.e30.c2ln")):
        api.call("GET", "/incidents", token=token).expect(401, what)
    check(
        api.call("GET", "/incidents", token=stack.token(exp=int(time.time()) - 3600)).status == 401,
        "an expired token was accepted",
    )
    passed("the API refuses callers without a valid token (401)")

    # An integration that does not exist answers like a bad signature.
    request("POST", webhook, PING, {"X-PagerDuty-Signature": PING_SIGNATURE}).expect(401, "unknown integration")

    created = api.call(
        "POST",
        "/integrations",
        {
            "id": INTEGRATION,
            "organization_id": ORGANIZATION,
            "integration_type": "pagerduty",
            "name": "Demo PagerDuty",
            "base_url": sandbox.url,
            "credentials": {
                "token": os.environ["E2E_SANDBOX_TOKEN"],
                "from_email": "oncall@example.com",
                "webhook_secret": os.environ["E2E_WEBHOOK_SECRET"],
            },
            "sync_direction": "bidirectional",
            "enabled": True,
            "conflict_strategy": "last-write-wins",
            "options": {"service": "PSVC001"},
        },
    )
    created.expect(201, "configure the integration")
    for credential in ("E2E_SANDBOX_TOKEN", "E2E_WEBHOOK_SECRET"):
        check(os.environ[credential] not in created.text, f"the answer contains {credential}")
    passed("integration configured (201); its answer contains no credential")

    # What is not signed is not stored.
    tampered = PING.replace(b"Pagey!", b"Pagex!")
    for what, body, signature in (
        ("a changed body", tampered, PING_SIGNATURE),
        ("a wrong signature", PING, "v1=" + "0" * 64),
        ("a malformed signature", PING, "nonsense"),
        ("no signature", PING, None),
        ("an empty body", b"", PING_SIGNATURE),
    ):
        headers = {"X-PagerDuty-Signature": signature} if signature else {}
        request("POST", webhook, body, headers).expect(401, what)
    check(stack.scan("DeliveriesTable") == [], "a refused webhook was stored")
    passed("webhooks with a bad, missing or malformed signature: 401, nothing stored")

    request("POST", webhook, PING, {"X-PagerDuty-Signature": PING_SIGNATURE}).expect(202, "the documented ping")
    passed("PagerDuty's documented ping accepted (202)")
    check(api.incidents() == [] and sandbox.writes() == [], "the ping caused something")

    # Inbound: the vendor's webhook becomes an incident.
    title = "Checkout answers 500"
    begin = time.monotonic()
    body = {"title": title, "urgency": "high", "by": "ann@example.com"}
    external = sandbox.call("POST", "/incidents", body)
    check(external.status in (200, 201), f"sandbox incident: {external.status} {external.text}")
    external_id = external.json["incident"]["id"]

    def find():
        return next((i for i in api.incidents() if i["title"] == title), None)

    incident = timed("inbound:  PagerDuty incident -> platform incident", begin, find)
    incident_id = incident["id"]

    # Outbound: a change on the platform becomes a write to the vendor.
    begin = time.monotonic()
    api.call("PATCH", f"/incidents/{incident_id}", {"status": "acknowledged"}).expect(200, "acknowledge")
    timed(
        "outbound: platform change -> PagerDuty",
        begin,
        lambda: sandbox.write("PUT", f"/incidents/{external_id}", lambda i: i.get("status") == "acknowledged"),
    )

    # And a new incident becomes a new vendor record.
    other_title = "Search index is stale"
    begin = time.monotonic()
    other = api.call(
        "POST",
        "/incidents",
        {"title": other_title, "description": "Results are two hours old.", "severity": "SEV-1"},
    ).expect(201, "create an incident")
    timed(
        "outbound: new platform incident -> PagerDuty",
        begin,
        lambda: sandbox.write("POST", "/incidents", lambda i: i.get("title") == other_title),
    )

    # No echo: when the webhooks of all this were delivered and worked off, nothing else was written.
    def settled():
        return not sandbox.undelivered() and not stack.unfinished()

    try:
        wait_for("everything settles", settled, patience=2 * PATIENCE)
    except Failed:
        raise Failed(f"does not settle: {stack.unfinished()} undelivered: {sandbox.undelivered()}") from None
    event_types = [w["event_type"] for w in sandbox.seen("webhooks")]
    check(len(event_types) >= 3, f"the writes should have sent webhooks: {event_types}")
    writes = [(r["method"], r["path"], r["status"]) for r in sandbox.writes()]
    expected = [("PUT", f"/incidents/{external_id}"), ("POST", "/incidents")]
    check([write[:2] for write in writes] == expected, f"expected the writes {expected}, got {writes}")
    check(stack.messages("DeadLetterQueueUrl") == 0, "there are dead letters")
    passed(f"no echo: {len(event_types)} webhooks came back, 2 changes made 2 writes")

    by_id = {i["id"]: i for i in api.incidents()}
    check(set(by_id) == {incident_id, other["id"]}, f"expected two incidents, got {list(by_id.values())}")
    ends = {
        incident_id: {"title": title, "status": "acknowledged", "severity": "SEV-2"},
        other["id"]: {"title": other_title, "status": "open", "severity": "SEV-1"},
    }
    for number, wanted in ends.items():
        held = api.call("GET", f"/incidents/{number}").expect(200, "get")
        seen = {name: held.get(name) for name in wanted}
        check(seen == wanted, f"{number}: expected {wanted}, got {held}")
    passed("both incidents hold what was set; nothing was turned round")

    # Failures take their way through the deployed queues. A vendor that is down for a moment:
    sandbox.fault(fault="refuse_with", status=503, method="GET", path_contains=external_id, remaining=1)
    sandbox.call("PATCH", f"/incidents/{external_id}", {"status": "resolved", "by": "ann@example.com"}).expect(
        200, "resolve in the sandbox"
    )

    def resolved():
        return api.call("GET", f"/incidents/{incident_id}").expect(200, "get")["status"] == "resolved"

    _, took = wait_for("the retry brings the change", resolved)
    refused = [r for r in sandbox.seen("requests") if r["status"] == 503]
    check(len(refused) == 1, f"the fault should have struck once: {refused}")
    passed(f"retry:    a 503 is tried again from the retry queue, {took:.2f} s")

    # And a vendor that will never take it:
    sandbox.fault(fault="refuse_with", status=400, method="PUT", remaining=1)
    api.call("PATCH", f"/incidents/{other['id']}", {"status": "acknowledged"}).expect(200, "acknowledge")
    wait_for("the dead letter", lambda: stack.messages("DeadLetterQueueUrl") == 1)
    passed("dead:     what the vendor refuses for good is in the dead-letter queue")

    logged = stack.logged()
    check(logged, "the functions logged nothing")
    for what, secret in (
        ("the vendor's token", os.environ["E2E_SANDBOX_TOKEN"]),
        ("the webhook secret", os.environ["E2E_WEBHOOK_SECRET"]),
        ("a caller's token", api.token),
    ):
        check(not any(secret in line for line in logged), f"{what} is in the logs")
    passed(f"no credential in {len(logged)} lines of debug logs")
    return times


def main():
    stack = Stack()
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "webhook-url":
        print(stack.by_path(stack.webhook_url()))
        return 0
    if mode == "how-to":
        print(f"export IM_ENDPOINT='{stack.by_path(stack.outputs['ApiUrl'])}'")
        print(f"export IM_TOKEN='{stack.token()}'")
        print('curl -H "Authorization: Bearer $IM_TOKEN" "$IM_ENDPOINT/api/v1/incidents"')
        return 0
    try:
        times = play(stack, Api(stack), Sandbox())
        slow = [f"{what} took {took:.2f} s" for what, took in times if took > LIMIT]
        check(not slow, f"slower than {LIMIT:.0f} s: {'; '.join(slow)}")
    except Exception as error:  # noqa: BLE001 - whatever it was, the functions' logs say why
        stack.print_logs()
        print(f"\nFAILED: {error if isinstance(error, Failed) else repr(error)}")
        return 1
    print("\nend-to-end: passed")
    for what, took in times:
        print(f"  {took:5.2f} s  {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
