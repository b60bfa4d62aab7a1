//! The invariants of design section 8, by number, as far as the model has what they are about.

use std::collections::BTreeMap;

use im_model::{ExternalValue, Field, IntegrationId, Link, PlatformValue};

use super::{
    ask::{Ask, Committed, Said},
    scenario::{FIELDS, Scenario, Style},
    state::{Missing, State},
    vendor::{Author, Record},
};

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number.
    pub invariant: u8,
    /// In words.
    pub words: String,
}

pub fn violated<T>(invariant: u8, words: String) -> Result<T, Violation> {
    Err(Violation { invariant, words })
}

/// Nobody but the journal can tell of it: no worker is looking for it.
const NOBODY: u32 = u32::MAX;

impl State {
    pub fn note_edit(&mut self, side: Option<&IntegrationId>, field: &Field, value: &str) {
        let key = (side.cloned(), field.clone());
        *self.seen.edits.entry(key.clone()).or_default() += 1;
        self.seen
            .held
            .entry(key)
            .or_default()
            .insert(value.to_owned());
    }

    /// What a worker's write to the store did.
    pub fn check_stored<'a>(
        &mut self,
        before: &Self,
        ask: &Ask,
        told: impl Iterator<Item = &'a Said>,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        match ask {
            Ask::Commit(commit) => {
                self.check_commit(before, commit, told, scenario)?;
                self.check_base(&commit.integration, &commit.link)
            }
            Ask::Connect(connect) => self.check_base(&connect.integration, &connect.link),
            _ => Ok(()),
        }
    }

    fn check_commit<'a>(
        &mut self,
        before: &Self,
        commit: &Committed,
        told: impl Iterator<Item = &'a Said>,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let id = &commit.integration;
        let present = &before.incidents[&commit.incident.id];
        let records: Vec<_> = told
            .filter_map(|said| match said {
                Said::Record(record) => Some(record),
                _ => None,
            })
            .collect();
        for (field, pulled) in &commit.pulls {
            let new = pulled.value.as_str().unwrap_or_default();
            let old = present.value(field);
            if !scenario.owner(field).lets_in() {
                return violated(
                    5,
                    format!("{field} of {id} was pulled, which only the platform may move"),
                );
            }
            if commit.incident.field_version(field) != present.field_version(field) {
                return violated(2, format!("{new:?} of {id} was pulled over {old:?} unseen"));
            }
            let read = records.iter().find(|record| record.value(field) == new);
            let count = read.map_or(0, |record| record.count);
            let key = (id.clone(), field.clone());
            let last = self.seen.pulled_count.entry(key.clone()).or_default();
            if count < *last {
                return violated(
                    2,
                    format!("{new:?} of {id} was pulled after a newer value of {field}"),
                );
            }
            *last = count;
            self.seen
                .known_version
                .insert(key.clone(), present.field_version(field) + 1);
            let held = self.seen.held.entry((None, field.clone())).or_default();
            held.insert(new.to_owned());
            if old.as_str() == Some(new) {
                continue;
            }
            let pulls = self.seen.writes.entry((key.0, key.1, true)).or_default();
            *pulls += 1;
            if *pulls
                > self
                    .seen
                    .edits
                    .get(&(Some(id.clone()), field.clone()))
                    .copied()
                    .unwrap_or(0)
            {
                return violated(
                    3,
                    format!("{field} was pulled from {id} more often than edited there"),
                );
            }
            self.seen.missing.insert(Missing {
                integration: id.clone(),
                side: 0,
                field: field.clone(),
                value: old.as_str().unwrap_or_default().to_owned(),
                worker: NOBODY,
            });
        }
        Ok(())
    }

    /// The base holds only values both sides were seen to hold.
    fn check_base(&self, id: &IntegrationId, link: &Link) -> Result<(), Violation> {
        for field in FIELDS {
            let Some(base) = link.base.get(&field) else {
                continue;
            };
            let held = |side: Option<&IntegrationId>| {
                let key = (side.cloned(), field.clone());
                self.seen.held.get(&key).into_iter().flatten()
            };
            let is_ours =
                held(None).any(|text| PlatformValue::text(text).digest() == base.platform);
            let is_theirs =
                held(Some(id)).any(|text| ExternalValue::text(text).digest() == base.external);
            if !is_ours || !is_theirs {
                return violated(7, format!("the base of {field} at {id} was never seen"));
            }
        }
        Ok(())
    }

    /// What our write did at a vendor.
    pub fn check_vendor_write(
        &mut self,
        to: &IntegrationId,
        old: Option<&Record>,
        after: &Record,
        version: &BTreeMap<Field, u64>,
        worker: u32,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let alike = self.vendors[to].records.values();
        if after.correlation.is_some()
            && alike
                .filter(|record| record.correlation == after.correlation)
                .count()
                > 1
        {
            return violated(4, format!("{to} has two records of one incident"));
        }
        let fields = FIELDS
            .into_iter()
            .filter(|field| old.is_none_or(|old| old.value(field) != after.value(field)));
        for field in fields {
            let new = after.value(&field).to_owned();
            let key = (to.clone(), field.clone());
            if !scenario.owner(&field).lets_out() {
                return violated(
                    5,
                    format!("{field} was written to {to}, which alone may move it"),
                );
            }
            let sent = version.get(&field).copied().unwrap_or(0);
            let known = self.seen.known_version.entry(key.clone()).or_default();
            if sent < *known {
                return violated(
                    2,
                    format!("{to} got {new:?}, an older value of {field} than it had"),
                );
            }
            *known = sent;
            let side = (Some(to.clone()), field.clone());
            self.seen.held.entry(side.clone()).or_default().insert(new);
            let Some(old) = old else { continue };
            let edits = self.seen.edits.iter();
            let elsewhere = edits.filter(|((by, of), _)| *of == field && *by != side.0);
            let causes: u32 = elsewhere.map(|(_, edits)| edits).sum();
            let writes = self.seen.writes.entry((key.0, key.1, false)).or_default();
            *writes += 1;
            if *writes > causes {
                return violated(
                    3,
                    format!("{field} was written to {to} more often than edited elsewhere"),
                );
            }
            self.field_moved(to, &field, scenario);
            if worker > 0 {
                self.seen.missing.insert(Missing {
                    integration: to.clone(),
                    side: 1,
                    value: old.value(&field).to_owned(),
                    field,
                    worker,
                });
            }
        }
        debug_assert!(
            after
                .audit
                .last()
                .is_none_or(|last| last.author == Author::Us)
        );
        Ok(())
    }

    /// Known gap: where only webhooks tell what a write took the place of, they are too late once the field has moved on.
    pub fn field_moved(&mut self, id: &IntegrationId, field: &Field, scenario: &Scenario) {
        if scenario.style == Style::Tells {
            let is_it = |missing: &Missing| {
                missing.integration == *id && missing.field == *field && missing.worker != NOBODY
            };
            self.seen.missing.retain(|missing| !is_it(missing));
        }
    }

    /// Known gap: where only the count of a record's changes tells what a write took the place of, nobody looks if the
    /// writer does not live to see the answer.
    pub fn give_up_looking(&mut self, worker: u32) {
        self.seen.missing.retain(|missing| missing.worker != worker);
    }
}
