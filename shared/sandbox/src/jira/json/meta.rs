//! The project, its vocabulary and its fields.

use serde_json::{Map, Value, json};

use super::super::site::{CustomField, CustomKind, Named, Project, Site};
use super::Json;

/// System fields: id, name, type, type of the items.
const FIELDS: &[(&str, &str, &str, Option<&str>)] = &[
    ("summary", "Summary", "string", None),
    ("description", "Description", "string", None),
    ("issuetype", "Issue Type", "issuetype", None),
    ("project", "Project", "project", None),
    ("priority", "Priority", "priority", None),
    ("status", "Status", "status", None),
    ("labels", "Labels", "array", Some("string")),
    ("assignee", "Assignee", "user", None),
    ("reporter", "Reporter", "user", None),
    ("creator", "Creator", "user", None),
    ("resolution", "Resolution", "resolution", None),
    ("resolutiondate", "Resolved", "datetime", None),
    (
        "statuscategorychangedate",
        "Status Category Changed",
        "datetime",
        None,
    ),
    ("created", "Created", "datetime", None),
    ("updated", "Updated", "datetime", None),
    ("comment", "Comment", "comments-page", None),
];

/// What people call a field.
pub(crate) fn field_name<'a>(site: &'a Site, id: &'a str) -> &'a str {
    let system = FIELDS.iter().find(|(known, ..)| *known == id);
    let custom = site.custom_field(id).map(|field| field.name.as_str());
    system.map(|(_, name, ..)| *name).or(custom).unwrap_or(id)
}

impl Json<'_> {
    /// The names of all fields by id.
    pub(crate) fn names(self) -> Map<String, Value> {
        let site = &self.config.site;
        let system = FIELDS.iter().map(|(id, ..)| *id);
        let custom = site.custom_fields.iter().map(|field| field.id.as_str());
        let named = |id: &str| (id.to_owned(), json!(field_name(site, id)));
        system.chain(custom).map(named).collect()
    }

    /// Every field there is.
    pub(crate) fn all_fields(self) -> Value {
        let system = FIELDS.iter().map(|(id, name, ..)| {
            json!({
                "id": id,
                "key": id,
                "name": name,
                "custom": false,
                "orderable": true,
                "navigable": *id != "comment",
                "searchable": true,
                "clauseNames": [id],
                "schema": self.schema(id),
            })
        });
        let custom = self.config.site.custom_fields.iter().map(|field| {
            let number = number(field);
            json!({
                "id": field.id,
                "key": field.id,
                "name": field.name,
                "custom": true,
                "orderable": true,
                "navigable": true,
                "searchable": true,
                "clauseNames": [format!("cf[{number}]"), field.name],
                "schema": self.schema(&field.id),
            })
        });
        system.chain(custom).collect()
    }

    /// A field's type.
    pub(super) fn schema(self, id: &str) -> Value {
        if let Some((_, _, kind, items)) = FIELDS.iter().find(|(known, ..)| *known == id) {
            let mut schema = json!({"type": kind, "system": id});
            if let Some(items) = items {
                schema["items"] = json!(items);
            }
            return schema;
        }
        let Some(field) = self.config.site.custom_field(id) else {
            return json!({"type": "any"});
        };
        let (kind, custom) = match &field.kind {
            CustomKind::Text => ("string", "textfield"),
            CustomKind::Paragraph => ("string", "textarea"),
            CustomKind::Number => ("number", "float"),
            CustomKind::Select(_) => ("option", "select"),
        };
        json!({
            "type": kind,
            "custom": format!("com.atlassian.jira.plugin.system.customfieldtypes:{custom}"),
            "customId": number(field),
        })
    }

    pub(super) fn issue_type(self, issue_type: &Named) -> Value {
        json!({
            "self": self.link(&format!("issuetype/{}", issue_type.id)),
            "id": issue_type.id,
            "description": "",
            "iconUrl": self.page("rest/api/2/universal_avatar/view/type/issuetype/avatar/10553"),
            "name": issue_type.name,
            "subtask": false,
            "avatarId": 10_553,
        })
    }

    fn project_type(project: &Project) -> &'static str {
        if project.service_desk {
            "service_desk"
        } else {
            "software"
        }
    }

    pub(super) fn project_reference(self, project: &Project) -> Value {
        json!({
            "self": self.link(&format!("project/{}", project.id)),
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": Self::project_type(project),
            "simplified": false,
            "avatarUrls": self.avatars(&format!("secure/projectavatar?pid={}", project.id)),
        })
    }

    pub(crate) fn project(self) -> Value {
        let site = &self.config.site;
        let types: Vec<_> = site
            .issue_types
            .iter()
            .map(|issue_type| self.issue_type(issue_type))
            .collect();
        let mut project = self.project_reference(&self.config.site.project);
        let lead = site.users.first();
        let more = json!({
            "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
            "description": "",
            "lead": lead.map(|user| self.user(user)),
            "components": [],
            "issueTypes": types,
            "assigneeType": "UNASSIGNED",
            "versions": [],
            "roles": {},
            "style": "classic",
            "isPrivate": false,
            "properties": {},
        });
        if let (Some(project), Value::Object(more)) = (project.as_object_mut(), more) {
            project.extend(more);
        }
        project
    }

    /// The statuses of each issue type.
    pub(crate) fn statuses(self) -> Value {
        let site = &self.config.site;
        let statuses = site.workflow.statuses.iter();
        let statuses: Vec<_> = statuses.map(|status| self.status(status)).collect();
        let of = |issue_type: &Named| {
            json!({
                "self": self.link(&format!("issuetype/{}", issue_type.id)),
                "id": issue_type.id,
                "name": issue_type.name,
                "subtask": false,
                "statuses": statuses,
            })
        };
        site.issue_types.iter().map(of).collect()
    }

    pub(crate) fn listed_priority(self, priority: &Named) -> Value {
        let icon = priority.name.to_lowercase();
        json!({
            "self": self.link(&format!("priority/{}", priority.id)),
            "id": priority.id,
            "name": priority.name,
            "description": "",
            "iconUrl": self.page(&format!("images/icons/priorities/{icon}.svg")),
            "statusColor": "#f15C75",
            "isDefault": priority.id == self.config.site.default_priority,
        })
    }

    pub(super) fn resolution(self, resolution: &Named) -> Value {
        json!({
            "self": self.link(&format!("resolution/{}", resolution.id)),
            "id": resolution.id,
            "description": "",
            "name": resolution.name,
        })
    }

    pub(crate) fn listed_resolution(self, resolution: &Named) -> Value {
        let mut shown = self.resolution(resolution);
        shown["default"] = json!(false);
        shown
    }
}

/// 10050 of `customfield_10050`.
fn number(field: &CustomField) -> u64 {
    let digits = field.id.trim_start_matches("customfield_");
    digits.parse().unwrap_or_default()
}
