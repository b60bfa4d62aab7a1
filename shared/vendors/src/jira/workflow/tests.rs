use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    answer::{transitions, workflows},
    fields::{RequiredField, fields_for},
    planner::{Goal, Planner, Step},
    *,
};

fn category(word: &str) -> Option<Category> {
    match word {
        "To Do" | "Reopened" => Some(Category::ToDo),
        "In Progress" | "In Review" | "Waiting" => Some(Category::InProgress),
        "Done" | "Resolved" | "Closed" => Some(Category::Done),
        _ => None,
    }
}

fn status(name: &str) -> Status {
    Status {
        id: StatusId(format!("id of {name}")),
        name: name.to_owned(),
        category: category(name),
    }
}

fn field(key: &str, kind: &str) -> RequiredField {
    RequiredField {
        key: key.to_owned(),
        name: key.to_uppercase(),
        has_default: false,
        kind: kind.to_owned(),
        is_document: false,
        items: None,
        allowed_values: Vec::new(),
    }
}

/// `demands` fields have to be filled in.
fn transition(id: &str, to: &str, demands: usize) -> Transition {
    let key = |number| field(&format!("customfield_{number}"), "string");
    Transition {
        id: TransitionId(id.to_owned()),
        name: format!("go to {to}"),
        to: status(to),
        required_fields: (0..demands).map(key).collect(),
    }
}

fn edge(from: &str, id: &str, to: &str, demands: usize) -> Edge {
    Edge {
        from: status(from).id,
        transition: transition(id, to, demands),
    }
}

fn goal(names: &[&str], category: Option<Category>) -> Goal {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Goal { names, category }
}

/// The ids it takes until it says something else, each hop landing where it should.
fn run(mut planner: Planner, from: &str) -> (Vec<String>, Step) {
    let mut current = status(from);
    let mut taken = Vec::new();
    loop {
        match planner.next(&current) {
            Step::Take(transition) => {
                taken.push(transition.id.0);
                current = transition.to;
            }
            step => return (taken, step),
        }
    }
}

fn whole(edges: &[Edge], goal: Goal) -> Planner {
    Planner::new(goal).knowing_all(edges.iter().cloned())
}

#[test]
fn a_goal_that_is_reached_needs_nothing() {
    for names in [&["Done"][..], &["done "], &["Resolved", "DONE"]] {
        let planner = whole(&[], goal(names, None));
        assert_eq!(run(planner, "Done"), (vec![], Step::AlreadyThere));
    }
    let planner = Planner::new(goal(&["Closed"], Some(Category::Done)));
    assert_eq!(run(planner, "Resolved"), (vec![], Step::AlreadyThere));
}

#[test]
fn the_shortest_path_is_taken() {
    let edges = [
        edge("To Do", "1", "In Progress", 0),
        edge("In Progress", "2", "In Review", 0),
        edge("In Review", "3", "Done", 0),
        edge("In Progress", "4", "Done", 3),
        edge("Done", "5", "To Do", 0),
    ];
    let planner = whole(&edges, goal(&["Done"], None));
    let path = vec!["1".to_owned(), "4".to_owned()];
    assert_eq!(run(planner, "To Do"), (path, Step::AlreadyThere));
}

#[test]
fn ties_go_to_the_better_name_then_the_fewer_fields_then_the_lower_id() {
    let first = |edges: &[Edge], names: &[&str]| run(whole(edges, goal(names, None)), "To Do").0;
    let edges = [
        edge("To Do", "1", "Done", 0),
        edge("To Do", "2", "Resolved", 2),
    ];
    assert_eq!(first(&edges, &["Resolved", "Done"]), ["2"]);
    assert_eq!(first(&edges, &["Done", "Resolved"]), ["1"]);
    let edges = [
        edge("To Do", "1", "Done", 2),
        edge("To Do", "2", "Done", 1),
        edge("To Do", "3", "Done", 1),
    ];
    assert_eq!(first(&edges, &["Done"]), ["2"]);
    let edges = [
        edge("To Do", "100", "Done", 0),
        edge("To Do", "21", "Done", 0),
    ];
    assert_eq!(first(&edges, &["Done"]), ["21"]);
    // Fields count over the whole path, not only at its first step.
    let edges = [
        edge("To Do", "1", "In Review", 0),
        edge("In Review", "2", "Done", 3),
        edge("To Do", "3", "In Progress", 1),
        edge("In Progress", "4", "Done", 1),
    ];
    assert_eq!(first(&edges, &["Done"]), ["3", "4"]);
}

