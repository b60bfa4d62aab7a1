//! Statuses, transitions and the workflow itself.

use serde_json::{Map, Value, json};

use super::super::workflow::{Category, From, ScreenField, Status, Transition};
use super::{Json, field_name};

impl Json<'_> {
    pub(super) fn status(self, status: &Status) -> Value {
        let (id, color, name) = match status.category {
            Category::New => (2, "blue-gray", "To Do"),
            Category::Indeterminate => (4, "yellow", "In Progress"),
            Category::Done => (3, "green", "Done"),
        };
        json!({
            "self": self.link(&format!("status/{}", status.id)),
            "description": "",
            "iconUrl": self.page("images/icons/statuses/generic.png"),
            "name": status.name,
            "id": status.id,
            "statusCategory": {
                "self": self.link(&format!("statuscategory/{id}")),
                "id": id,
                "key": status.category.key(),
                "colorName": color,
                "name": name,
            },
        })
    }

    /// A transition; with `fields`, what its screen asks for.
    pub(crate) fn transition(self, transition: &Transition, fields: bool) -> Value {
        let to = self.config.site.workflow.status(&transition.to);
        let mut shown = json!({
            "id": transition.id,
            "name": transition.name,
            "to": to.map(|status| self.status(status)),
            "hasScreen": !transition.screen.is_empty(),
            "isGlobal": transition.from == From::Any,
            "isInitial": false,
            "isAvailable": true,
            "isConditional": false,
            "looped": false,
        });
        if fields {
            let screen = transition.screen.iter();
            let screen = screen.map(|field| (field.id.clone(), self.screen_field(field)));
            shown["fields"] = Value::Object(screen.collect::<Map<_, _>>());
        }
        shown
    }

    fn screen_field(self, field: &ScreenField) -> Value {
        let site = &self.config.site;
        let operations: &[&str] = match field.id.as_str() {
            "labels" => &["add", "set", "remove"],
            _ => &["set"],
        };
        let mut shown = json!({
            "required": field.required,
            "schema": self.schema(&field.id),
            "name": field_name(site, &field.id),
            "key": field.id,
            "hasDefaultValue": false,
            "operations": operations,
        });
        let allowed: Option<Vec<_>> = match field.id.as_str() {
            "resolution" => Some(
                site.resolutions
                    .iter()
                    .map(|one| self.resolution(one))
                    .collect(),
            ),
            "priority" => Some(
                site.priorities
                    .iter()
                    .map(|one| self.listed_priority(one))
                    .collect(),
            ),
            _ => None,
        };
        if let Some(allowed) = allowed {
            shown["allowedValues"] = json!(allowed);
        }
        shown
    }

    /// `POST /workflows`: the project's workflow.
    pub(crate) fn workflows(self) -> Value {
        let workflow = &self.config.site.workflow;
        let scope = json!({"type": "GLOBAL"});
        let known = workflow.statuses.iter().map(|status| {
            let category = match status.category {
                Category::New => "TODO",
                Category::Indeterminate => "IN_PROGRESS",
                Category::Done => "DONE",
            };
            json!({
                "id": status.id,
                "statusReference": status.id,
                "name": status.name,
                "description": "",
                "scope": scope,
                "statusCategory": category,
            })
        });
        let used = workflow.statuses.iter().map(
            |status| json!({"statusReference": status.id, "deprecated": false, "properties": {}}),
        );
        let first = workflow.statuses.first().map(|status| status.id.as_str());
        let initial = edge("1", "Create", first.unwrap_or_default(), "INITIAL", &[]);
        let transitions = workflow.transitions.iter().map(directed);
        json!({
            "statuses": known.collect::<Vec<_>>(),
            "workflows": [{
                "id": "b9ff2384-d3b6-4d4e-9509-3ee19f607168",
                "name": workflow.name,
                "description": "",
                "isEditable": true,
                "scope": scope,
                "statuses": used.collect::<Vec<_>>(),
                "transitions": std::iter::once(initial).chain(transitions).collect::<Vec<_>>(),
                "version": {"id": "f010ac1b-3dd3-43a3-aa66-0ee8a447f76e", "versionNumber": 1},
            }],
        })
    }
}

fn directed(transition: &Transition) -> Value {
    let (kind, from): (_, &[String]) = match &transition.from {
        From::Any => ("GLOBAL", &[]),
        From::Statuses(statuses) => ("DIRECTED", statuses),
    };
    edge(&transition.id, &transition.name, &transition.to, kind, from)
}

fn edge(id: &str, name: &str, to: &str, kind: &str, from: &[String]) -> Value {
    let links: Vec<_> = from
        .iter()
        .map(|status| json!({"fromStatusReference": status, "fromPort": 0, "toPort": 1}))
        .collect();
    json!({
        "id": id,
        "name": name,
        "description": "",
        "type": kind,
        "toStatusReference": to,
        "links": links,
        "actions": [],
        "validators": [],
        "triggers": [],
        "properties": {},
    })
}
