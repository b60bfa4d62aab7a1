//! Issues, comments and their history.

use serde_json::{Map, Value, json};

use super::super::adf;
use super::super::issue::{Comment, History, Issue, Item};
use super::super::site::Named;
use super::{Json, time};

/// What an issue's `expand` names.
const EXPANDABLE: &str =
    "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations";

/// The fields that a comment's webhook shows of its issue.
const SHORT: &[&str] = &[
    "summary",
    "issuetype",
    "project",
    "assignee",
    "priority",
    "status",
];

/// Which fields are asked for: names, `*all`, `*navigable`, and `-name` to leave out.
pub(crate) struct Wanted(Vec<String>);

impl Wanted {
    /// Lists, each of which may hold several with commas; `default` stands for none.
    pub(crate) fn parse(lists: &[String], default: &str) -> Self {
        let names = lists.iter().flat_map(|list| list.split(','));
        let names = names.map(str::trim).filter(|name| !name.is_empty());
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        let chooses = |name: &String| !name.starts_with('-');
        if !names.iter().any(chooses) {
            names.push(default.to_owned());
        }
        Self(names)
    }

    /// Whether nothing but the id is asked for.
    pub(crate) fn only_id(&self) -> bool {
        self.0 == ["id"]
    }

    fn has(&self, field: &str) -> bool {
        let listed = |name: &str| self.0.iter().any(|wanted| wanted == name);
        let navigable = !["comment", "attachment"].contains(&field);
        !listed(&format!("-{field}"))
            && (listed(field) || listed("*all") || (navigable && listed("*navigable")))
    }
}

