//! The vendor: records with a count of their changes and an audit.

use std::collections::BTreeMap;

use im_model::{ExternalId, Field, IncidentId, RecordVersion};

use super::{
    ask::{Said, VendorAsk},
    shared::Shared,
};

/// Who wrote at the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Author {
    Us,
    Person,
}

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub field: Field,
    pub old: String,
    pub new: String,
    pub author: Author,
    /// The record's count of changes after it.
    pub count: u32,
    pub at: u32,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: ExternalId,
    pub created_at: u32,
    pub updated_at: u32,
    /// How often it was changed.
    pub count: u32,
    pub correlation: Option<IncidentId>,
    pub fields: BTreeMap<Field, String>,
    pub audit: Vec<Change>,
}

impl Record {
    pub fn value(&self, field: &Field) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    /// The version that a webhook of a change of this second announces: the least there can be.
    pub fn announced(&self) -> RecordVersion {
        RecordVersion(
            u64::try_from(super::at(self.updated_at).as_second()).expect("after 1970") << 20,
        )
    }

    /// Changes fields; `None` if they hold that already, which counts as no change and is announced to nobody.
    pub fn changed(&self, to: &BTreeMap<Field, String>, author: Author, now: u32) -> Option<Self> {
        let mut after = self.clone();
        for (field, new) in to {
            let old = self.value(field).to_owned();
            if old == *new {
                continue;
            }
            after.fields.insert(field.clone(), new.clone());
            after.audit.push(Change {
                field: field.clone(),
                old,
                new: new.clone(),
                author,
                count: self.count + 1,
                at: now,
            });
        }
        if after.audit.len() == self.audit.len() {
            return None;
        }
        after.count += 1;
        after.updated_at = now;
        Some(after)
    }
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Vendor {
    pub records: BTreeMap<ExternalId, Shared<Record>>,
}

impl Vendor {
    /// Carries a request out. The second is the record that it has changed or made, if it did.
    pub fn carry_out(&mut self, ask: &VendorAsk, now: u32) -> (Said, Option<Shared<Record>>) {
        match ask {
            VendorAsk::Read(id) | VendorAsk::Audit(id) => (self.said(id), None),
            VendorAsk::Write(id, values) => {
                let after = self
                    .records
                    .get(id)
                    .and_then(|record| record.changed(values, Author::Us, now).map(Shared::new));
                if let Some(after) = &after {
                    self.records.insert(id.clone(), after.clone());
                }
                (self.said(id), after)
            }
            VendorAsk::Find(incident) => {
                let carries =
                    |record: &&Shared<Record>| record.correlation.as_ref() == Some(incident);
                (
                    Said::Records(self.records.values().filter(carries).cloned().collect()),
                    None,
                )
            }
            VendorAsk::Create(incident, values) => {
                let id = self.next_id();
                let record = Shared::new(Record {
                    id: id.clone(),
                    created_at: now,
                    updated_at: now,
                    count: 0,
                    correlation: Some(incident.clone()),
                    fields: values.clone(),
                    audit: Vec::new(),
                });
                self.records.insert(id, record.clone());
                (Said::Record(record.clone()), Some(record))
            }
        }
    }

    fn said(&self, id: &ExternalId) -> Said {
        self.records
            .get(id)
            .map_or(Said::NoSuchRecord, |record| Said::Record(record.clone()))
    }

    /// A `sys_id` has 32 hexadecimal digits.
    pub fn next_id(&self) -> ExternalId {
        ExternalId::parse(&format!("{:032x}", self.records.len() + 1)).expect("an id")
    }
}
