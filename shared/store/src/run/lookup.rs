//! Many links at once, for listings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_engine::{StoreError, ports::LinkLookup};
use im_model::{ExternalId, Incident, IncidentId, IntegrationId};

use super::{key, read};
use crate::{DynamoStore, incident::read_incident, keys, row::ExternalRow};

#[async_trait]
impl LinkLookup for DynamoStore {
    async fn incidents_of_records(
        &self,
        integration: &IntegrationId,
        records: &[ExternalId],
    ) -> Result<BTreeMap<ExternalId, IncidentId>, StoreError> {
        let by_key: BTreeMap<_, _> = records
            .iter()
            .map(|record| (keys::external(integration, record), record))
            .collect();
        let wanted: Vec<_> = by_key.keys().map(|pk| key(pk, keys::LINK)).collect();
        let mut found = BTreeMap::new();
        for item in self.get_many(&self.tables.sync, &wanted).await? {
            let row: ExternalRow = read(item, "the entries of records")?;
            if let Some(record) = by_key.get(&row.pk) {
                found.insert((*record).clone(), row.incident);
            }
        }
        Ok(found)
    }

    async fn load_many(&self, ids: &[IncidentId]) -> Result<Vec<Incident>, StoreError> {
        let wanted: Vec<_> = ids
            .iter()
            .map(|id| key(&keys::incident(id), keys::STATE))
            .collect();
        let found = self.get_many(&self.tables.sync, &wanted).await?.into_iter();
        found.map(|item| read_incident(item, "incidents")).collect()
    }
}
