//! When the vendor's fields changed, where a decision may depend on it (design 3, rule 4).

use im_model::{ExternalRecord, Incident, Link};
use im_sync::{add_times, wanting_times};

use super::worker::Worker;
use crate::SyncError;

impl Worker<'_> {
    /// Asks the vendor's history when fields changed of which only the record's time is known. One query and one
    /// request, on the way to a conflict only.
    pub(super) async fn find_times(
        &self,
        incident: &Incident,
        link: &Link,
        record: &mut ExternalRecord,
    ) -> Result<(), SyncError> {
        let mut wanting = self.planning(incident, link, record, wanting_times);
        wanting.retain(|field| self.vendor.history_covers(field));
        // The one that has been agreed on for longest: no other's change is older.
        let longest = wanting.iter().min_by_key(|field| link.moved.get(field));
        let Some(field) = longest else {
            return Ok(());
        };
        // What both sides last agreed on is older than any change that is a question now, but for an edit that was taken
        // over a moment before the platform's.
        let agreed_at = self.agreed(incident, link, field).await?.at;
        let window = self
            .rules
            .conflict_window
            .max(im_model::Integration::CONFLICT_WINDOW);
        let since = agreed_at.map_or(record.created_at, |at| at - window);
        let history = self.vendor.history(self.connection(), &record.id, since);
        add_times(record, &wanting, history.await?);
        Ok(())
    }
}
