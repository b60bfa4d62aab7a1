//! Webhooks: their bodies, headers and retries.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::config::{ChangelogMode, JiraConfig};
use super::issue::{Author, Comment, History, Issue};
use super::json::Json;
use super::signature::{encoded, sign};
use super::state::State;
use crate::webhook_delivery::{Posting, WebhookDelivery};

/// What happened to a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Created,
    Updated,
    Deleted,
}

impl Happened {
    /// The event of its own.
    fn event(self) -> &'static str {
        match self {
            Self::Created => "comment_created",
            Self::Updated => "comment_updated",
            Self::Deleted => "comment_deleted",
        }
    }

    /// What kind of update of the issue it is.
    fn kind(self) -> &'static str {
        match self {
            Self::Created => "issue_commented",
            Self::Updated => "issue_comment_edited",
            Self::Deleted => "issue_comment_deleted",
        }
    }
}

pub(crate) fn issue_created(state: &mut State, issue: &Issue, history: &History, author: &Author) {
    let config = Arc::clone(&state.config);
    let mut body = about(&config, "issue_created", issue, author);
    add_changelog(&config, &mut body, history);
    send(state, "jira:issue_created", body, author, issue.created);
}

/// Also for new comments, by id. One write is one `jira:issue_updated`, which shows its first
/// comment where the site's comment events say so.
pub(crate) fn issue_updated(
    state: &mut State,
    issue: &Issue,
    history: Option<&History>,
    comments: &[String],
    author: &Author,
) {
    let config = Arc::clone(&state.config);
    let added = issue.comments.iter();
    let mut added = added.filter(|comment| comments.contains(&comment.id));
    if let Some(history) = history {
        let first = added.next();
        let mut body = about(&config, kind(history), issue, author);
        add_changelog(&config, &mut body, history);
        if let Some(first) = first.filter(|_| config.comment_events.update()) {
            body["comment"] = Json::webhook(&config).comment(issue, first, false);
        }
        send(state, "jira:issue_updated", body, author, issue.updated);
        if let Some(first) = first {
            comment_itself(state, Happened::Created, issue, first, author);
        }
    }
    for other in added {
        comment(state, Happened::Created, issue, other, author);
    }
}

/// What kind of update a change is.
fn kind(history: &History) -> &'static str {
    let changed = |field: &str| history.items.iter().any(|item| item.field_id == field);
    if changed("project") {
        "issue_moved"
    } else if changed("status") {
        "issue_generic"
    } else if changed("assignee") && history.items.len() == 1 {
        "issue_assigned"
    } else {
        "issue_updated"
    }
}

pub(crate) fn issue_deleted(state: &mut State, issue: &Issue, author: &Author, now: Timestamp) {
    let body = about(&Arc::clone(&state.config), "issue_deleted", issue, author);
    send(state, "jira:issue_deleted", body, author, now);
}

/// What the site's comment events say.
pub(crate) fn comment(
    state: &mut State,
    happened: Happened,
    issue: &Issue,
    comment: &Comment,
    author: &Author,
) {
    comment_itself(state, happened, issue, comment, author);
    let config = Arc::clone(&state.config);
    if config.comment_events.update() {
        let mut body = about(&config, happened.kind(), issue, author);
        body["comment"] = Json::webhook(&config).comment(issue, comment, false);
        send(state, "jira:issue_updated", body, author, issue.updated);
    }
}

/// The comment's own event. It has no user: the comment names its author.
fn comment_itself(
    state: &mut State,
    happened: Happened,
    issue: &Issue,
    comment: &Comment,
    author: &Author,
) {
    let config = Arc::clone(&state.config);
    if config.comment_events.own() {
        let json = Json::webhook(&config);
        let shown = json.comment(issue, comment, false);
        let body = json!({"comment": shown, "issue": json.short_issue(issue)});
        send(state, happened.event(), body, author, issue.updated);
    }
}

/// The issue, who changed it and how; an automation is nobody.
fn about(config: &JiraConfig, kind: &str, issue: &Issue, author: &Author) -> Value {
    let json = Json::webhook(config);
    let mut body = json!({
        "issue_event_type_name": kind,
        "issue": json.whole_issue(issue),
    });
    if let Author::User(account_id) = author {
        let user = config.site.user(account_id);
        body["user"] = json!(user.map(|user| json.user(user)));
    }
    body
}

fn add_changelog(config: &JiraConfig, body: &mut Value, history: &History) {
    let json = Json::webhook(config);
    let items: Vec<_> = match config.changelog {
        ChangelogMode::Present => history.items.iter().map(|item| json.item(item)).collect(),
        ChangelogMode::Empty => Vec::new(),
        ChangelogMode::Absent => return,
    };
    body["changelog"] = json!({"id": history.id, "items": items});
}

fn send(state: &mut State, event: &str, mut body: Value, author: &Author, at: Timestamp) {
    body["timestamp"] = json!(at.as_millisecond());
    body["webhookEvent"] = json!(event);
    let query = match author {
        Author::User(account_id) => {
            let id = encoded(account_id);
            Some(format!("user_id={id}&user_key={id}"))
        }
        Author::Automation => None,
    };
    let id = state.surroundings.ids.hex();
    let delivery = WebhookDelivery {
        headers: headers(&id),
        event_id: id,
        event_type: event.to_owned(),
        query,
        body: Bytes::from(body.to_string()),
    };
    state.surroundings.send(delivery);
}

/// All but the signature, which each attempt adds.
fn headers(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("application/json; charset=UTF-8"),
    );
    headers.insert(
        "user-agent",
        HeaderValue::from_static("Atlassian Webhook HTTP Client"),
    );
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-atlassian-webhook-identifier", id);
    }
    headers
}

/// Signs each attempt, and sends again as Jira does.
pub(crate) struct Sender(pub(crate) Arc<JiraConfig>);

impl Posting for Sender {
    fn attempt(&self, delivery: &WebhookDelivery, number: u32, now: Timestamp) -> WebhookDelivery {
        let mut sent = delivery.clone();
        let query = delivery.query.as_deref();
        if let Some((name, value)) = sign(&self.0.scheme, query, &delivery.body, now) {
            sent.headers.insert(name, value);
        }
        if number > 1 {
            let retry = (number - 1).into();
            sent.headers.insert("x-atlassian-webhook-retry", retry);
        }
        sent
    }

    fn retries(&self, status: StatusCode) -> bool {
        status.is_server_error() || [408, 409, 425, 429].contains(&status.as_u16())
    }
}