impl Json<'_> {
    /// An issue with the fields asked for.
    pub(crate) fn issue(self, issue: &Issue, wanted: &Wanted) -> Value {
        let mut fields = self.fields(issue);
        fields["comment"] = self.comments(issue);
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|name, _| wanted.has(name));
        }
        json!({
            "expand": EXPANDABLE,
            "id": issue.id,
            "self": self.link(&format!("issue/{}", issue.id)),
            "key": issue.key,
            "fields": fields,
        })
    }

    /// An issue as a webhook about it shows it.
    pub(crate) fn whole_issue(self, issue: &Issue) -> Value {
        self.referenced(issue, &self.fields(issue))
    }

    /// An issue as a webhook about a comment shows it.
    pub(crate) fn short_issue(self, issue: &Issue) -> Value {
        let mut fields = self.fields(issue);
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|name, _| SHORT.contains(&name.as_str()));
        }
        self.referenced(issue, &fields)
    }

    fn referenced(self, issue: &Issue, fields: &Value) -> Value {
        json!({
            "id": issue.id,
            "self": self.link(&format!("issue/{}", issue.id)),
            "key": issue.key,
            "fields": fields,
        })
    }

    fn fields(self, issue: &Issue) -> Value {
        let reporter = self.account(Some(&issue.reporter));
        let mut fields = json!({
            "summary": issue.summary,
            "description": issue.description.as_ref().map(|document| self.text(document)),
            "issuetype": self.issue_type(&issue.issue_type),
            "project": self.project_reference(self.config.site.project_of(issue)),
            "priority": self.priority(&issue.priority),
            "status": self.status(&issue.status),
            "labels": issue.labels,
            "assignee": self.account(issue.assignee.as_deref()),
            "reporter": reporter,
            "creator": reporter,
            "resolution": issue.resolution.as_ref().map(|resolution| self.resolution(resolution)),
            "resolutiondate": issue.resolved_at.map(time),
            "statuscategorychangedate": time(issue.category_changed_at),
            "created": time(issue.created),
            "updated": time(issue.updated),
        });
        if let Some(fields) = fields.as_object_mut() {
            fields.extend(self.unused(issue));
            fields.extend(self.custom_fields(issue));
        }
        fields
    }

    fn custom_fields(self, issue: &Issue) -> Map<String, Value> {
        let fields = self.config.site.custom_fields.iter();
        let shown = |value: &Value| match value {
            Value::Object(document) if document.contains_key("version") => self.text(value),
            Value::Object(option) => {
                let id = option["id"].as_str().unwrap_or_default();
                let link = self.link(&format!("customFieldOption/{id}"));
                json!({"self": link, "value": option["value"], "id": id})
            }
            other => other.clone(),
        };
        let value = |id: &str| issue.custom.get(id).map_or(Value::Null, shown);
        fields
            .map(|field| (field.id.clone(), value(&field.id)))
            .collect()
    }

    /// Fields that nothing here fills, as an issue without them has them.
    fn unused(self, issue: &Issue) -> Map<String, Value> {
        let below = |path: &str| self.link(&format!("issue/{}/{path}", issue.key));
        let unused = json!({
            "components": [],
            "fixVersions": [],
            "versions": [],
            "issuelinks": [],
            "subtasks": [],
            "attachment": [],
            "duedate": null,
            "environment": null,
            "security": null,
            "lastViewed": null,
            "workratio": -1,
            "timetracking": {},
            "progress": {"progress": 0, "total": 0},
            "aggregateprogress": {"progress": 0, "total": 0},
            "votes": {"self": below("votes"), "votes": 0, "hasVoted": false},
            "watches": {"self": below("watchers"), "watchCount": 0, "isWatching": false},
        });
        match unused {
            Value::Object(unused) => unused,
            _ => Map::new(),
        }
    }

    /// A document, or its text.
    fn text(self, document: &Value) -> Value {
        match self.version {
            2 => json!(adf::to_wiki(document)),
            _ => document.clone(),
        }
    }

    fn priority(self, priority: &Named) -> Value {
        let icon = priority.name.to_lowercase();
        json!({
            "self": self.link(&format!("priority/{}", priority.id)),
            "iconUrl": self.page(&format!("images/icons/priorities/{icon}.svg")),
            "name": priority.name,
            "id": priority.id,
        })
    }

    /// The first comments, as the field `comment` has them.
    fn comments(self, issue: &Issue) -> Value {
        let comments: Vec<_> = issue
            .comments
            .iter()
            .map(|comment| self.comment(issue, comment, false))
            .collect();
        json!({
            "comments": comments,
            "self": self.link(&format!("issue/{}/comment", issue.id)),
            "maxResults": comments.len(),
            "total": comments.len(),
            "startAt": 0,
        })
    }

    pub(crate) fn comment(self, issue: &Issue, comment: &Comment, properties: bool) -> Value {
        let mut shown = json!({
            "self": self.link(&format!("issue/{}/comment/{}", issue.id, comment.id)),
            "id": comment.id,
            "author": self.account(Some(&comment.author)),
            "body": self.text(&comment.body),
            "updateAuthor": self.account(Some(&comment.update_author)),
            "created": time(comment.created),
            "updated": time(comment.updated),
            "jsdPublic": !(self.config.site.project_of(issue).service_desk && comment.is_internal()),
        });
        if properties {
            let properties = comment.properties.iter();
            let properties = properties.map(|(key, value)| json!({"key": key, "value": value}));
            shown["properties"] = properties.collect();
        }
        shown
    }

    pub(crate) fn history(self, history: &History) -> Value {
        let items: Vec<_> = history.items.iter().map(|item| self.item(item)).collect();
        json!({
            "id": history.id,
            "author": self.account(Some(&history.author)),
            "created": time(history.created),
            "items": items,
        })
    }

    /// Webhooks add the account ids of an assignee once more.
    pub(crate) fn item(self, item: &Item) -> Value {
        let mut shown = json!({
            "field": item.field,
            "fieldtype": if item.is_custom() { "custom" } else { "jira" },
            "fieldId": item.field_id,
            "from": item.from,
            "fromString": item.from_string,
            "to": item.to,
            "toString": item.to_string,
        });
        if self.version == 2 && item.field_id == "assignee" {
            shown["tmpFromAccountId"] = json!(item.from);
            shown["tmpToAccountId"] = json!(item.to);
        }
        shown
    }
}
