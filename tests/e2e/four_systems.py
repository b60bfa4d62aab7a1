"""One incident in all four systems: the platform, PagerDuty, ServiceNow and Jira."""

import json
import time
import urllib.parse
import uuid
from collections import Counter

import signed
from stack import KNOWN_AFTER, ORGANIZATION, check, passed
from vendors import settle

# What the vendors call the platform's statuses.
STATUSES = {
    "open": {"pagerduty": "triggered", "servicenow": "1", "jira": "To Do"},
    "acknowledged": {"pagerduty": "acknowledged", "servicenow": "2", "jira": "In Progress"},
    "resolved": {"pagerduty": "resolved", "servicenow": "6", "jira": "Resolved"},
}


def configure(api, vendor):
    """Configures the vendor's integration; the answer contains no credential."""
    body = {
        "id": vendor.INTEGRATION,
        "organization_id": ORGANIZATION,
        "integration_type": vendor.TYPE,
        "name": f"Demo {vendor.NAME}",
        "base_url": vendor.url,
        "sync_direction": "bidirectional",
        "enabled": True,
        "conflict_strategy": "last-write-wins",
        **vendor.CONFIGURATION,
    }
    created = api.call("POST", "/integrations", body)
    created.expect(201, f"configure {vendor.NAME}")
    for secret in secrets(vendor):
        check(secret not in created.text, f"{vendor.NAME}: the answer contains a credential")
    passed(f"{vendor.NAME} configured (201); the answer contains no credential")


def secrets(vendor):
    """The credentials that must show nowhere."""
    public = ("username", "email", "from_email", "client_key")
    return [value for name, value in vendor.CONFIGURATION["credentials"].items() if name not in public]


