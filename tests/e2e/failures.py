"""What becomes of failures: five attempts, dead letters, crashes, a retry by hand, and the vendor's recovery."""

import json
import os
import subprocess
import time
from datetime import datetime

from breakage import any_stream, broken, impatient_stream, short_visibility
from stack import PATIENCE, EventBus, check, passed, wait_for
from vendors import settle

ATTEMPTS = 5
DELAY = 2.0  # seconds between attempts: RetryDelaysSeconds of this deployment
TICK = 60.0  # seconds between minute ticks
OUTAGE = "Edited while it is away"


class Failures:
    def __init__(self, stack, api, timed, pagerduty, servicenow, jira):
        self.stack, self.api, self.timed = stack, api, timed
        self.pagerduty, self.servicenow = pagerduty, servicenow
        self.vendors = (pagerduty, servicenow, jira)
        self.bus = EventBus(stack)

    def play(self):
        titles = ("Outage", "Refusal", "Crash 1", "Crash 2")
        incidents = [self.created(title) for title in titles]
        wait_for("every incident has its records", lambda: all(self.records(incident) for incident in incidents))
        settle(self.stack, *self.vendors)
        outage = self.outage(incidents[0])
        self.pagerduty.mend()
        back = time.monotonic()
        self.refusal(incidents[1])
        self.recovery(incidents[0], outage, back)
        settle(self.stack, *self.vendors)
        self.crashes(*incidents[2:])
        settle(self.stack, *self.vendors)
        self.nothing_left()

    # ------------------------------------------------------------------------------------------ what they see

    def created(self, title):
        body = {"title": title, "severity": "SEV-2"}
        return self.api.call("POST", "/incidents", body).expect(201, f"create {title}")["id"]

    def edit(self, incident, title):
        self.api.call("PATCH", f"/incidents/{incident}", {"title": title}).expect(200, f"edit: {title}")

    def records(self, incident):
        """The incident's record at each vendor, by integration; none until all have one."""
        links = self.api.call("GET", f"/incidents/{incident}/links").expect(200, "links")["items"]
        records = {link["integration_id"]: link.get("external_id") for link in links if link.get("external_id")}
        return records if len(records) == len(self.vendors) else None

    def holds(self, vendor, incident, title):
        """True if the vendor's record of the incident has this title. People know a Jira issue by its key."""
        record = self.records(incident)[vendor.INTEGRATION]
        found = vendor.records().get(record)
        return found[0] == title if found else any(name == title for name, _ in vendor.records().values())

    def entries(self, vendor, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        path = f"/integrations/{vendor.INTEGRATION}/dlq?{query}"
        return self.api.call("GET", path).expect(200, "list dead letters")["items"]

    def entry(self, vendor, entry_id):
        path = f"/integrations/{vendor.INTEGRATION}/dlq/{entry_id}"
        return self.api.call("GET", path).expect(200, "show a dead letter")

    def dead(self, vendor, incident):
        """The open entry of the incident's link, once there is one."""

        def probe():
            found = self.entries(vendor, status="open", incident=incident)
            check(len(found) <= 1, f"more than one entry of a link: {found}")
            return found

        found, _ = wait_for(f"a dead letter of {incident} at {vendor.NAME}", probe)
        return self.entry(vendor, found[0]["id"])

    def is_resolved(self, vendor, entry):
        return self.entry(vendor, entry["id"])["status"] == "resolved"

    def im(self, *arguments):
        """The CLI against the deployed API."""
        endpoint = self.stack.by_path(self.stack.outputs["ApiUrl"])
        environment = {**os.environ, "IM_ENDPOINT": endpoint, "IM_TOKEN": self.api.token}
        command = [os.environ["E2E_IM"], "integration", *arguments, "--format", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        check(done.returncode == 0, f"im integration {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    # ------------------------------------------------------------------------------------------ the story

    def outage(self, incident):
        """PagerDuty is away: five attempts at their times, then a dead letter with each attempt's error."""
        vendor = self.pagerduty
        record = self.records(incident)[vendor.INTEGRATION]
        vendor.fault(fault="refuse_with", status=503)
        self.edit(incident, OUTAGE)
        entry = self.dead(vendor, incident)
        check((entry["attempts"], entry["reason"]) == (ATTEMPTS, "unavailable"), f"{entry}")
        check(all("503" in failure["error"] for failure in entry["failures"]), f"not each with its error: {entry}")
        asked = [r["time"] for r in vendor.seen("requests") if r["status"] == 503 and record in r["path"]]
        for times in (asked, [failure["at"] for failure in entry["failures"]]):
            times = [datetime.fromisoformat(at) for at in times]
            waits = [(later - earlier).total_seconds() for earlier, later in zip(times, times[1:])]
            check(len(waits) == ATTEMPTS - 1 and min(waits) >= DELAY - 0.2, f"attempts at {times}")
        waits = ", ".join(f"{wait:.1f}" for wait in waits)
        passed(f"dead:     {ATTEMPTS} attempts {waits} s apart, each with its error")

        listed = self.im("dlq", vendor.INTEGRATION)["items"]
        check([e["id"] for e in listed] == [entry["id"]], f"im integration dlq lists {listed}")
        shown = self.im("dlq-show", vendor.INTEGRATION, entry["id"])
        check(len(shown["failures"]) == ATTEMPTS, f"im integration dlq-show says {shown}")
        passed("dead:     `im integration dlq` lists it, `dlq-show` tells the attempts")

        event = self.bus.event(entry["id"])
        told = {
            "integration_id": vendor.INTEGRATION,
            "entry_id": entry["id"],
            "incident_id": incident,
            "external_id": record,
            "direction": "outbound",
            "reason": "unavailable",
            "attempts": ATTEMPTS,
        }
        check(event["detail"] == told, f"the event bus was told {event}")
        passed("dead:     the event bus was told, without a value")
        return entry

    def recovery(self, incident, entry, back):
        """PagerDuty has been back since then, and nobody clicks: the minute tick finds out."""
        vendor = self.pagerduty
        patience = 2 * TICK + PATIENCE
        wait_for("the minute tick", lambda: self.is_resolved(vendor, entry), back, patience, pause=0.5)
        took = time.monotonic() - back
        check(self.holds(vendor, incident, OUTAGE), "it was not synced")
        ticks = [line for line in self.stack.log("reconciler") if "redriven: 1" in line]
        check(ticks, "no tick has retried it")
        passed(f"dead:     it came back by itself, {took:.0f} s after the vendor")

    def refusal(self, incident):
        """What ServiceNow refuses for good has one attempt, and a person's retry once it takes it."""
        vendor, title = self.servicenow, "Refused at first"
        vendor.fault(fault="refuse_with", status=400, path_contains=self.records(incident)[vendor.INTEGRATION])
        self.edit(incident, title)
        entry = self.dead(vendor, incident)
        check((entry["attempts"], entry["reason"]) == (1, "refused"), f"{entry}")
        passed("dead:     what the vendor refuses for good is there after one attempt")
        vendor.mend()
        begin = time.monotonic()
        self.im("dlq-retry", vendor.INTEGRATION, entry["id"])
        self.timed("`im integration dlq-retry` -> ServiceNow", begin, lambda: self.holds(vendor, incident, title))
        wait_for("the retried entry is resolved", lambda: self.is_resolved(vendor, entry))
        passed("dead:     a retry by hand brings the change and resolves the entry")

    def crashes(self, by_queue, by_stream):
        """outbound does not survive its jobs: a message of its queue, and a record of its stream."""
        vendor, titles = self.servicenow, {by_queue: "From the retry queue", by_stream: "From the stream"}
        record = self.records(by_queue)[vendor.INTEGRATION]
        vendor.fault(fault="refuse_with", status=503, path_contains=record, remaining=1)
        self.edit(by_queue, titles[by_queue])
        wait_for("the first attempt fails", lambda: self.stack.messages("OutboundRetryQueueUrl"), pause=0.01)
        with (
            broken("outbound"),
            impatient_stream("outbound"),
            short_visibility(self.stack, "OutboundRetryQueueUrl"),
            any_stream("DeadLetterRole"),
        ):
            self.edit(by_stream, titles[by_stream])
            dead = [(vendor, self.dead(vendor, by_queue), 2)]
            # What a record owes is owed to every vendor.
            dead += [(vendor, self.dead(vendor, by_stream), 1) for vendor in self.vendors]
        for vendor, entry, attempts in dead:
            check((entry["attempts"], entry["reason"]) == (attempts, "crashed"), f"{entry}")
        passed("dead:     a message redriven after five crashes, and a record given up by its stream, are there")
        for vendor in self.vendors:
            self.im("dlq-retry", vendor.INTEGRATION, "--all", "--reason", "crashed")
        wait_for(
            "the crashed jobs are done",
            lambda: all(self.is_resolved(vendor, entry) for vendor, entry, _ in dead),
        )
        for incident, title in titles.items():
            check(all(self.holds(vendor, incident, title) for vendor in self.vendors), f"{title}: not synced")
        passed("dead:     once the function is mended, `dlq-retry --all` does them")

    def nothing_left(self):
        check(self.stack.messages("DeadLetterQueueUrl") == 0, "dead letters are left in their queue")
        left = [entry for vendor in self.vendors for entry in self.entries(vendor)]
        check(not left, f"entries are left: {left}")
        passed("dead:     nothing is left dead, in a queue or owed")