#[test]
fn a_field_with_a_default_demands_nothing() {
    let mut easy = edge("To Do", "2", "Done", 2);
    for field in &mut easy.transition.required_fields {
        field.has_default = true;
    }
    let edges = [edge("To Do", "1", "Done", 1), easy];
    assert_eq!(run(whole(&edges, goal(&["Done"], None)), "To Do").0, ["2"]);
}

#[test]
fn a_category_counts_where_no_name_can_be_reached() {
    let edges = [
        edge("To Do", "1", "In Progress", 0),
        edge("In Progress", "2", "Resolved", 0),
        edge("In Progress", "3", "Closed", 0),
        edge("Done", "4", "To Do", 0),
    ];
    let path = run(
        whole(&edges, goal(&["Done"], Some(Category::Done))),
        "To Do",
    );
    assert_eq!(
        path,
        (vec!["1".to_owned(), "2".to_owned()], Step::AlreadyThere)
    );
    let path = run(
        whole(&edges, goal(&["Closed"], Some(Category::Done))),
        "To Do",
    );
    assert_eq!(path.0, ["1", "3"]);
    // A better status of the same category is gone to, if it can be.
    let edges = [edge("Resolved", "5", "Closed", 0)];
    let path = run(
        whole(&edges, goal(&["Closed"], Some(Category::Done))),
        "Resolved",
    );
    assert_eq!(path.0, ["5"]);
}

#[test]
fn a_goal_out_of_reach_is_explained() {
    let edges = [
        edge("To Do", "1", "In Progress", 0),
        edge("To Do", "2", "Waiting", 0),
    ];
    let (taken, step) = run(
        whole(&edges, goal(&["Resolved"], Some(Category::Done))),
        "To Do",
    );
    let why = "nothing known leads from \"To Do\" to \"Resolved\" or a status of the category Done: the transitions \
               available are \"go to In Progress\" to \"In Progress\", \"go to Waiting\" to \"Waiting\"";
    assert_eq!(taken, [""; 0]);
    assert_eq!(
        step,
        Step::NoPath {
            why: why.to_owned()
        }
    );
    let (_, step) = run(Planner::new(goal(&["Done"], None)), "To Do");
    let why = "nothing known leads from \"To Do\" to \"Done\": no transition is available";
    assert_eq!(
        step,
        Step::NoPath {
            why: why.to_owned()
        }
    );
}

#[test]
fn a_path_that_is_too_long_is_not_begun() {
    let edges = [
        edge("To Do", "1", "In Progress", 0),
        edge("In Progress", "2", "In Review", 0),
        edge("In Review", "3", "Done", 0),
    ];
    let planner = || whole(&edges, goal(&["Done"], None));
    assert_eq!(run(planner().at_most(3), "To Do").1, Step::AlreadyThere);
    let (taken, step) = run(planner().at_most(2), "To Do");
    let why = "more than 2 transitions would be needed to \"Done\"; 0 were taken, and the issue is in \"To Do\"";
    assert_eq!(taken, [""; 0]);
    assert_eq!(
        step,
        Step::TooManyHops {
            why: why.to_owned()
        }
    );
}

#[test]
fn what_is_available_now_replaces_what_the_workflow_says() {
    let edges = [
        edge("To Do", "1", "Done", 0),
        edge("To Do", "2", "In Progress", 0),
        edge("In Progress", "3", "Done", 0),
    ];
    let mut planner = whole(&edges, goal(&["Done"], None));
    planner.learn(&status("To Do").id, vec![transition("2", "In Progress", 0)]);
    assert_eq!(run(planner, "To Do").0, ["2", "3"]);
}

/// Explores: at each status only its own transitions become known.
fn explore(mut planner: Planner, edges: &[Edge], from: &str) -> (Vec<String>, Step) {
    let mut current = status(from);
    let mut taken = Vec::new();
    loop {
        let open = edges.iter().filter(|edge| edge.from == current.id);
        planner.learn(
            &current.id,
            open.map(|edge| edge.transition.clone()).collect(),
        );
        match planner.next(&current) {
            Step::Take(transition) => {
                taken.push(transition.id.0);
                current = transition.to;
            }
            step => return (taken, step),
        }
    }
}

