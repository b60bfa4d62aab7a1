//! One write to the vendor, and what its history says of it.

use std::collections::BTreeMap;

use im_model::{ActorId, ExternalRecord, ExternalValue, Field};
use im_sync::{Answer, History};
use im_vendors::{VendorError, VendorErrorKind, Written};
use jiff::Timestamp;

use super::worker::Worker;
use crate::SyncError;

impl Worker<'_> {
    pub(super) async fn write(
        &self,
        record: &ExternalRecord,
        pushes: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Answer, SyncError> {
        if pushes.is_empty() {
            return Ok(Answer::default());
        }
        match self.vendor.write(self.connection(), record, pushes).await {
            Ok(Written { record, refused }) => Ok(Answer {
                record: Some(record),
                refused,
                ..Answer::default()
            }),
            // Refused for what it says: that is the answer, and the other fields need not wait for it.
            Err(error) if matches!(error.kind, VendorErrorKind::Refused { .. }) => {
                self.write_one_by_one(record, pushes, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Finds out which of the fields the vendor refused. One write a field, on this path only.
    async fn write_one_by_one(
        &self,
        record: &ExternalRecord,
        pushes: &BTreeMap<Field, ExternalValue>,
        refused_together: &VendorError,
    ) -> Result<Answer, SyncError> {
        let mut answer = Answer::default();
        for (field, value) in pushes {
            let one = BTreeMap::from([(field.clone(), value.clone())]);
            let written = if pushes.len() == 1 {
                Err(refused_together.clone())
            } else {
                self.vendor.write(self.connection(), record, &one).await
            };
            match written {
                Ok(Written { record, refused }) => {
                    answer.record = Some(record);
                    answer.refused.extend(refused);
                }
                Err(error) if matches!(error.kind, VendorErrorKind::Refused { .. }) => {
                    answer.refused.insert(field.clone(), error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(answer)
    }

    /// The vendor's history, if it has one of any of these fields.
    pub(super) async fn history(
        &self,
        record: &ExternalRecord,
        mut fields: impl Iterator<Item = &Field>,
        since: Timestamp,
    ) -> Result<History, SyncError> {
        if !fields.any(|field| self.vendor.history_covers(field)) {
            return Ok(History::default());
        }
        Ok(self
            .vendor
            .history(self.connection(), &record.id, since)
            .await?)
    }

    /// The same without what is known to be somebody else's: who happens to write what we sent, is not us.
    pub(super) async fn our_history(
        &self,
        record: &ExternalRecord,
        fields: impl Iterator<Item = &Field>,
        since: Timestamp,
    ) -> Result<History, SyncError> {
        let mut history = self.history(record, fields, since).await?;
        if history.changes.is_empty() {
            return Ok(history);
        }
        if let Some(own) = self.vendor.own_actor(self.connection()).await? {
            let is_ours = |author: &ActorId| *author == own;
            history.changes.retain(|change| {
                change.value.is_none() || change.author.as_ref().is_none_or(is_ours)
            });
        }
        Ok(history)
    }
}
