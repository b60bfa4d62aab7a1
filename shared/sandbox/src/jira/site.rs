//! Who and what is on a site: what does not change while a stand-in runs.

use serde::{Deserialize, Serialize};

use super::issue::Issue;
use super::workflow::Workflow;

/// One site with one project, and others that issues can be moved to.
#[derive(Clone, Debug)]
pub struct Site {
    /// People and apps.
    pub users: Vec<User>,
    /// Account id of the user that stands for automation rules.
    pub automation: String,
    /// The project.
    pub project: Project,
    /// Further projects: of them nothing is held but the issues that were moved there.
    pub other_projects: Vec<Project>,
    /// Its issue types.
    pub issue_types: Vec<Named>,
    /// Priorities, the highest first.
    pub priorities: Vec<Named>,
    /// Id of the priority an issue gets when none is given.
    pub default_priority: String,
    /// Resolutions.
    pub resolutions: Vec<Named>,
    /// The custom fields on the create and edit screens.
    pub custom_fields: Vec<CustomField>,
    /// The project's workflow.
    pub workflow: Workflow,
}

/// What Jira knows by id and by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// A number as text.
    pub id: String,
    /// What people see.
    pub name: String,
}

impl Named {
    fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// A person or an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// At most 128 characters.
    pub account_id: String,
    /// Full name.
    pub display_name: String,
    /// Login; an app has none.
    pub email: Option<String>,
    /// `atlassian`, `app` or `customer`.
    pub account_type: String,
    /// Whether the login works.
    pub active: bool,
    /// Whether issues can be assigned to them.
    pub assignable: bool,
}

impl User {
    /// A person with a licence.
    pub fn person(account_id: &str, display_name: &str, email: &str) -> Self {
        Self {
            account_id: account_id.to_owned(),
            display_name: display_name.to_owned(),
            email: Some(email.to_owned()),
            account_type: "atlassian".to_owned(),
            active: true,
            assignable: true,
        }
    }

    fn has_email(&self, email: &str) -> bool {
        let own = self.email.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(email))
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// A number as text.
    pub id: String,
    /// `OPS` …
    pub key: String,
    /// Its name.
    pub name: String,
    /// Whether it is a service project, whose comments may be internal.
    pub service_desk: bool,
}

/// A custom field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// `customfield_10050` …
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: CustomKind,
}

/// What a custom field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomKind {
    /// One line of text.
    Text,
    /// A document.
    Paragraph,
    /// A number.
    Number,
    /// One of these options.
    Select(Vec<Named>),
}

impl Site {
    /// See [`super::JiraConfig::demo`].
    pub fn demo() -> Self {
        let automation = "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077";
        let field = |id: &str, name: &str, kind| CustomField {
            id: format!("customfield_{id}"),
            name: name.to_owned(),
            kind,
        };
        let impact = ["Extensive", "Significant", "Moderate", "Minor"];
        let impact = (1..).zip(impact);
        let impact = impact.map(|(number, name)| Named::new(&format!("1010{number}"), name));
        Self {
            users: vec![
                User::person(
                    "5b10a2844c20165700ede001",
                    "Olga Oncall",
                    "oncall@example.com",
                ),
                User::person("5b10a2844c20165700ede002", "Ann Example", "ann@example.com"),
                User::person("5b10a2844c20165700ede003", "Bob Example", "bob@example.com"),
                User {
                    email: None,
                    account_type: "app".to_owned(),
                    assignable: false,
                    ..User::person(automation, "Automation for Jira", "")
                },
            ],
            automation: automation.to_owned(),
            project: Project {
                id: "10000".to_owned(),
                key: "OPS".to_owned(),
                name: "Operations".to_owned(),
                service_desk: true,
            },
            other_projects: vec![Project {
                id: "10001".to_owned(),
                key: "ARC".to_owned(),
                name: "Archive".to_owned(),
                service_desk: false,
            }],
            issue_types: vec![Named::new("10010", "[System] Incident")],
            priorities: ["Highest", "High", "Medium", "Low", "Lowest"]
                .iter()
                .zip(1..)
                .map(|(name, number)| Named::new(&number.to_string(), name))
                .collect(),
            default_priority: "3".to_owned(),
            resolutions: vec![
                Named::new(super::workflow::DONE_RESOLUTION, "Done"),
                Named::new("10001", "Won't Do"),
                Named::new("10002", "Duplicate"),
            ],
            custom_fields: vec![
                field("10050", "Environment name", CustomKind::Text),
                field("10051", "Affected customers", CustomKind::Number),
                field("10052", "Impact", CustomKind::Select(impact.collect())),
                field("10053", "Root cause", CustomKind::Paragraph),
            ],
            workflow: Workflow::service(),
        }
    }

    /// The user with this account id.
    pub fn user(&self, account_id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.account_id == account_id)
    }

    /// The user with this e-mail, whatever its case.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users.iter().find(|user| user.has_email(email))
    }

    /// The custom field with this id.
    pub fn custom_field(&self, id: &str) -> Option<&CustomField> {
        self.custom_fields.iter().find(|field| field.id == id)
    }

    /// The project with this key or id.
    pub fn project_named(&self, key_or_id: &str) -> Option<&Project> {
        let mut projects = std::iter::once(&self.project).chain(&self.other_projects);
        projects.find(|it| it.id == key_or_id || it.key.eq_ignore_ascii_case(key_or_id))
    }

    /// The project that an issue is in.
    pub fn project_of(&self, issue: &Issue) -> &Project {
        let id = issue.project.as_deref();
        let other = id.and_then(|id| self.project_named(id));
        other.unwrap_or(&self.project)
    }

    /// Whether this is the project's key or id.
    pub fn is_project(&self, key_or_id: &str) -> bool {
        self.project.id == key_or_id || self.project.key.eq_ignore_ascii_case(key_or_id)
    }
}

/// The one with this id.
pub(crate) fn by_id<'a>(all: &'a [Named], id: &str) -> Option<&'a Named> {
    all.iter().find(|one| one.id == id)
}

/// The one with this name, whatever its case.
pub(crate) fn by_name<'a>(all: &'a [Named], name: &str) -> Option<&'a Named> {
    all.iter().find(|one| one.name.eq_ignore_ascii_case(name))
}