#[test]
fn exploring_stays_on_the_goals_side_of_done_and_goes_on_from_where_it_is() {
    let edges = [
        edge("To Do", "1", "Closed", 0),
        edge("To Do", "2", "Reopened", 0),
        edge("To Do", "3", "In Review", 2),
        edge("In Review", "4", "In Progress", 0),
    ];
    let to_progress = Planner::new(goal(&["In Progress"], Some(Category::InProgress)));
    // In Review is of the goal's category, and next to something better.
    let (taken, step) = explore(to_progress, &edges, "To Do");
    assert_eq!(
        (taken.len(), taken.last().map(String::as_str), step),
        (2, Some("4"), Step::AlreadyThere)
    );
    let to_progress = Planner::new(goal(&["Working"], Some(Category::InProgress)));
    assert_eq!(explore(to_progress, &edges, "To Do").0, ["3"]);
    let by_name = Planner::new(goal(&["In Progress"], None));
    let (taken, step) = explore(by_name, &edges, "To Do");
    let why = "nothing known leads from \"Reopened\" to \"In Progress\": no transition is available, \
               and the statuses passed before are not entered again";
    assert_eq!(
        step,
        Step::NoPath {
            why: why.to_owned()
        }
    );
    assert_eq!(taken, ["2"]);
    let edges = [
        edge("In Progress", "1", "To Do", 0),
        edge("In Progress", "2", "Waiting", 0),
        edge("Waiting", "3", "Resolved", 0),
        edge("Waiting", "4", "In Progress", 0),
    ];
    let done = || Planner::new(goal(&["Done", "Resolved"], Some(Category::Done)));
    let (taken, step) = explore(done(), &edges, "In Progress");
    assert_eq!(
        (taken, step),
        (vec!["2".to_owned(), "3".to_owned()], Step::AlreadyThere)
    );
    // With no other way, it does leave the side.
    let edges = [
        edge("Resolved", "1", "Closed", 0),
        edge("Closed", "2", "To Do", 0),
    ];
    let (taken, step) = explore(Planner::new(goal(&["To Do"], None)), &edges, "Resolved");
    assert_eq!((taken.len(), step), (2, Step::AlreadyThere));
}

#[test]
fn exploring_ends_after_the_hops_it_is_given() {
    let names: Vec<_> = (0..9).map(|number| format!("Step {number}")).collect();
    let edges: Vec<_> = names
        .windows(2)
        .map(|pair| edge(&pair[0], "1", &pair[1], 0))
        .collect();
    let (taken, step) = explore(Planner::new(goal(&["Step 8"], None)), &edges, "Step 0");
    assert_eq!(taken.len(), Planner::MOST_HOPS);
    let why = "more than 5 transitions would be needed to \"Step 8\"; 5 were taken, and the issue is in \"Step 5\"";
    assert_eq!(
        step,
        Step::TooManyHops {
            why: why.to_owned()
        }
    );
    // The last hop may be the one that arrives.
    let (_, step) = explore(Planner::new(goal(&["Step 5"], None)), &edges, "Step 0");
    assert_eq!(step, Step::AlreadyThere);
}

const STATUSES: usize = 8;

fn name(number: usize) -> String {
    // Some of each category, and one that Jira calls undefined.
    let names = [
        "To Do",
        "Reopened",
        "In Progress",
        "In Review",
        "Waiting",
        "Done",
        "Closed",
        "Odd",
    ];
    names[number].to_owned()
}

prop_compose! {
    fn graph()(edges in prop::collection::vec((0..STATUSES, 0..STATUSES, 0_usize..3), 0..24)) -> Vec<Edge> {
        let edges = edges.into_iter().enumerate();
        edges.map(|(id, (from, to, demands))| edge(&name(from), &id.to_string(), &name(to), demands)).collect()
    }
}

