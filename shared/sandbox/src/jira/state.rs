//! The issues of a site, behind the stand-in's lock.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::config::JiraConfig;
use super::edit::{Change, Edit};
use super::issue::{Author, Issue};
use super::refusal::Refusal;
use super::site::{Named, Project, Site, by_id};
use super::webhook::{self, Sender};
use super::workflow::Workflow;
use crate::appended::Appended;
use crate::rate_limit::RateLimit;
use crate::surroundings::Surroundings;
use crate::versions::Versions;

/// What an issue is created from, besides what can be changed later.
pub(crate) struct NewIssue {
    pub(crate) issue_type: Named,
    pub(crate) changes: Vec<Change>,
}

/// What one change made of the issues.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changes {
    issues: Vec<(String, Issue)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deletions: Vec<(String, Timestamp)>,
    last_id: u32,
}

/// The site's issues and who may write them.
pub struct State {
    pub(crate) surroundings: Surroundings,
    pub(crate) config: Arc<JiraConfig>,
    pub(crate) limit: RateLimit,
    pub(crate) writes_per_issue: RateLimit,
    /// By id.
    issues: Versions<Issue>,
    /// Issues that are no more, by id.
    deleted: HashMap<String, Timestamp>,
    /// The same, in order.
    deletions: Appended<(String, Timestamp)>,
    last_id: u32,
}

impl State {
    pub(crate) fn new(config: JiraConfig) -> Self {
        let config = Arc::new(config);
        let mut surroundings = Surroundings::new(Arc::clone(&config.clock), config.seed);
        surroundings.outbox.posting = Arc::new(Sender(Arc::clone(&config)));
        Self {
            surroundings,
            limit: RateLimit::per_minute(config.requests_per_minute),
            writes_per_issue: RateLimit::per_minute(config.writes_per_issue),
            issues: Versions::default(),
            deleted: HashMap::new(),
            deletions: Appended::default(),
            last_id: 10_000,
            config,
        }
    }

    pub(crate) fn take_unsaved(&mut self) -> Option<Changes> {
        let issues = self.issues.take_unsaved();
        let deletions = self.deletions.take_unsaved();
        let nothing = issues.is_empty() && deletions.is_empty();
        (!nothing).then_some(Changes {
            issues,
            deletions,
            last_id: self.last_id,
        })
    }

    pub(crate) fn take_up(&mut self, changes: Changes) {
        self.issues.take_up(changes.issues);
        self.deleted.extend(changes.deletions.iter().cloned());
        self.deletions.take_up(changes.deletions);
        self.last_id = changes.last_id;
    }

    pub(crate) fn site(&self) -> &Site {
        &self.config.site
    }

    pub(crate) fn workflow(&self) -> &Workflow {
        &self.config.site.workflow
    }

    /// The next id of an issue, a comment or an entry of the changelog.
    pub(crate) fn next_id(&mut self) -> String {
        self.last_id += 1;
        self.last_id.to_string()
    }

    /// The next key of a project.
    pub(crate) fn next_key(&self, project: &Project) -> String {
        let prefix = format!("{}-", project.key);
        let of_it = |key: &str| key.starts_with(&prefix);
        let known = self.issues.all();
        let taken = known
            .filter(|issue| of_it(&issue.key) || issue.former_keys.iter().any(|key| of_it(key)));
        format!("{prefix}{}", taken.count() + 1)
    }

    /// The id behind a key or an id; keys go whatever their case.
    fn id_of<'a>(&'a self, key_or_id: &'a str) -> &'a str {
        let mut issues = self.issues.all();
        issues
            .find(|issue| issue.is_called(key_or_id))
            .map_or(key_or_id, |issue| &issue.id)
    }

    pub(crate) fn issue(&self, key_or_id: &str) -> Result<&Issue, Refusal> {
        self.version(key_or_id, 0)
    }

    /// The issue as it was `behind` changes ago, or as it was first.
    pub(crate) fn version(&self, key_or_id: &str, behind: usize) -> Result<&Issue, Refusal> {
        let id = self.id_of(key_or_id);
        if self.deleted.contains_key(id) {
            return Err(Refusal::no_issue());
        }
        self.issues.behind(id, behind).ok_or_else(Refusal::no_issue)
    }

