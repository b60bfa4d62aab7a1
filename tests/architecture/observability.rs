//! What the alarms and the dashboard look at is what the guide of metrics lists, and each alarm is in the runbook.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    read,
    template::{TEMPLATE, resource, template_functions},
};

/// A metric by its name and the names of its dimensions.
type Metric = (String, BTreeSet<String>);

fn set(names: &str) -> BTreeSet<String> {
    let names = names.split(',').map(|name| name.trim().replace('`', ""));
    names.collect()
}

/// The metrics of `infra/LOGS.md`, once for each set of dimensions.
fn listed() -> BTreeSet<Metric> {
    let guide = read("infra/LOGS.md");
    let (_, metrics) = guide.split_once("\n## Metrics\n").expect("a chapter");
    let (metrics, _) = metrics.split_once("\n## ").expect("a further chapter");
    let mut found = BTreeSet::new();
    for row in metrics.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let name = cells[1].replace('`', "");
        for dimensions in cells[3].split(';') {
            found.insert((name.clone(), set(dimensions)));
        }
    }
    assert!(found.len() > 30, "the table has moved: {found:?}");
    found
}

/// The alarms of the template: logical name and properties.
fn alarms() -> BTreeMap<&'static str, &'static Value> {
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    let alarms = resources
        .iter()
        .filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm");
    alarms
        .map(|(name, it)| (name.as_str(), &it["Properties"]))
        .collect()
}

/// An alarm's name without the stack's.
fn name(alarm: &Value) -> &str {
    let name = alarm["AlarmName"]["!Sub"].as_str().expect("a name");
    name.strip_prefix("${AWS::StackName}-")
        .expect("the stack's alarm")
}

/// What an alarm looks at: one metric, or those of a formula.
fn looked_at(alarm: &Value) -> Vec<&Value> {
    if alarm["MetricName"].is_string() {
        return vec![alarm];
    }
    let parts = alarm["Metrics"].as_array().expect("metrics").iter();
    let metrics = parts.map(|part| &part["MetricStat"]["Metric"]);
    metrics.filter(|metric| !metric.is_null()).collect()
}

#[test]
fn alarms_look_at_metrics_that_are_listed() {
    let listed = listed();
    let mut ours = 0;
    for (logical, alarm) in alarms() {
        let metrics = looked_at(alarm);
        assert!(!metrics.is_empty(), "{logical}");
        for metric in metrics.into_iter().filter(|it| it["Namespace"] == "im") {
            let dimensions = metric["Dimensions"].as_array().expect("dimensions");
            let names = dimensions.iter().map(|it| &it["Name"]);
            let names = names.map(|it| it.as_str().expect("a name").to_owned());
            let metric = metric["MetricName"].as_str().expect("a name");
            let looked_at: Metric = (metric.to_owned(), names.collect());
            assert!(listed.contains(&looked_at), "{logical}: {looked_at:?}");
            ours += 1;
        }
    }
    assert!(ours >= 8, "{ours}");
}

/// Whoever is woken up finds out what to do.
#[test]
fn each_alarm_is_in_the_runbook() {
    let runbook = read("infra/RUNBOOK.md");
    let (_, chapter) = runbook.split_once("\n## Alarms\n").expect("a chapter");
    let (chapter, _) = chapter.split_once("\n## ").expect("a further chapter");
    let headings = chapter.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: BTreeSet<_> = headings.collect();
    let alarms = alarms();
    let names: BTreeSet<_> = alarms.values().map(|alarm| name(alarm)).collect();
    assert_eq!(headings, names);
    let tell = json!({"!If": ["TellTopic", [{"!Ref": "AlarmTopicArn"}], {"!Ref": "AWS::NoValue"}]});
    for (logical, alarm) in alarms {
        let description = alarm["AlarmDescription"].as_str().expect("a description");
        let section = format!("Then infra/RUNBOOK.md, {}.", name(alarm));
        assert!(description.contains(" First: "), "{logical}: {description}");
        assert!(description.ends_with(&section), "{logical}: {description}");
        for action in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[action], tell, "{logical}");
        }
    }
}

/// The expressions of the dashboard that search for metrics of ours.
fn searched(dashboard: &Value) -> BTreeSet<Metric> {
    let widgets = dashboard["widgets"].as_array().expect("widgets").iter();
    let rows = widgets.flat_map(|it| it["properties"]["metrics"].as_array().into_iter().flatten());
    let expressions = rows.filter_map(|row| row[0]["expression"].as_str());
    expressions
        .map(|expression| {
            let of = expression.strip_prefix("SEARCH('{im,").expect("a search");
            let (dimensions, rest) = of.split_once("} MetricName=\"").expect("a name");
            let (name, rest) = rest.split_once('"').expect("an end");
            assert!(
                rest.starts_with(" stack=\"${AWS::StackName}\"'"),
                "{expression}"
            );
            (name.to_owned(), set(dimensions))
        })
        .collect()
}