/// By the definition: so many hops from one status to another.
fn distance(edges: &[Edge], from: &str, to: &BTreeSet<String>) -> Option<usize> {
    let mut reached = BTreeSet::from([status(from).id]);
    for hops in 0..=STATUSES {
        if to.iter().any(|name| reached.contains(&status(name).id)) {
            return Some(hops);
        }
        let next = edges.iter().filter(|edge| reached.contains(&edge.from));
        let next: Vec<_> = next.map(|edge| edge.transition.to.id.clone()).collect();
        reached.extend(next);
    }
    None
}

proptest! {
    #[test]
    fn a_whole_graph_gives_a_shortest_path_if_there_is_one(
        edges in graph(), from in 0..STATUSES, to in prop::collection::btree_set(0..STATUSES, 1..3),
    ) {
        let names: BTreeSet<_> = to.into_iter().map(name).collect();
        let goal = Goal { names: names.iter().cloned().collect(), category: None };
        let planner = whole(&edges, goal).at_most(STATUSES);
        let (taken, step) = run(planner, &name(from));
        match distance(&edges, &name(from), &names) {
            Some(hops) => {
                prop_assert_eq!(step, Step::AlreadyThere);
                prop_assert_eq!(taken.len(), hops);
            }
            None => {
                prop_assert!(matches!(step, Step::NoPath { .. }), "{:?}", step);
                prop_assert_eq!(taken, [""; 0]);
            }
        }
    }

    #[test]
    fn the_order_in_which_edges_are_told_does_not_matter(
        edges in graph(), from in 0..STATUSES, to in 0..STATUSES,
    ) {
        let goal = goal(&[&name(to)], None);
        let mut reversed = edges.clone();
        reversed.reverse();
        let one = run(whole(&edges, goal.clone()), &name(from));
        let other = run(whole(&reversed, goal.clone()), &name(from));
        prop_assert_eq!(one.0, other.0);
        let one = explore(Planner::new(goal.clone()), &edges, &name(from));
        let other = explore(Planner::new(goal), &reversed, &name(from));
        prop_assert_eq!(one.0, other.0);
    }

    /// Even where each hop lands anywhere: an automation moves the issue on, or back.
    #[test]
    fn exploring_enters_no_status_twice_takes_what_is_available_and_ends(
        edges in graph(), from in 0..STATUSES, to in 0..STATUSES, most in 0_usize..7,
        landings in prop::collection::vec(prop::option::weighted(0.2, 0..STATUSES), 8),
    ) {
        let goal = goal(&[&name(to)], category(&name(to)));
        let mut planner = Planner::new(goal.clone()).at_most(most);
        let mut current = status(&name(from));
        let mut entered = BTreeSet::from([current.id.clone()]);
        let mut hops = 0;
        loop {
            let open: Vec<_> = edges.iter().filter(|edge| edge.from == current.id).collect();
            planner.learn(&current.id, open.iter().map(|edge| edge.transition.clone()).collect());
            let Step::Take(transition) = planner.next(&current) else { break };
            prop_assert!(open.iter().any(|edge| edge.transition == transition));
            let direct = open.iter().any(|edge| edge.transition.to.name == name(to) && !entered.contains(&edge.transition.to.id));
            prop_assert!(!direct || transition.to.name == name(to));
            prop_assert!(entered.insert(transition.to.id.clone()));
            current = landings[hops].map_or(transition.to, |landing| status(&name(landing)));
            entered.insert(current.id.clone());
            hops += 1;
            prop_assert!(hops <= most);
        }
    }
}

fn options(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let option =
        |(key, value): &(&str, &str)| (format!("transition_field.{key}"), (*value).to_owned());
    given.iter().map(option).collect()
}

fn with_fields(fields: Vec<RequiredField>) -> Transition {
    Transition {
        required_fields: fields,
        ..transition("5", "Resolved", 0)
    }
}

fn one(field: RequiredField, value: &str) -> Result<Value, String> {
    let options = options(&[(&field.key, value)]);
    let key = field.key.clone();
    fields_for(&with_fields(vec![field]), &options, &BTreeSet::new())
        .map(|mut fields| fields.remove(&key).expect("the one field"))
        .map_err(|missing| missing.to_string())
}

