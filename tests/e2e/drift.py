"""Reconciliation in the deployed stack: by hand with the CLI, and by the schedule that EventBridge's minute drives."""

import json
import os
import subprocess
import time

from stack import PATIENCE, check, passed, wait_for
from vendors import settle

TICK = 60.0  # seconds between minute ticks
INTERVAL = "1m"


class Drift:
    def __init__(self, stack, api, pagerduty, servicenow, jira):
        self.stack, self.api = stack, api
        self.servicenow, self.jira = servicenow, jira
        self.vendors = (pagerduty, servicenow, jira)

    def play(self):
        title = "Drifts"
        body = {"title": title, "severity": "SEV-2"}
        incident = self.api.call("POST", "/incidents", body).expect(201, "create")["id"]
        wait_for("it has its records", lambda: self.record(incident, self.jira))
        settle(self.stack, *self.vendors)
        self.by_hand(incident, title)
        self.by_schedule(incident)
        settle(self.stack, *self.vendors)

    def record(self, incident, vendor):
        links = self.api.call("GET", f"/incidents/{incident}/links").expect(200, "links")["items"]
        found = {link["integration_id"]: link.get("external_id") for link in links}
        return found.get(vendor.INTEGRATION) if all(found.values()) and len(found) == len(self.vendors) else None

    def im(self, *arguments):
        """The CLI against the deployed API."""
        endpoint = self.stack.by_path(self.stack.outputs["ApiUrl"])
        environment = {**os.environ, "IM_ENDPOINT": endpoint, "IM_TOKEN": self.api.token}
        command = [os.environ["E2E_IM"], "integration", *arguments, "--format", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        check(done.returncode == 0, f"im integration {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    def by_hand(self, incident, title):
        """A title that the platform owns is edited at ServiceNow, and nobody hears of it."""
        vendor = self.servicenow
        record = self.record(incident, vendor)
        vendor.drop_next_webhook()
        vendor.person_edits(record, {"short_description": "Changed there"})
        writes = len(vendor.writes())
        dry = self.im("reconcile", vendor.INTEGRATION, "--dry-run")
        found = [(item["field"], item["action"]) for item in dry["items"] if item["incident_id"] == incident]
        check(found == [("title", "push")], f"the dry run found {dry}")
        check(len(vendor.writes()) == writes, "the dry run wrote")
        healed = self.im("reconcile", vendor.INTEGRATION, "--auto-heal")
        check(healed["run"]["status"] == "done" and healed["run"]["summary"]["failed"] == 0, f"{healed}")
        check(vendor.records()[record][0] == title, "it was not healed")
        again = self.im("reconcile", vendor.INTEGRATION, "--dry-run")
        check(not again["items"], f"the second run found {again}")
        passed("drift:    a dry run finds it and writes nothing, auto-heal puts it right, a second run finds nothing")

    def by_schedule(self, incident):
        """A webhook of Jira's is lost; the schedule makes it good."""
        vendor, note = self.jira, "said while nobody listened"
        path = f"/integrations/{vendor.INTEGRATION}/reconcile/schedule"
        wanted = {"interval": INTERVAL, "auto_heal": True, "enabled": True}
        shown = self.api.call("POST", path, wanted).expect(200, "set the schedule")
        check(shown["interval"] == INTERVAL, f"{shown}")
        vendor.fault(fault="drop_webhooks", remaining=4)
        vendor.person_edits(self.record(incident, vendor), {"comment": note})
        begin = time.monotonic()

        def notes():
            path = f"/incidents/{incident}/comments"
            found = self.api.call("GET", path).expect(200, "comments")["items"]
            return [comment for comment in found if note in comment["text"]]

        wait_for("the schedule brings the comment", notes, begin, patience=3 * TICK + PATIENCE, pause=0.5)
        took = time.monotonic() - begin
        vendor.mend()
        check(len(notes()) == 1, "it was brought twice")
        self.api.call("DELETE", path).expect(200, "remove the schedule")
        path = f"/integrations/{vendor.INTEGRATION}/reconcile/history"
        runs = self.api.call("GET", path).expect(200, "history")["items"]
        check(any(run["started_by"]["kind"] == "schedule" for run in runs), f"no scheduled run: {runs}")
        passed(f"drift:    a lost webhook is made good by the schedule, {took:.0f} s later")
