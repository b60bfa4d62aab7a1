"""That what the alarms and the dashboard look at is really there: each metric of ours that an alarm of the template names was emitted
by a function of the run, under that name and with those dimensions."""

import json

from stack import STACK, check, client, passed, wait_for

NAMESPACE = "im"
EACH_MINUTE = {"circuit_open", "oldest_conflict_seconds", "reconcile_overdue_seconds"}


def check_alarms(stack):
    """At the end of a run, when every kind of work was done."""
    wanted = wanted_metrics()
    check(len(wanted) >= 8, f"the template's alarms name few metrics of ours: {wanted}")
    # ministack keeps no log of what its schedule invokes: what each minute tells is not to be seen here.
    wanted = {(name, dimensions) for name, dimensions in wanted if name not in EACH_MINUTE}
    check(len(wanted) >= 5, f"few metrics are left: {sorted(wanted)}")
    names = sorted(name for name, _ in wanted)
    wait_for(f"the metrics {names}", lambda: wanted <= emitted(stack), patience=30, pause=2)
    passed(f"{len(wanted)} metrics that alarms look at were emitted, by name and dimensions")

    deployed = {a["AlarmName"]: a for page in pages("describe_alarms") for a in page["MetricAlarms"]}
    ours = {name: alarm for name, alarm in deployed.items() if name.startswith(f"{STACK}-")}
    check(len(ours) >= 11, f"expected at least 11 alarms, got {sorted(ours)}")
    for name, alarm in ours.items():
        if alarm["Namespace"] == NAMESPACE:
            dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
            check(dimensions == {"stack": STACK}, f"{name} looks at {dimensions}")

    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=STACK)["DashboardBody"])
    shown = json.dumps(body)
    missing = {name for name, _ in wanted if f'MetricName=\\"{name}\\"' not in shown}
    check(not missing, f"the dashboard does not show {missing}")
    check("${" not in shown, "something in the dashboard was not filled in")
    passed(f"{len(ours)} alarms are deployed, and a dashboard of {len(body['widgets'])} widgets")


def pages(operation):
    return client("cloudwatch").get_paginator(operation).paginate()


def wanted_metrics():
    """Names and dimensions' names of our metrics in the alarms of the template as it was processed, those included that
    this stage leaves out: ministack knows no metric math."""
    template = client("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    if isinstance(template, str):
        template = json.loads(template)
    found = set()
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::CloudWatch::Alarm":
            continue
        alarm = resource["Properties"]
        parts = [part.get("MetricStat", {}).get("Metric") for part in alarm.get("Metrics", [])]
        for metric in [alarm] if "MetricName" in alarm else filter(None, parts):
            if metric["Namespace"] == NAMESPACE:
                found.add((metric["MetricName"], frozenset(d["Name"] for d in metric["Dimensions"])))
    return found


def emitted(stack):
    """Names and dimensions' names of all metrics in the functions' logs, as CloudWatch would take them: a metric counts only
    if its value and its dimensions' values are in the line, and `stack` is this one."""
    found = set()
    for line in stack.logged():
        if '"_aws"' not in line:
            continue
        record = json.loads(line)
        for directive in record["_aws"]["CloudWatchMetrics"]:
            if directive["Namespace"] != NAMESPACE:
                continue
            check(record.get("stack") == STACK, f"a metric of another stack: {line}")
            check(isinstance(record["_aws"]["Timestamp"], int), f"CloudWatch wants milliseconds: {line}")
            for metric in directive["Metrics"]:
                values = record.get(metric["Name"])
                values = values if isinstance(values, list) else [values]
                numbers = all(isinstance(value, (int, float)) for value in values) and len(values) <= 100
                check(numbers, f"{metric['Name']} has no value that CloudWatch takes: {line}")
                for dimensions in directive["Dimensions"]:
                    check(all(isinstance(record.get(name), str) for name in dimensions), f"dimensions without a value: {line}")
                    found.add((metric["Name"], frozenset(dimensions)))
    return found