#[test]
fn fields_are_sent_in_the_form_of_their_type() {
    let text = |kind: &str, given: &str| one(field("f", kind), given).expect("can be sent");
    assert_eq!(text("resolution", "Done"), json!({"name": "Done"}));
    assert_eq!(text("priority", "High"), json!({"name": "High"}));
    assert_eq!(text("string", " why "), json!("why"));
    assert_eq!(text("date", "2026-11-30"), json!("2026-11-30"));
    assert_eq!(text("number", "2.5"), json!(2.5));
    assert_eq!(text("option", "red"), json!({"value": "red"}));
    assert_eq!(text("user", "5b10a2"), json!({"accountId": "5b10a2"}));
    assert_eq!(text("array", "a, b,"), json!(["a", "b"]));
    let several_lines = RequiredField {
        is_document: true,
        ..field("f", "string")
    };
    assert_eq!(
        one(several_lines, "why"),
        Ok(crate::jira::adf::from_markdown("why"))
    );
    let items = |items: &str| RequiredField {
        items: Some(items.to_owned()),
        ..field("f", "array")
    };
    assert_eq!(
        one(items("version"), "1.0,2.0"),
        Ok(json!([{"name": "1.0"}, {"name": "2.0"}]))
    );
    let child = r#"{"value":"a","child":{"value":"b"}}"#;
    assert_eq!(
        text("option-with-child", child),
        json!({"value": "a", "child": {"value": "b"}})
    );
}

#[test]
fn a_value_is_one_of_those_allowed_in_jiras_spelling() {
    let allowing = |kind: &str, allowed: Value| RequiredField {
        allowed_values: serde_json::from_value(allowed).expect("a list"),
        ..field("f", kind)
    };
    let resolutions = || {
        allowing(
            "resolution",
            json!([{"id": "1", "name": "Done"}, {"id": "2", "name": "Won't Do"}]),
        )
    };
    assert_eq!(
        one(resolutions(), "won't do"),
        Ok(json!({"name": "Won't Do"}))
    );
    assert_eq!(
        one(resolutions(), "Fixed").expect_err("not allowed"),
        "the transition \"go to Resolved\" to \"Resolved\" needs fields: F cannot be \"Fixed\", \
         set the option transition_field.f to one of Done, Won't Do"
    );
    let colours = allowing("option", json!([{"id": "7", "value": "red"}]));
    assert_eq!(one(colours, "Red"), Ok(json!({"value": "red"})));
    let words = RequiredField {
        items: Some("string".to_owned()),
        ..allowing("array", json!(["red", "blue"]))
    };
    assert_eq!(one(words, "Blue,red"), Ok(json!(["blue", "red"])));
}

#[test]
fn what_is_missing_is_named_with_its_transition_and_option() {
    let default = RequiredField {
        has_default: true,
        ..field("priority", "priority")
    };
    let fields = vec![
        field("resolution", "resolution"),
        field("customfield_1", "number"),
        field("customfield_2", "mystery"),
        field("summary", "string"),
        default.clone(),
    ];
    let given = options(&[
        ("customfield_1", "many"),
        ("customfield_2", "x"),
        ("resolution", " "),
    ]);
    let filled = BTreeSet::from(["summary".to_owned()]);
    let missing = fields_for(&with_fields(fields), &given, &filled).expect_err("three are wrong");
    assert_eq!(
        missing.to_string(),
        "the transition \"go to Resolved\" to \"Resolved\" needs fields: RESOLUTION is not configured, set the option \
         transition_field.resolution; CUSTOMFIELD_1 takes a number, which \"many\" is not, set the option \
         transition_field.customfield_1; CUSTOMFIELD_2 is of type mystery, which is written as JSON, set the option \
         transition_field.customfield_2"
    );
    let fields = |options| {
        fields_for(
            &with_fields(vec![default.clone()]),
            &options,
            &BTreeSet::new(),
        )
    };
    assert_eq!(fields(BTreeMap::new()).expect("has a default").len(), 0);
    assert_eq!(
        fields(options(&[("priority", "High")])).expect("configured")["priority"],
        json!({"name": "High"})
    );
    // What the screen does not demand is not sent: it may be another transition's.
    assert_eq!(
        fields(options(&[("resolution", "Done")]))
            .expect("not asked for")
            .len(),
        0
    );
}

