"""What becomes of failures: five attempts, dead letters, crashes, a retry by hand, and the vendor's recovery."""

import json
import os
import subprocess
import time
from datetime import datetime

from breakage import broken, impatient_stream, short_visibility
from stack import PATIENCE, EventBus, check, passed, wait_for
from vendors import settle

ATTEMPTS = 5
DELAY = 2.0  # seconds between attempts: RetryDelaysSeconds of this deployment
TICK = 60.0  # seconds between minute ticks


class Failures:
    """Plays on PagerDuty's integration; `vendor` is its sandbox."""

    def __init__(self, stack, api, timed, vendor):
        self.stack, self.api, self.timed, self.vendor = stack, api, timed, vendor
        self.integration = vendor.INTEGRATION
        self.bus = EventBus(stack)

    def play(self):
        outage = self.outage()
        self.recovery(outage)
        self.refusal()
        self.crashes()
        self.nothing_left()

    # ------------------------------------------------------------------------------------------ who sees what

    def entries(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        path = f"/integrations/{self.integration}/dlq"
        return self.api.call("GET", f"{path}?{query}" if query else path).expect(200, "list dead letters")["items"]

    def entry(self, entry_id):
        return self.api.call("GET", f"/integrations/{self.integration}/dlq/{entry_id}").expect(200, "show a dead letter")

    def dead(self, incident_id, attempts=1):
        """The incident's open entry with this many attempts, once there is one."""

        def probe():
            found = self.entries(status="open", incident=incident_id)
            check(len(found) <= 1, f"more than one entry of a link: {found}")
            return next((entry for entry in found if entry["attempts"] >= attempts), None)

        found, _ = wait_for(f"a dead letter of {incident_id}", probe)
        return self.entry(found["id"])

    def im(self, *arguments):
        """The CLI against the deployed API."""
        environment = {**os.environ, "IM_ENDPOINT": self.stack.by_path(self.stack.outputs["ApiUrl"]), "IM_TOKEN": self.api.token}
        command = [os.environ["E2E_IM"], "integration", *arguments, "--format", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        check(done.returncode == 0, f"im integration {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def retry_by_hand(self, entry):
        self.im("dlq-retry", self.integration, entry["id"])

    def resolved(self, *entries):
        return all(self.entry(entry["id"])["status"] == "resolved" for entry in entries)

    # ------------------------------------------------------------------------------------------ the story

    def linked(self, title):
        """A new incident and its record."""
        body = {"title": title, "severity": "SEV-2"}
        incident = self.api.call("POST", "/incidents", body).expect(201, f"create {title}")["id"]

        def record():
            links = self.api.call("GET", f"/incidents/{incident}/links").expect(200, "links")["items"]
            return next((li.get("external_id") for li in links if li["integration_id"] == self.integration), None)

        return incident, wait_for(f"the record of {title}", record)[0]

    def edit(self, incident, title):
        self.api.call("PATCH", f"/incidents/{incident}", {"title": title}).expect(200, f"edit: {title}")

    def holds(self, record, title):
        return self.vendor.records()[record][0] == title

    def outage(self):
        """The vendor is away: five attempts at their times, then a dead letter with each attempt's error."""
        linked = [self.linked(f"Outage {number}") for number in (1, 2, 3)]
        self.vendor.fault(fault="refuse_with", status=503)
        away = datetime.now().astimezone()
        for incident, _ in linked:
            self.edit(incident, f"Edited while it is away: {incident}")
        dead = [(incident, record, self.dead(incident, ATTEMPTS)) for incident, record in linked]
        for incident, record, entry in dead:
            failures = entry["failures"][:ATTEMPTS]
            times = [datetime.fromisoformat(failure["at"]) for failure in failures]
            waits = [(later - earlier).total_seconds() for earlier, later in zip(times, times[1:])]
            check(len(waits) == ATTEMPTS - 1 and min(waits) >= DELAY, f"attempts of {incident} at {times}")
            check(times[0] >= away, f"{incident}: an attempt before the outage")
            check(all(failure["error"] for failure in failures), f"an attempt without its error: {failures}")
            check(entry["reason"] == "unavailable", f"{entry}")
            asked = [r for r in self.vendor.seen("requests") if r["status"] == 503 and record in r["path"]]
            check(asked, f"the vendor was never asked for {record}")
        passed(f"dead:     {ATTEMPTS} attempts {', '.join(f'{wait:.1f}' for wait in waits)} s apart, each with its error")

        listed = self.im("dlq", self.integration)["items"]
        ids = {entry["id"] for _, _, entry in dead}
        check(ids <= {entry["id"] for entry in listed}, f"im integration dlq lists {listed}")
        shown = self.im("dlq-show", self.integration, dead[0][2]["id"])
        check(len(shown["failures"]) >= ATTEMPTS, f"im integration dlq-show says {shown}")
        passed("dead:     `im integration dlq` lists them, `dlq-show` tells the attempts")

        for entry_id in ids:
            event = self.bus.event(entry_id)
            check(event["detail"]["integration_id"] == self.integration, f"{event}")
            check(event["detail"]["attempts"] >= ATTEMPTS and "Edited" not in json.dumps(event), f"{event}")
        passed("dead:     the event bus was told of each, without a value")
        return dead

    def recovery(self, dead):
        """The vendor is back: one entry is retried by hand, the minute tick finds out and retries the others."""
        self.vendor.mend()
        begin = time.monotonic()
        (incident, record, entry), *others = dead
        self.retry_by_hand(entry)
        title = f"Edited while it is away: {incident}"
        self.timed("`im integration dlq-retry` -> PagerDuty", begin, lambda: self.holds(record, title))
        wait_for("the retried entry is resolved", lambda: self.resolved(entry))
        passed("dead:     a retry by hand brings the change and resolves its entry")

        _, took = wait_for(
            "the minute tick brings back what an outage left",
            lambda: self.resolved(*(entry for _, _, entry in others)),
            begin,
            patience=2 * TICK + PATIENCE,
            pause=0.5,
        )
        for incident, record, _ in others:
            check(self.holds(record, f"Edited while it is away: {incident}"), f"{record} was not synced")
        passed(f"dead:     the others came back by themselves, {took:.0f} s after the vendor")

    def refusal(self):
        """What the vendor refuses for good has one attempt."""
        incident, record = self.linked("Refused")
        self.vendor.fault(fault="refuse_with", status=400, method="PUT")
        self.edit(incident, "Refused for good")
        entry = self.dead(incident)
        check(entry["attempts"] == 1 and entry["reason"] == "refused", f"{entry}")
        refused = [r for r in self.vendor.writes() if r["status"] == 400 and record in r["path"]]
        check(len(refused) == 1, f"what is refused was sent {len(refused)} times")
        passed("dead:     what the vendor refuses for good is there after one attempt")
        self.vendor.mend()
        self.edit(incident, "A newer title")
        wait_for("a newer change resolves the entry", lambda: self.resolved(entry))
        check(self.holds(record, "A newer title"), f"{record} was not synced")
        passed("dead:     a newer change is synced and resolves it")

    def crashes(self):
        """A function that does not survive its jobs: a queue's message and a stream's record."""
        (queued, queued_record), (streamed, streamed_record) = self.linked("Crash 1"), self.linked("Crash 2")
        settle(self.stack, self.vendor)
        self.vendor.fault(fault="refuse_with", status=503, path_contains=queued_record, remaining=1)
        self.edit(queued, "From the retry queue")
        wait_for("the first attempt fails", lambda: self.stack.messages("OutboundRetryQueueUrl"))
        with broken("outbound"), impatient_stream("outbound"), short_visibility(self.stack, "OutboundRetryQueueUrl"):
            self.edit(streamed, "From the stream")
            by_queue, by_stream = self.dead(queued), self.dead(streamed)
        for entry, attempts in ((by_queue, 2), (by_stream, 1)):
            check(entry["reason"] == "crashed" and entry["attempts"] == attempts, f"{entry}")
        passed("dead:     a message redriven after five crashes, and a record given up by its stream, are there")
        for entry in (by_queue, by_stream):
            self.retry_by_hand(entry)
        wait_for("the crashed jobs are done", lambda: self.resolved(by_queue, by_stream))
        check(self.holds(queued_record, "From the retry queue"), f"{queued_record} was not synced")
        check(self.holds(streamed_record, "From the stream"), f"{streamed_record} was not synced")
        passed("dead:     once the function is mended, a retry does both")

    def nothing_left(self):
        settle(self.stack, self.vendor)
        check(self.stack.messages("DeadLetterQueueUrl") == 0, "dead letters are left in their queue")
        unsettled = [e for e in self.entries() if e["status"] in ("open", "retrying")]
        check(not unsettled, f"entries are left: {unsettled}")
        passed("dead:     nothing is left dead, in a queue or owed")
