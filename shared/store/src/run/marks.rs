//! Marks of the records that a run has seen: 8 bytes each, an item for each step.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use im_engine::StoreError;
use im_model::RunId;

use super::{expiry, key, number, text};
use crate::{DynamoStore, failed, keys};

impl DynamoStore {
    pub(super) async fn put_marks(
        &self,
        run: &RunId,
        step: u32,
        marks: &[u64],
    ) -> Result<(), StoreError> {
        let pk = keys::run(run);
        let bytes: Vec<u8> = marks.iter().flat_map(|mark| mark.to_be_bytes()).collect();
        let mut item = key(&pk, &keys::seen(step));
        item.insert("marks".to_owned(), AttributeValue::B(Blob::new(bytes)));
        let expires_at = u64::try_from(expiry(run)).unwrap_or_default();
        item.insert("expires_at".to_owned(), number(expires_at));
        let put = self.client.put_item().table_name(&self.tables.sync);
        match put.set_item(Some(item)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("store what was seen by", &pk, &error)),
        }
    }

    pub(super) async fn all_marks(&self, run: &RunId) -> Result<Vec<u64>, StoreError> {
        let pk = keys::run(run);
        let (mut marks, mut start) = (Vec::new(), None);
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.sync)
                .key_condition_expression("pk = :pk AND begins_with(sk, :seen)")
                .expression_attribute_values(":pk", text(&pk))
                .expression_attribute_values(":seen", text(keys::SEEN))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed("read what was seen by", &pk, &error))?;
            for item in answer.items.unwrap_or_default() {
                let blob = item.get("marks").and_then(|marks| marks.as_b().ok());
                let bytes = blob.map(Blob::as_ref).unwrap_or_default();
                let (whole, _) = bytes.as_chunks::<8>();
                marks.extend(whole.iter().map(|mark| u64::from_be_bytes(*mark)));
            }
            match answer.last_evaluated_key {
                Some(next) => start = Some(next),
                None => return Ok(marks),
            }
        }
    }
}