// After the example of the official OpenAPI file, with Jira's real category keys.
#[test]
fn available_transitions_are_read() {
    let body = br#"{"expand":"transitions","transitions":[
        {"id":"2","name":"Close Issue","hasScreen":true,"isAvailable":true,
         "to":{"id":"10000","name":"Done","statusCategory":{"id":3,"key":"done","name":"Done"}},
         "fields":{
           "resolution":{"required":true,"hasDefaultValue":false,"key":"resolution","name":"Resolution","operations":["set"],
             "schema":{"type":"resolution","system":"resolution"},"allowedValues":[{"id":"10000","name":"Done"}]},
           "customfield_1":{"required":true,"hasDefaultValue":true,"key":"f","name":"Why","operations":["set"],
             "schema":{"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textarea","customId":1}},
           "customfield_10001":{"required":false,"key":"field_key","name":"My Multi Select","operations":["set","add"],
             "schema":{"type":"array","items":"option","customId":10001},"allowedValues":["red","blue"]}}},
        {"id":"3","name":"Hidden","isAvailable":false,"to":{"id":"1","name":"Odd"}},
        {"id":"711","name":"QA Review","to":{"id":"5","name":"Odd","statusCategory":{"key":"undefined"}}}]}"#;
    let read = transitions(body).expect("readable");
    let ids: Vec<_> = read
        .iter()
        .map(|transition| transition.id.0.as_str())
        .collect();
    assert_eq!(ids, ["2", "711"]);
    assert_eq!(read[0].to.category, Some(Category::Done));
    assert_eq!(read[1].to.category, None);
    let documents = read[0].required_fields.iter();
    let documents: Vec<_> = documents
        .map(|field| (field.key.as_str(), field.is_document))
        .collect();
    assert_eq!(documents, [("customfield_1", true), ("resolution", false)]);
    let fields = fields_for(
        &read[0],
        &options(&[("resolution", "done")]),
        &BTreeSet::new(),
    );
    let fields = fields.expect("configured");
    assert_eq!(
        Value::Object(fields),
        json!({"resolution": {"name": "Done"}})
    );
    assert!(transitions(b"{}").is_err());
    assert!(transitions(b"[").is_err());
}

// The example of the official OpenAPI file, shortened.
#[test]
fn a_whole_workflow_is_read() {
    let body = br#"{"statuses":[
        {"id":"10003","name":"Done","statusCategory":"DONE","statusReference":"r3"},
        {"id":"10001","name":"To Do","statusCategory":"TODO","statusReference":"r1"},
        {"id":"10002","name":"In Progress","statusCategory":"IN_PROGRESS","statusReference":"r2"}],
      "workflows":[{"id":"b9ff2384","name":"Workflow 1",
        "statuses":[{"statusReference":"r2"},{"statusReference":"r3"},{"statusReference":"r1"}],
        "transitions":[
          {"id":"41","links":[{"fromPort":0,"fromStatusReference":"r1","toPort":1},null,{"fromStatusReference":null}],
           "name":"Start work","toStatusReference":"r2","type":"DIRECTED"},
          {"id":"1","links":[],"name":"Create","toStatusReference":"r1","type":"INITIAL"},
          {"id":"51","links":[],"name":"Loop","toStatusReference":null,"type":"GLOBAL"},
          {"id":"31","links":[],"name":"Done","toStatusReference":"r3","type":"GLOBAL"}]}]}"#;
    let read = workflows(body).expect("readable");
    assert_eq!((read.len(), read[0].name.as_str()), (1, "Workflow 1"));
    let edges = read[0].edges.iter();
    let edges: Vec<_> = edges
        .map(|edge| {
            (
                edge.from.0.as_str(),
                edge.transition.id.0.as_str(),
                edge.transition.to.id.0.as_str(),
            )
        })
        .collect();
    assert_eq!(
        edges,
        [
            ("10001", "41", "10002"),
            ("10002", "31", "10003"),
            ("10003", "31", "10003"),
            ("10001", "31", "10003")
        ]
    );
    let mut planner =
        Planner::new(goal(&[], Some(Category::Done))).knowing_all(read[0].edges.clone());
    let to_do = Status {
        id: StatusId("10001".to_owned()),
        name: "To Do".to_owned(),
        category: Some(Category::ToDo),
    };
    assert!(matches!(planner.next(&to_do), Step::Take(transition) if transition.id.0 == "31"));
}
