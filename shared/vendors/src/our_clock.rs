//! Times of a vendor by our clock: one decorator for all of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_model::{
    ActorId, ExternalId, ExternalNote, ExternalRecord, ExternalValue, Field, IncidentId,
    Integration, Note, NoteId, OwnershipRules, RecordVersion,
};
use im_sync::{History, LinkRules};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Check, Configuration, Connection, ListQuery, Listing, VendorApi, VendorError, Written,
    vendor_clock::MARGIN,
};

/// A vendor whose answers have their times by our clock, as far as its own is known. Its versions stay its own, and so
/// does the time of a note's later wording, which is part of that wording's name.
pub(crate) struct OurClock<V>(pub(crate) V);

impl Connection<'_> {
    /// How far the vendor's clock is ahead of ours, or behind if negative; zero where that is not known.
    pub fn clock_offset(&self) -> SignedDuration {
        self.memory.clock_offset(self.integration, self.now)
    }

    /// A time that the vendor gave, by our clock. For those of webhooks: what [`VendorApi`] answers is so already.
    pub fn our_time(&self, theirs: Timestamp) -> Timestamp {
        shifted(theirs, -self.clock_offset())
    }

    /// A time of ours, by the vendor's clock.
    pub(crate) fn their_time(&self, ours: Timestamp) -> Timestamp {
        shifted(ours, self.clock_offset())
    }
}

fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

fn shift_record(mut record: ExternalRecord, by: SignedDuration) -> ExternalRecord {
    record.created_at = shifted(record.created_at, by);
    record.updated_at = shifted(record.updated_at, by);
    for observed in record.fields.values_mut() {
        if let Some(changed) = &mut observed.changed {
            changed.at = shifted(changed.at, by);
        }
    }
    record
}

fn ours(connection: &Connection<'_>, record: ExternalRecord) -> ExternalRecord {
    shift_record(record, -connection.clock_offset())
}

/// A vendor may give back the record that it was given.
fn theirs(connection: &Connection<'_>, record: &ExternalRecord) -> ExternalRecord {
    shift_record(record.clone(), connection.clock_offset())
}

fn written(connection: &Connection<'_>, written: Written) -> Written {
    Written {
        record: ours(connection, written.record),
        ..written
    }
}

#[async_trait]
impl<V: VendorApi> VendorApi for OurClock<V> {
    fn configuration(&self) -> Configuration {
        self.0.configuration()
    }

    fn check_options(&self, options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.0.check_options(options)
    }

    fn setup_steps(&self, integration: &Integration, webhook_url: &str) -> Vec<String> {
        self.0.setup_steps(integration, webhook_url)
    }

    async fn probe(&self, connection: Connection<'_>) -> Vec<Check> {
        self.0.probe(connection).await
    }

