//! The workflow of a project: which status follows which, and what a transition asks for.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};

/// The category Jira sorts statuses into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// "To Do".
    New,
    /// "In Progress".
    Indeterminate,
    /// "Done".
    Done,
}

impl Category {
    /// `new`, `indeterminate` or `done`.
    pub fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Indeterminate => "indeterminate",
            Self::Done => "done",
        }
    }
}

/// A status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// A number as text.
    pub id: String,
    /// What people see.
    pub name: String,
    /// What it means.
    pub category: Category,
}

/// From where a transition may be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// From every status.
    Any,
    /// From these statuses, by id.
    Statuses(Vec<String>),
}

/// A field on a transition's screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenField {
    /// `resolution`, `assignee`, `customfield_10050` …
    pub id: String,
    /// Whether the transition is refused without it.
    pub required: bool,
}

/// What a transition does to the resolution by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutomaticResolution {
    /// Nothing.
    Keep,
    /// It takes it away, as a reopening does.
    Clear,
    /// It sets the one with this id.
    Set(String),
}

/// A transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// A number as text.
    pub id: String,
    /// The button's text.
    pub name: String,
    /// From where.
    pub from: From,
    /// To which status, by id.
    pub to: String,
    /// The fields of its screen; none means it has no screen.
    pub screen: Vec<ScreenField>,
    /// What it does to the resolution.
    pub resolution: AutomaticResolution,
}

impl Transition {
    /// A transition without a screen.
    pub fn new(id: &str, name: &str, from: From, to: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            from,
            to: to.to_owned(),
            screen: Vec::new(),
            resolution: AutomaticResolution::Keep,
        }
    }

    /// The same, with this field required on its screen.
    #[must_use]
    pub fn requiring(mut self, field: &str) -> Self {
        self.screen.push(ScreenField {
            id: field.to_owned(),
            required: true,
        });
        self
    }

    /// The same, with this effect on the resolution.
    #[must_use]
    pub fn resolution(mut self, resolution: AutomaticResolution) -> Self {
        self.resolution = resolution;
        self
    }

    /// Whether it may be taken from this status.
    pub fn leaves(&self, status: &str) -> bool {
        match &self.from {
            From::Any => true,
            From::Statuses(statuses) => statuses.iter().any(|id| id == status),
        }
    }
}

/// The graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Its statuses; an issue starts in the first.
    pub statuses: Vec<Status>,
    /// Its transitions.
    pub transitions: Vec<Transition>,
}

const TO_DO: &str = "10001";
const IN_PROGRESS: &str = "10002";
const DONE: &str = "10003";
const RESOLVED: &str = "10004";
const CLOSED: &str = "10005";

/// The resolution that a workflow without a screen sets.
pub(crate) const DONE_RESOLUTION: &str = "10000";

fn status(id: &str, name: &str, category: Category) -> Status {
    Status {
        id: id.to_owned(),
        name: name.to_owned(),
        category,
    }
}

fn from(statuses: &[&str]) -> From {
    From::Statuses(statuses.iter().map(|&id| id.to_owned()).collect())
}

impl Workflow {
    /// A service project's: To Do, In Progress, Resolved (asks for a resolution) and Closed, each
    /// reached from its neighbours only, and reopened to In Progress.
    pub fn service() -> Self {
        Self {
            name: "Incident workflow".to_owned(),
            statuses: vec![
                status(TO_DO, "To Do", Category::New),
                status(IN_PROGRESS, "In Progress", Category::Indeterminate),
                status(RESOLVED, "Resolved", Category::Done),
                status(CLOSED, "Closed", Category::Done),
            ],
            transitions: vec![
                Transition::new("11", "Start work", from(&[TO_DO]), IN_PROGRESS),
                Transition::new("21", "Back to queue", from(&[IN_PROGRESS]), TO_DO),
                Transition::new("31", "Resolve", from(&[IN_PROGRESS]), RESOLVED)
                    .requiring("resolution"),
                Transition::new("41", "Close", from(&[RESOLVED]), CLOSED),
                Transition::new("51", "Reopen", from(&[RESOLVED, CLOSED]), IN_PROGRESS)
                    .resolution(AutomaticResolution::Clear),
            ],
        }
    }

