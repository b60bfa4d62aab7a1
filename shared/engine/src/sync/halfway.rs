//! What our own write left behind on its way: a status may take several steps, and the walk may break off between two.

use std::collections::BTreeMap;

use im_model::{BasePair, ExternalRecord, Field, Incident};
use im_sync::Sent;
use jiff::Timestamp;

use super::{SyncEngine, worker::Worker};
use crate::SyncError;

impl Worker<'_> {
    /// Fields that hold neither what base says nor what was sent, but what our own account wrote within a lease: no
    /// change of anybody's. Base follows the vendor's side there, so that the platform's value is still what is new.
    pub(super) async fn halfway(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        sent: &BTreeMap<Field, Sent>,
        since: Timestamp,
    ) -> Result<BTreeMap<Field, BasePair>, SyncError> {
        let base = |field: &Field| {
            let link = incident.links.get(self.id())?;
            let base = self.settled.get(field).or_else(|| link.base.get(field))?;
            let held = record.fields.get(field)?.value.digest();
            (held != base.external).then_some(BasePair {
                external: held,
                ours: true,
                one_of_many: false,
                platform: base.platform,
            })
        };
        let moved = sent
            .keys()
            .filter_map(|field| Some((field.clone(), base(field)?)));
        let mut moved: BTreeMap<_, _> = moved.collect();
        if moved.is_empty() {
            return Ok(moved);
        }
        let Some(own) = self.vendor.own_actor(self.connection()).await? else {
            return Ok(BTreeMap::new());
        };
        let history = self.history(record, moved.keys(), since).await?;
        moved.retain(|field, pair| {
            let mut changes = history.changes.iter().rev();
            changes
                .find(|change| change.field == *field)
                .is_some_and(|last| {
                    let value = last.value.as_ref().map(im_model::ExternalValue::digest);
                    value == Some(pair.external)
                        && last.author.as_ref() == Some(&own)
                        && last.at <= since + SyncEngine::lease(&*self.engine.clock)
                })
        });
        Ok(moved)
    }
}