    fn aliases(&self) -> &'static [(&'static str, Field)] {
        self.0.aliases()
    }

    fn default_ownership(&self) -> OwnershipRules {
        self.0.default_ownership()
    }

    async fn rules(
        &self,
        integration: &Integration,
        connection: Connection<'_>,
    ) -> Result<LinkRules, VendorError> {
        self.0.rules(integration, connection).await
    }

    fn usual_rules(&self, integration: &Integration) -> LinkRules {
        self.0.usual_rules(integration)
    }

    fn creatable(&self, values: BTreeMap<Field, ExternalValue>) -> BTreeMap<Field, ExternalValue> {
        self.0.creatable(values)
    }

    fn implied_by_creation(&self, rules: &LinkRules) -> BTreeMap<Field, ExternalValue> {
        self.0.implied_by_creation(rules)
    }

    fn history_covers(&self, field: &Field) -> bool {
        self.0.history_covers(field)
    }

    async fn read(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
    ) -> Result<ExternalRecord, VendorError> {
        let record = self.0.read(connection, id).await?;
        Ok(ours(&connection, record))
    }

    async fn find(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
    ) -> Result<Vec<ExternalRecord>, VendorError> {
        let found = self.0.find(connection, incident).await?.into_iter();
        Ok(found.map(|record| ours(&connection, record)).collect())
    }

    async fn list(
        &self,
        connection: Connection<'_>,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Listing, VendorError> {
        let since = |at: Timestamp| match connection.clock_offset() {
            SignedDuration::ZERO => at,
            _ => shifted(connection.their_time(at), -MARGIN),
        };
        let query = ListQuery {
            since: query.since.map(since),
            noted_since: query.noted_since.map(since),
            until: connection.their_time(query.until),
        };
        let page = self.0.list(connection, &query, after).await?;
        let records = page.records.into_iter();
        Ok(Listing {
            records: records.map(|record| ours(&connection, record)).collect(),
            ..page
        })
    }

    async fn refusals(
        &self,
        connection: Connection<'_>,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<BTreeMap<Field, String>, VendorError> {
        self.0.refusals(connection, values).await
    }

    async fn create(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let created = self.0.create(connection, incident, values).await?;
        Ok(written(&connection, created))
    }

    async fn notes(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
    ) -> Result<Vec<ExternalNote>, VendorError> {
        let record = theirs(&connection, record);
        let mut notes = self.0.notes(connection, &record).await?;
        for note in &mut notes {
            note.at = connection.our_time(note.at);
        }
        Ok(notes)
    }

    async fn add_note(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        note: &Note,
    ) -> Result<Option<NoteId>, VendorError> {
        let record = theirs(&connection, record);
        self.0.add_note(connection, &record, note).await
    }

    async fn write(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let record = theirs(&connection, record);
        let changed = self.0.write(connection, &record, values).await?;
        Ok(written(&connection, changed))
    }

    async fn own_actor(&self, connection: Connection<'_>) -> Result<Option<ActorId>, VendorError> {
        self.0.own_actor(connection).await
    }

    fn writes_between(&self, read: RecordVersion, later: RecordVersion) -> Option<u64> {
        self.0.writes_between(read, later)
    }

    /// Of a clock that is wrong by an estimate, a little more is asked for than since that moment.
    async fn history(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
        since: Timestamp,
    ) -> Result<History, VendorError> {
        let their_since = match connection.clock_offset() {
            SignedDuration::ZERO => since,
            _ => shifted(connection.their_time(since), -MARGIN),
        };
        let mut history = self.0.history(connection, id, their_since).await?;
        for change in &mut history.changes {
            change.at = connection.our_time(change.at);
        }
        Ok(history)
    }
}

#[cfg(test)]
mod tests {
    use im_model::IntegrationId;

    use super::*;
    use crate::{Credentials, Memory, Transport, TransportError};

    struct Nowhere;

    #[async_trait]
    impl Transport for Nowhere {
        async fn send(
            &self,
            _: http::Request<bytes::Bytes>,
        ) -> Result<http::Response<bytes::Bytes>, TransportError> {
            Err(TransportError::Timeout)
        }
    }

    #[test]
    fn a_webhooks_time_is_brought_to_our_clock_of_its_own_integration_only() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let [ours, another] = ["prod", "stage"].map(|id| id.parse().expect("an id"));
        let memory = Memory::default();
        let five = SignedDuration::from_mins(5);
        memory.note_clock(&ours, now + five, now);
        memory.note_clock(&ours, now + five, now);
        let our_time = |integration: &IntegrationId| {
            let connection = Connection {
                base_url: &"https://vendor.example".parse().expect("a URL"),
                options: &BTreeMap::new(),
                credentials: &Credentials::default(),
                transport: &Nowhere,
                memory: &memory,
                integration,
                now,
            };
            assert_eq!(
                connection.our_time(connection.their_time(now)),
                now,
                "there and back"
            );
            connection.our_time(now + five)
        };
        assert_eq!(our_time(&ours), now);
        assert_eq!(our_time(&another), now + five);
    }
}
