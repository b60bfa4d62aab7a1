"""Waits for the demo's round trip, and prints a configuration that asks about what it has left."""

import json
import pathlib
import sys
import time
import urllib.request

BASE = sys.argv[1]
PATIENCE = 60


def items(path):
    with urllib.request.urlopen(BASE + path, timeout=5) as answer:
        return json.load(answer)["items"]


def ready():
    try:
        # The round trip ends with the incident closed in all four systems.
        return [i for i in items("/incidents") if i["status"] == "closed"] and items("/deliveries?integration_id=demo-pd")
    except OSError:
        return []


until = time.monotonic() + PATIENCE
while not ready():
    if time.monotonic() > until:
        sys.exit(f"the demo's round trip was not over within {PATIENCE} s")
    time.sleep(0.2)

incident = items("/incidents")[0]["id"]
delivery = items("/deliveries?integration_id=demo-pd")[0]["delivery_id"]
known = (
    ("^/incidents/", {"path.id": incident, "path.field": "title"}),
    ("^/integrations/", {"path.id": "demo-jira", "path.field": "title"}),
    ("^/deliveries/\\{id\\}/\\{delivery\\}/", {"path.id": "demo-pd", "path.delivery": delivery}),
)
print(pathlib.Path(__file__).with_name("schemathesis.toml").read_text())
for paths, parameters in known:
    # Who deletes the integration that all the others are asked about ends the conversation.
    print(f"[[operations]]\ninclude-path-regex = {json.dumps(paths)}\nexclude-name = [\"DELETE /integrations/{{id}}\"]")
    values = ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in parameters.items())
    print(f"parameters = {{ {values} }}\n")