    /// To Do, In Progress and Done, each from everywhere.
    pub fn simple() -> Self {
        let clear = AutomaticResolution::Clear;
        let set = AutomaticResolution::Set(DONE_RESOLUTION.to_owned());
        Self {
            name: "Simple workflow".to_owned(),
            statuses: vec![
                status(TO_DO, "To Do", Category::New),
                status(IN_PROGRESS, "In Progress", Category::Indeterminate),
                status(DONE, "Done", Category::Done),
            ],
            transitions: vec![
                Transition::new("11", "To Do", From::Any, TO_DO).resolution(clear.clone()),
                Transition::new("21", "In Progress", From::Any, IN_PROGRESS).resolution(clear),
                Transition::new("31", "Done", From::Any, DONE).resolution(set),
            ],
        }
    }

    /// To Do and In Progress; Done exists, but nothing leads there.
    pub fn without_a_way_to_done() -> Self {
        let simple = Self::simple();
        let mut transitions = simple.transitions;
        transitions.retain(|transition| transition.to != DONE);
        Self {
            name: "Endless workflow".to_owned(),
            statuses: simple.statuses,
            transitions,
        }
    }

    /// The status with this id.
    pub fn status(&self, id: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.id == id)
    }

    /// The status with this name or id, whatever the name's case.
    pub fn status_named(&self, name: &str) -> Option<&Status> {
        self.statuses
            .iter()
            .find(|status| status.name.eq_ignore_ascii_case(name) || status.id == name)
    }

    /// The transitions that may be taken from this status; a global one also where it leads.
    pub fn available<'a>(&'a self, status: &'a str) -> impl Iterator<Item = &'a Transition> {
        let transitions = self.transitions.iter();
        transitions.filter(move |transition| transition.leaves(status))
    }

    /// The shortest way from one status to another; empty where they are the same.
    pub fn way(&self, start: &str, goal: &str) -> Option<Vec<&Transition>> {
        let mut ways = VecDeque::from([(start, Vec::new())]);
        let mut seen = HashSet::from([start]);
        while let Some((at, way)) = ways.pop_front() {
            if at == goal {
                return Some(way);
            }
            let next = self.transitions.iter().filter(|each| each.leaves(at));
            for transition in next {
                if seen.insert(&transition.to) {
                    let mut longer = way.clone();
                    longer.push(transition);
                    ways.push_back((&transition.to, longer));
                }
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    fn way(workflow: &Workflow, start: &str, goal: &str) -> Option<Vec<String>> {
        let id = |name| &workflow.status_named(name).unwrap().id;
        let way = workflow.way(id(start), id(goal))?;
        Some(way.iter().map(|each| each.name.clone()).collect())
    }

    #[test]
    fn a_service_project_needs_two_hops_to_resolve_and_can_reopen() {
        let workflow = Workflow::service();
        let names = |start, goal| way(&workflow, start, goal).unwrap();
        assert_eq!(names("To Do", "resolved"), ["Start work", "Resolve"]);
        assert_eq!(names("To Do", "Closed"), ["Start work", "Resolve", "Close"]);
        assert_eq!(names("Closed", "To Do"), ["Reopen", "Back to queue"]);
        assert_eq!(names("Closed", "Closed"), Vec::<String>::new());
    }

    #[test]
    fn a_workflow_may_have_no_way_to_done() {
        assert_eq!(
            way(&Workflow::without_a_way_to_done(), "To Do", "Done"),
            None
        );
        assert_eq!(
            way(&Workflow::simple(), "To Do", "Done"),
            Some(vec!["Done".to_owned()])
        );
    }
}
