"""The vendors' sandboxes: what people do there, what they hold, and what they were sent."""

import json
import os
import re

from stack import PATIENCE, Failed, check, request, wait_for


class Sandbox:
    """A vendor, and what it saw."""

    INTEGRATION: str
    NAME: str  # as in the stack's outputs
    TYPE: str
    RECORDS: str  # what the sandbox calls its records
    PERSON = "ann@example.com"

    def __init__(self):
        self.url = os.environ[f"E2E_{self.TYPE.upper()}_URL"]

    def call(self, method, path, body=None):
        return request(method, f"{self.url}/_sandbox{path}", body)

    def seen(self, what):
        return self.call("GET", f"/{what}").expect(200, f"{self.TYPE} sandbox: {what}")[what]

    def fault(self, **rule):
        self.call("POST", "/faults", rule).expect(200, f"{self.TYPE} sandbox: fault")

    def mend(self):
        self.call("DELETE", "/faults").expect(200, f"{self.TYPE} sandbox: no faults")

    def drop_next_webhook(self):
        self.fault(fault="drop_webhooks", remaining=1)

    def undelivered(self):
        """What has not reached us, without what a fault was to drop."""
        webhooks = self.seen("webhooks")
        return [w for w in webhooks if w["outcome"] != "delivered" and (w["outcome"] != "dropped" or w["attempts"])]

    def person_creates(self, body):
        created = self.call("POST", f"/{self.RECORDS}", {**body, "by": self.PERSON})
        check(created.status in (200, 201), f"{self.TYPE} sandbox: {created.status} {created.text}")
        return created.json

    def person_edits(self, record, body):
        edited = self.call("PATCH", f"/{self.RECORDS}/{record}", {**body, "by": self.PERSON})
        edited.expect(200, f"{self.TYPE} sandbox: {body}")

    def writes(self):
        return [r for r in self.seen("requests") if r["method"] not in ("GET", "HEAD")]

    def written(self):
        """What was written, as (record, field, value), in order; a creation's values are its record's first ones."""
        for r in self.writes():
            if r["accepted"]:
                yield from self.values_of(r)


class PagerDuty(Sandbox):
    INTEGRATION, NAME, TYPE, RECORDS = "demo-pd", "PagerDuty", "pagerduty", "incidents"
    TOKEN = os.environ["E2E_PAGERDUTY_TOKEN"]
    WEBHOOK_SECRET = os.environ["E2E_PAGERDUTY_WEBHOOK_SECRET"]
    CONFIGURATION = {
        "credentials": {"token": TOKEN, "from_email": "oncall@example.com", "webhook_secret": WEBHOOK_SECRET},
        "options": {"service": "PSVC001"},
    }

    def records(self):
        """What it holds: title and status by id."""
        return {i["id"]: (i["title"], i["status"]) for i in self.seen("incidents")}

    def write(self, method, path, holds):
        """The accepted write that `holds` is true of, if there is one."""
        for r in self.writes():
            asked = (r["method"], r["path"]) == (method, path) and r["accepted"]
            if asked and holds((r["body"] or {}).get("incident", {})):
                return r
        return None

    @staticmethod
    def values_of(write):
        match = re.fullmatch(r"/incidents(?:/(\w+))?", write["path"])
        if match:
            record = match[1] or write["response"]["incident"]["id"]
            for field, value in write["body"]["incident"].items():
                if field != "type":
                    yield record, field, json.dumps(value, sort_keys=True)


class ServiceNow(Sandbox):
    INTEGRATION, NAME, TYPE, RECORDS = "demo-snow", "ServiceNow", "servicenow", "incidents"
    PASSWORD = os.environ["E2E_SERVICENOW_PASSWORD"]
    WEBHOOK_SECRET = os.environ["E2E_SERVICENOW_WEBHOOK_SECRET"]
    CONFIGURATION = {
        "credentials": {"username": "im.sync", "password": PASSWORD, "webhook_secret": WEBHOOK_SECRET},
        "options": {"close_code": "Solution provided"},
    }

    def records(self):
        return {i["sys_id"]: (i["short_description"], i["state"]) for i in self.seen("incidents")}

    @staticmethod
    def values_of(write):
        match = re.fullmatch(r"/api/now(?:/v2)?/table/incident(?:/(\w+))?", write["path"])
        if match:
            record = match[1] or write["response"]["result"]["sys_id"]
            for field, value in write["body"].items():
                yield record, field, json.dumps(value, sort_keys=True)


class Jira(Sandbox):
    INTEGRATION, NAME, TYPE, RECORDS = "demo-jira", "Jira", "jira", "issues"
    API_KEY = os.environ["E2E_JIRA_API_KEY"]
    CLIENT_KEY = "e2e-client"
    WEBHOOK_SECRET = os.environ["E2E_JIRA_WEBHOOK_SECRET"]
    CONFIGURATION = {
        "credentials": {
            "email": "im@example.com",
            "api_key": API_KEY,
            "client_key": CLIENT_KEY,
            "webhook_secret": WEBHOOK_SECRET,
        },
        "options": {"project": "OPS", "issue_type": "[System] Incident"},
    }

    def records(self):
        """By key, which is what a person knows an issue by."""
        return {i["key"]: (i["fields"]["summary"], i["fields"]["status"]["name"]) for i in self.seen("issues")}

    def values_of(self, write):
        ids = {i["key"]: i["id"] for i in self.seen("issues")}
        match = re.fullmatch(r"/rest/api/3/issue(?:/([\w-]+)(/transitions)?)?", write["path"])
        if match:
            record = match[1] or write["response"]["id"]
            values = {"transition": write["body"]["transition"]["id"]} if match[2] else write["body"].get("fields", {})
            for field, value in values.items():
                yield ids.get(record, record), field, json.dumps(value, sort_keys=True)


def settle(stack, *vendors):
    """Until every webhook was delivered and everything was worked off."""

    def undelivered():
        return [w for vendor in vendors for w in vendor.undelivered()]

    try:
        wait_for("everything settles", lambda: not undelivered() and not stack.unfinished(), patience=2 * PATIENCE)
    except Failed:
        raise Failed(f"does not settle: {stack.unfinished()} undelivered: {undelivered()}") from None