    /// In order of creation.
    pub(crate) fn issues(&self) -> impl DoubleEndedIterator<Item = &Issue> {
        let issues = self.issues.all();
        issues.filter(|issue| !self.deleted.contains_key(&issue.id))
    }

    /// What a search at `now` sees, in order of creation; `present` are seen as they are now.
    pub(crate) fn indexed(&self, now: Timestamp, present: &[String]) -> Vec<&Issue> {
        let horizon = now.saturating_sub(self.config.index_lag).unwrap_or(now);
        let seen = |versions: &'_ [Issue]| {
            let id = &versions.first()?.id;
            let horizon = if present.contains(id) { now } else { horizon };
            let gone = self.deleted.get(id).is_some_and(|at| *at <= horizon);
            let mut known = versions.iter().rev();
            let place = known.position(|issue| issue.updated <= horizon && !gone)?;
            Some(versions.len() - 1 - place)
        };
        let histories = self.issues.histories();
        histories
            .filter_map(|versions| Some(&versions[seen(versions)?]))
            .collect()
    }

    pub(crate) fn store(&mut self, issue: Issue) {
        let id = issue.id.clone();
        self.issues.store(&id, issue);
    }

    /// The same for a change by somebody, who may set off automations.
    pub(crate) fn store_of(&mut self, issue: Issue, author: &Author) {
        if *author != Author::Automation {
            let config = Arc::clone(&self.config);
            let before = self.issues.get(&issue.id);
            let value = |issue: &Issue, field: &str| issue.named(&config.site, field);
            let automations = &mut self.surroundings.automations;
            automations.set_off(&issue.id, before, &issue, value);
        }
        self.store(issue);
    }

    /// Starts a change; nothing is kept until it is finished.
    pub(crate) fn edit(&mut self, key_or_id: &str, author: &Author) -> Result<Edit<'_>, Refusal> {
        let issue = self.issue(key_or_id)?.clone();
        Ok(Edit::new(self, issue, author.clone()))
    }

    /// Creates an issue from checked values.
    pub(crate) fn create(&mut self, new: NewIssue, author: &Author) -> Result<Issue, Refusal> {
        let now = self.surroundings.now();
        let config = Arc::clone(&self.config);
        let site = &config.site;
        let status = site.workflow.statuses.first();
        let priority = by_id(&site.priorities, &site.default_priority);
        let (Some(status), Some(priority)) = (status, priority) else {
            return Err(Refusal::invalid(
                "the site has no status or no default priority",
            ));
        };
        let id = self.next_id();
        let issue = Issue {
            id,
            key: self.next_key(&site.project),
            project: None,
            former_keys: Vec::new(),
            issue_type: new.issue_type,
            summary: String::new(),
            description: None,
            status: status.clone(),
            priority: priority.clone(),
            labels: Vec::new(),
            assignee: None,
            reporter: self.account_of(author),
            resolution: None,
            custom: std::collections::BTreeMap::new(),
            properties: std::collections::BTreeMap::new(),
            comments: Vec::new(),
            history: Vec::new(),
            created: now,
            updated: now,
            resolved_at: None,
            category_changed_at: now,
        };
        Ok(Edit::new(self, issue, author.clone()).create(new.changes))
    }

    pub(crate) fn delete(&mut self, key_or_id: &str, author: &Author) -> Result<(), Refusal> {
        let issue = self.issue(key_or_id)?.clone();
        let now = self.surroundings.now();
        self.deleted.insert(issue.id.clone(), now);
        self.deletions.push((issue.id.clone(), now));
        webhook::issue_deleted(self, &issue, author, now);
        Ok(())
    }

    /// The account that the history names.
    pub(crate) fn account_of(&self, author: &Author) -> String {
        match author {
            Author::User(account_id) => account_id.clone(),
            Author::Automation => self.site().automation.clone(),
        }
    }

    /// The issue that has this comment.
    pub(crate) fn issue_of_comment(&self, id: &str) -> Result<&Issue, Refusal> {
        let mut issues = self.issues();
        let issue = issues.find(|issue| issue.comment(id).is_some());
        issue.ok_or_else(|| Refusal::no_comment(id))
    }
}