class FourSystems:
    def __init__(self, stack, api, timed, pagerduty, servicenow, jira):
        self.stack, self.api, self.timed = stack, api, timed
        self.pagerduty, self.servicenow, self.jira = pagerduty, servicenow, jira
        self.vendors = (pagerduty, servicenow, jira)

    def play(self):
        configure(self.api, self.servicenow)
        configure(self.api, self.jira)
        configured = time.monotonic()
        self.refuse_servicenow()
        self.refuse_jira()
        time.sleep(max(0.0, configured + KNOWN_AFTER - time.monotonic()))
        self.one_incident()
        self.signed_servicenow()
        self.signed_jira()
        self.nothing_twice()

    # ------------------------------------------------------------------------------------------ who is let in

    def refused(self, vendor, cases):
        url = self.stack.webhook_url(vendor)
        before = len(self.stack.scan("DeliveriesTable"))
        for what, body, headers in cases:
            signed.post(url, body, headers).expect(401, f"{vendor.NAME}: {what}")
        check(len(self.stack.scan("DeliveriesTable")) == before, f"{vendor.NAME}: a refused webhook was stored")
        passed(f"{vendor.NAME}: {len(cases)} unsigned and wrongly signed webhooks: 401, nothing stored")

    def refuse_servicenow(self):
        secret = self.servicenow.WEBHOOK_SECRET
        sys_id = uuid.uuid4().hex
        body = signed.servicenow_body(sys_id, "2026-01-02 03:04:05")
        other = signed.servicenow_body(sys_id, "2026-01-02 03:04:06")
        old = signed.servicenow_body(sys_id, "2026-01-02 03:04:05", age=3600)
        early = signed.servicenow_body(sys_id, "2026-01-02 03:04:05", age=-3600)
        header = "X-ServiceNow-Signature"
        self.refused(
            self.servicenow,
            [
                ("no signature", body, {}),
                ("an empty signature", body, {header: "sha256="}),
                ("a malformed signature", body, {header: "nonsense"}),
                ("another secret", body, signed.by_hex("another secret", body)),
                ("another secret, in base64", body, signed.by_base64("another secret", body)),
                ("another body", other, signed.by_hex(secret, body)),
                ("an hour old", old, signed.by_hex(secret, old)),
                ("an hour early", early, signed.by_hex(secret, early)),
                ("an empty body", b"", signed.by_hex(secret, b"")),
            ],
        )

    def refuse_jira(self):
        secret = self.jira.WEBHOOK_SECRET
        path = urllib.parse.urlsplit(self.stack.webhook_url(self.jira)).path
        body = signed.jira_body("jira:issue_updated", {"id": "10000", "key": "OPS-1", "fields": {}})
        now = int(time.time())

        def claims(**others):
            return signed.claims(self.jira.CLIENT_KEY, path, **others)

        def token(**others):
            return signed.by_token(secret, claims(**others))

        self.refused(
            self.jira,
            [
                ("no token", body, {}),
                ("no token but its scheme", body, {"Authorization": "JWT"}),
                ("another secret", body, signed.by_token("another secret, as long as that one is", claims())),
                ("alg none", body, signed.by_headed_token({"alg": "none", "typ": "JWT"}, claims())),
                ("alg none, signed", body, signed.by_headed_token({"alg": "none", "typ": "JWT"}, claims(), secret)),
                ("alg RS256", body, signed.by_headed_token({"alg": "RS256", "typ": "JWT"}, claims(), secret)),
                ("alg HS512", body, signed.by_headed_token({"alg": "HS512", "typ": "JWT"}, claims(), secret)),
                ("no algorithm", body, signed.by_headed_token({"typ": "JWT"}, claims(), secret)),
                ("a Bearer token", body, signed.by_token(secret, claims(), scheme="Bearer")),
                ("another URL's token", body, signed.by_token(secret, signed.claims(self.jira.CLIENT_KEY, "/x"))),
                ("a session's token", body, token(qsh="context-qsh")),
                ("a token without qsh", body, token(qsh=None)),
                ("another issuer", body, token(iss="another-client")),
                ("no issuer", body, token(iss=None)),
                ("an expired token", body, token(iat=now - 600, exp=now - 300)),
                ("a token without an end", body, token(exp=None)),
                ("a token of the future", body, token(iat=now + 600, exp=now + 900)),
                ("an empty body", b"", token()),
            ],
        )

    # ------------------------------------------------------------------------------------------ one incident

    def incident(self, title):
        return next((i for i in self.api.incidents() if i["title"] == title), None)

    @staticmethod
    def record(vendor, title, status=None):
        """The vendor's record of this title, and in this status of the platform's."""
        word = STATUSES[status][vendor.TYPE] if status else None
        found = [number for number, (name, at) in vendor.records().items() if name == title and word in (None, at)]
        check(len(found) <= 1, f"{vendor.NAME} has it more than once: {found}")
        return found[0] if found else None

    def everywhere(self, title, status):
        """True once all four systems show this title and this status."""
        incident = self.incident(title)
        here = incident is not None and incident["status"] == status
        return here and all(self.record(vendor, title, status) for vendor in self.vendors)

    def one_incident(self):
        title = "Payments are stuck"
        begin = time.monotonic()
        self.pagerduty.person_creates({"title": title, "urgency": "high"})
        self.timed("PagerDuty: incident -> platform, ServiceNow, Jira", begin, lambda: self.everywhere(title, "open"))
        incident_id = self.incident(title)["id"]

        title = "Payments by card are stuck"
        begin = time.monotonic()
        self.api.call("PATCH", f"/incidents/{incident_id}", {"title": title}).expect(200, "edit the title")
        self.timed("platform:  title -> PagerDuty, ServiceNow, Jira", begin, lambda: self.everywhere(title, "open"))

        begin = time.monotonic()
        self.jira.person_edits(self.record(self.jira, title), {"status": "In Progress"})
        self.timed(
            "Jira:      in progress -> platform, PagerDuty, ServiceNow",
            begin,
            lambda: self.everywhere(title, "acknowledged"),
        )

        begin = time.monotonic()
        resolution = {"state": "6", "close_code": "Solution provided", "close_notes": "Restarted the gateway."}
        self.servicenow.person_edits(self.record(self.servicenow, title), resolution)
        self.timed(
            "ServiceNow: resolved -> platform, PagerDuty, Jira",
            begin,
            lambda: self.everywhere(title, "resolved"),
        )
        self.settle()

    # ------------------------------------------------------------------------------------------ signed by others

    def accepted(self, vendor, what, body, headers):
        """Accepted, and so is its repeat; stored once."""
        url = self.stack.webhook_url(vendor)
        before = len(self.stack.scan("DeliveriesTable"))
        signed.post(url, body, headers).expect(202, f"{vendor.NAME}: {what}")
        signed.post(url, body, headers).expect(202, f"{vendor.NAME}: {what}, again")
        check(len(self.stack.scan("DeliveriesTable")) == before + 1, f"{vendor.NAME}: {what} is not stored once")

    def signed_servicenow(self):
        title = "The VPN drops connections"
        secret = self.servicenow.WEBHOOK_SECRET
        self.servicenow.drop_next_webhook()
        self.servicenow.person_creates({"short_description": title, "impact": "2", "urgency": "2"})
        sys_id = self.record(self.servicenow, title)
        body = signed.servicenow_body(sys_id, updated_on())
        begin = time.monotonic()
        self.accepted(self.servicenow, "a digest in hex", body, signed.by_hex(secret, body))
        self.timed("ServiceNow: signed in Python, hex -> all four", begin, lambda: self.everywhere(title, "open"))
        self.settle()

        self.servicenow.drop_next_webhook()
        self.servicenow.person_edits(sys_id, {"state": "2"})
        body = signed.servicenow_body(sys_id, updated_on())
        begin = time.monotonic()
        self.accepted(self.servicenow, "a digest in base64", body, signed.by_base64(secret, body))
        self.timed(
            "ServiceNow: signed in Python, base64 -> all four", begin, lambda: self.everywhere(title, "acknowledged")
        )
        self.settle()

    def signed_jira(self):
        title = "Mail is delayed"
        self.jira.drop_next_webhook()
        created = self.jira.person_creates({"summary": title})
        path = urllib.parse.urlsplit(self.stack.webhook_url(self.jira)).path
        body = signed.jira_body("jira:issue_created", {"id": created["id"], "key": created["key"], "fields": {}})
        headers = signed.by_token(self.jira.WEBHOOK_SECRET, signed.claims(self.jira.CLIENT_KEY, path))
        headers["X-Atlassian-Webhook-Identifier"] = str(uuid.uuid4())
        begin = time.monotonic()
        self.accepted(self.jira, "a token by PyJWT", body, headers)
        self.timed("Jira:      signed by PyJWT -> all four", begin, lambda: self.everywhere(title, "open"))
        self.settle()

    # ------------------------------------------------------------------------------------------ once

    def settle(self):
        settle(self.stack, *self.vendors)

    def nothing_twice(self):
        for vendor in self.vendors:
            written = Counter(vendor.written())
            check(written, f"{vendor.NAME} was written nothing")
            twice = [value for value, count in written.items() if count > 1]
            check(not twice, f"{vendor.NAME} was written the same value twice: {json.dumps(twice, indent=1)}")
            passed(f"{vendor.NAME}: none of {len(written)} values was written twice")
        check(self.stack.dead() == [], "there are dead letters")


def updated_on():
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
