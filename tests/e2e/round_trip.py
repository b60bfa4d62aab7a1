"""The round trip through the deployed stack; started by `run`, which sets the environment.

    round_trip.py                        plays it and checks it
    round_trip.py webhook-url <vendor>   prints where the vendor has to send its webhooks
    round_trip.py how-to                 prints how to talk to the deployed API by hand
"""

import os
import sys
import time

from access import check_access
from alarms import check_alarms
from drift import Drift
from encryption import check_encryption, check_integrations
from failures import Failures
from four_systems import FourSystems, configure, secrets
from stack import LIMIT, Api, Failed, Stack, check, passed, request, wait_for
from vendors import Jira, PagerDuty, ServiceNow, settle

PING = (
    b'{"event":{"id":"01FKZOXA868SHYEE4DVNWB5P9W","event_type":"pagey.ping","resource_type":"pagey",'
    b'"occurred_at":"2025-04-07T03:00:55.532Z","agent":{"id":"PVE0ZR9","type":"user_reference"},"client":null,'
    b'"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}'
)
PING_SIGNATURE = "v1=0e83584cbab86f98c51517cf96a70c90e910532d3d2f067d58c753cc8980a05b"


# ---------------------------------------------------------------------------------------------- the round trip


def play(stack, api, timed):
    sandbox = PagerDuty()
    webhook = stack.webhook_url(sandbox)

    check_encryption(stack)

    # Who may: nobody without a token.
    api.call("GET", "/health").expect(200, "health")
    for what, token in (("no token", None), ("a token of our own making", "e30.e30.c2ln")):
        api.call("GET", "/incidents", token=token).expect(401, what)
    check(
        api.call("GET", "/incidents", token=stack.token(exp=int(time.time()) - 3600)).status == 401,
        "an expired token was accepted",
    )
    passed("the API refuses callers without a valid token (401)")

    # An integration that does not exist answers like a bad signature; nobody remembers that once it exists.
    request("POST", webhook, PING, {"X-PagerDuty-Signature": PING_SIGNATURE}).expect(401, "unknown integration")

    configure(api, sandbox)

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
    external_id = sandbox.person_creates({"title": title, "urgency": "high"})["incident"]["id"]

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
    settle(stack, sandbox)
    event_types = [w["event_type"] for w in sandbox.seen("webhooks")]
    check(len(event_types) >= 3, f"the writes should have sent webhooks: {event_types}")
    writes = [(r["method"], r["path"], r["status"]) for r in sandbox.writes()]
    expected = [("PUT", f"/incidents/{external_id}"), ("POST", "/incidents")]
    check([write[:2] for write in writes] == expected, f"expected the writes {expected}, got {writes}")
    check(stack.dead() == [], "there are dead letters")
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

    check_access(stack, api, sandbox.INTEGRATION, incident_id, other["id"])
    settle(stack, sandbox)

    # The other vendors join in.
    servicenow, jira = ServiceNow(), Jira()
    FourSystems(stack, api, timed, sandbox, servicenow, jira).play()
    check_integrations(stack, 3)

    # Failures take their way through the deployed queues. A vendor that is down for a moment:
    sandbox.fault(fault="refuse_with", status=503, method="GET", path_contains=external_id, remaining=1)
    sandbox.person_edits(external_id, {"status": "resolved"})

    def resolved():
        return api.call("GET", f"/incidents/{incident_id}").expect(200, "get")["status"] == "resolved"

    _, took = wait_for("the retry brings the change", resolved)
    refused = [r for r in sandbox.seen("requests") if r["status"] == 503]
    check(len(refused) == 1, f"the fault should have struck once: {refused}")
    passed(f"retry:    a 503 is tried again from the retry queue, {took:.2f} s")

    # And longer, or for good:
    Failures(stack, api, timed, sandbox, servicenow, jira).play()

    # And what nobody announces:
    Drift(stack, api, sandbox, servicenow, jira).play()

    logged = stack.logged()
    check(logged, "the functions logged nothing")
    kept = [secret for vendor in (sandbox, servicenow, jira) for secret in secrets(vendor)]
    for secret in (api.token, *kept):
        check(not any(secret in line for line in logged), "a credential is in the logs")
    passed(f"no credential in {len(logged)} lines of debug logs")
    check_alarms(stack)


def main():
    stack = Stack()
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "webhook-url":
        vendor = next(vendor for vendor in (PagerDuty, ServiceNow, Jira) if vendor.TYPE == sys.argv[2])
        print(stack.by_path(stack.webhook_url(vendor)))
        return 0
    if mode == "how-to":
        print(f"export IM_ENDPOINT='{stack.by_path(stack.outputs['ApiUrl'])}'")
        print(f"export IM_TOKEN='{stack.token()}'")
        print('curl -H "Authorization: Bearer $IM_TOKEN" "$IM_ENDPOINT/api/v1/incidents"')
        return 0
    times = []

    def timed(what, begin, probe):
        result, took = wait_for(what, probe, begin)
        print(f"  {'ok   ' if took <= LIMIT else 'SLOW '} {what}: {took:.2f} s", flush=True)
        times.append((what, took))
        return result

    try:
        play(stack, Api(stack), timed)
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
