//! What the audit says of a change: pure, and never a secret.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use im_model::{
    ActorId, AuditChange, AuditEntry, AuditId, Audited, Integration, IntegrationId, OrganizationId,
    Schedule,
};
use im_vendors::Credentials;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ports::Ids;

/// Makes entries of what somebody does now.
pub(crate) struct Auditor<'a> {
    ids: &'a dyn Ids,
    actor: Option<&'a ActorId>,
    now: Timestamp,
}

impl<'a> Auditor<'a> {
    /// `actor` is nobody where the system does it by itself.
    pub(crate) fn new(ids: &'a dyn Ids, actor: Option<&'a ActorId>, now: Timestamp) -> Self {
        Self { ids, actor, now }
    }

    /// An integration was created, with credentials of these names.
    pub(crate) fn created<'n>(
        &self,
        after: &Integration,
        credentials: impl Iterator<Item = &'n String>,
    ) -> AuditEntry {
        let mut changes = differences(&BTreeMap::new(), &configuration(after));
        changes.extend(credentials.map(|name| replaced(name, false)));
        self.of_integration(after, Audited::IntegrationCreated, changes)
    }

    /// Its configuration was changed.
    pub(crate) fn changed(&self, before: &Integration, after: &Integration) -> AuditEntry {
        let changes = differences(&configuration(before), &configuration(after));
        self.of_integration(after, Audited::IntegrationChanged, changes)
    }

    /// Its credentials of these names are about to be replaced.
    pub(crate) fn replaced<'n>(
        &self,
        integration: &Integration,
        kept: &Credentials,
        names: impl Iterator<Item = &'n String>,
    ) -> AuditEntry {
        let changes = names.map(|name| replaced(name, kept.0.contains_key(name)));
        self.of_integration(integration, Audited::CredentialsReplaced, changes.collect())
    }

    /// It was deleted.
    pub(crate) fn deleted(&self, before: &Integration) -> AuditEntry {
        let changes = differences(&configuration(before), &BTreeMap::new());
        self.of_integration(before, Audited::IntegrationDeleted, changes)
    }

    /// Its reconciliation schedule was set, or removed.
    pub(crate) fn scheduled(
        &self,
        integration: &Integration,
        before: Option<&Schedule>,
        after: Option<&Schedule>,
    ) -> AuditEntry {
        let action = match after {
            Some(_) => Audited::ScheduleSet,
            None => Audited::ScheduleRemoved,
        };
        let flat = |schedule: Option<&Schedule>| {
            let mut flat = BTreeMap::new();
            if let Some(it) = schedule {
                let said = json!({
                    "interval": it.interval, "auto_heal": it.auto_heal, "enabled": it.enabled,
                    "full_every": it.full_every,
                });
                flatten("schedule", &said, &mut flat);
            }
            flat
        };
        let changes = differences(&flat(before), &flat(after));
        self.of_integration(integration, action, changes)
    }

    /// What is called `subject` was something, and is now something else.
    pub(crate) fn settled(
        &self,
        (organization, integration): (&OrganizationId, &IntegrationId),
        action: Audited,
        subject: &str,
        (before, after): (&str, &str),
    ) -> AuditEntry {
        let json = |word: &str| Some(json!(word).to_string());
        AuditEntry {
            subject: Some(subject.to_owned()),
            changes: vec![AuditChange::new("status", json(before), json(after))],
            ..self.entry(organization, integration, action)
        }
    }

    fn of_integration(
        &self,
        integration: &Integration,
        action: Audited,
        changes: Vec<AuditChange>,
    ) -> AuditEntry {
        AuditEntry {
            changes,
            ..self.entry(&integration.organization, &integration.id, action)
        }
    }

    fn entry(
        &self,
        organization: &OrganizationId,
        integration: &IntegrationId,
        action: Audited,
    ) -> AuditEntry {
        AuditEntry {
            id: AuditId::from_ulid(self.ids.ulid(self.now)),
            at: self.now,
            organization: organization.clone(),
            integration: integration.clone(),
            actor: self.actor.cloned(),
            action,
            subject: None,
            changes: Vec::new(),
        }
    }
}

fn replaced(name: &str, was_there: bool) -> AuditChange {
    let secret = || Some(AuditChange::SECRET.to_owned());
    let before = was_there.then(secret).flatten();
    AuditChange::new(format!("credentials.{name}"), before, secret())
}

/// Each value that a person can set, by the name that the API has for it, in JSON.
fn configuration(integration: &Integration) -> BTreeMap<String, String> {
    // Whoever adds a field says here whether it is told.
    let Integration {
        id: _,
        organization: _,
        integration_type,
        name,
        base_url,
        direction,
        enabled,
        activity,
        paused_because,
        strategy,
        conflict_window,
        requests_per_minute,
        mode,
        brake,
        mappings,
        triggers,
        options,
        ownership,
        notes_in_since: _,
        secret_id: _,
        version: _,
        created_at: _,
        updated_at: _,
    } = integration;
    let said = json!({
        "integration_type": integration_type, "name": name, "base_url": base_url, "sync_direction": direction,
        "enabled": enabled, "activity": activity, "paused_because": paused_because, "conflict_strategy": strategy,
        "conflict_window": conflict_window.to_string(), "requests_per_minute": requests_per_minute, "mode": mode,
        "brake": brake, "mappings": mappings, "triggers": triggers, "options": options,
        "field_ownership": ownership,
    });
    let mut flat = BTreeMap::new();
    flatten("", &said, &mut flat);
    flat
}

/// Objects become dotted names; what is empty or null is not there.
fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (member, value) in members {
                let name = if name.is_empty() {
                    member.clone()
                } else {
                    format!("{name}.{member}")
                };
                flatten(&name, value, into);
            }
        }
        leaf => {
            into.insert(name.to_owned(), leaf.to_string());
        }
    }
}

fn differences(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<AuditChange> {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let mut changes: Vec<_> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let (before, after) = (before.get(name).cloned(), after.get(name).cloned());
            AuditChange::new(name, before, after)
        })
        .collect();
    changes.sort_by(|a, b| a.what.cmp(&b.what));
    changes
}