fn dashboard() -> Value {
    let body = resource("Dashboard")["DashboardBody"]["!Sub"].as_str();
    serde_json::from_str(body.expect("a text")).expect("JSON")
}

#[test]
fn the_dashboard_shows_every_metric_by_integration() {
    let mut listed = listed();
    listed.retain(|(_, dimensions)| dimensions.contains("integration"));
    assert_eq!(searched(&dashboard()), listed);
}

#[test]
fn the_dashboard_shows_every_alarm() {
    let dashboard = dashboard();
    let widgets = dashboard["widgets"].as_array().expect("widgets");
    let widget = widgets.iter().find(|widget| widget["type"] == "alarm");
    let shown = &widget.expect("a widget")["properties"]["alarms"];
    let shown = shown.as_array().expect("alarms");
    let by_reference = |logical: &str| json!(format!("${{{logical}.Arn}}"));
    let in_words = |alarm: &Value| {
        let arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:";
        json!(format!("{arn}${{AWS::StackName}}-{}", name(alarm)))
    };
    let alarms = alarms();
    assert_eq!(shown.len(), alarms.len());
    for (logical, alarm) in alarms {
        // What a condition may leave out cannot be referred to.
        let optional = TEMPLATE["Resources"][logical]["Condition"].is_string();
        let expected = if optional {
            in_words(alarm)
        } else {
            by_reference(logical)
        };
        assert!(shown.contains(&expected), "{expected}");
    }
}

/// A function whose version does not follow its settings would go on with the old ones; one that shifts otherwise than the rest
/// could stay behind.
#[test]
fn every_function_is_published_and_shifted_alike() {
    let globals = &TEMPLATE["Globals"]["Function"];
    assert_eq!(globals["AutoPublishAlias"], "live");
    let stage = |what: &str| json!({"!FindInMap": ["Stages", {"!Ref": "Stage"}, what]});
    let no_alarm = json!([{"!Ref": "AWS::NoValue"}]);
    let alarm = json!([{"!Ref": "FunctionErrorsAlarm"}]);
    let shift = json!({
        "Enabled": stage("ShiftTraffic"),
        "Type": stage("Shift"),
        "Alarms": {"!If": ["HasMetricMath", alarm, no_alarm]},
    });
    for (folder, (_, function)) in template_functions() {
        assert_eq!(function["AutoPublishAliasAllProperties"], true, "{folder}");
        assert_eq!(function["DeploymentPreference"], shift, "{folder}");
        let variables = &function["Environment"]["Variables"];
        for name in [
            "IM_LOG",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ] {
            assert!(!variables[name].is_null(), "{folder} lacks {name}");
        }
    }
    // What is parameter-dependent has to stand with each function: Globals are not looked at for what has changed.
    let of_all = globals["Environment"]["Variables"].as_object();
    let of_all: Vec<_> = of_all.expect("variables").keys().collect();
    assert_eq!(of_all, ["METRICS_STACK"]);
}

/// Data that is kept, traffic that is shifted: prod and staging, and no other stage.
#[test]
fn stages_shift_traffic_as_far_as_they_matter() {
    let stages = &TEMPLATE["Mappings"]["Stages"];
    let of = |stage: &str| {
        (
            stages[stage]["ShiftTraffic"].clone(),
            stages[stage]["Shift"].clone(),
        )
    };
    assert_eq!(
        of("prod"),
        (json!("true"), json!("Canary10Percent5Minutes"))
    );
    assert_eq!(of("staging"), (json!("true"), json!("AllAtOnce")));
    for stage in ["dev", "test"] {
        assert_eq!(of(stage).0, "false", "{stage}");
    }
    let stages = stages.as_object().expect("stages").keys();
    let allowed = TEMPLATE["Parameters"]["Stage"]["AllowedValues"].as_array();
    let allowed = allowed.expect("values").iter().filter_map(Value::as_str);
    let allowed: BTreeSet<_> = allowed.collect();
    assert_eq!(stages.map(String::as_str).collect::<BTreeSet<_>>(), allowed);
    let hours = TEMPLATE["Mappings"]["Hours"].as_object().expect("hours");
    for (hours, seconds) in hours {
        let hours: i64 = hours.parse().expect("a number");
        assert_eq!(seconds["Seconds"], hours * 3600);
    }
}
