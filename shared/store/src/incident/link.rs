//! Incident and external id's entry, in one transaction.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use im_engine::{Connect, Counters, LinkByHand, StoreError, ports::Attempt};
use im_model::{ExternalId, IncidentId, IntegrationId};

use super::{
    external_row,
    update::{raise_revision, require_link, set_link, settle_debt},
};
use crate::{
    DynamoStore,
    expression::Expression,
    keys,
    transaction::{broken, item},
    unwritable,
};

impl DynamoStore {
    pub(super) async fn put_connection(
        &self,
        connect: &Connect<'_>,
    ) -> Result<Attempt, StoreError> {
        let pk = keys::incident(&connect.incident.id);
        let build = || {
            let mut update = Expression::default();
            require_link(&mut update, connect.integration, connect.link.version - 1)?;
            set_link(&mut update, connect.integration, &connect.link)?;
            if connect.settles_debt {
                settle_debt(&mut update, connect.incident, connect.integration, false)?;
            }
            update.remove(&["wake"]);
            Ok(update)
        };
        let update = build().map_err(|error| unwritable(&pk, &error))?;
        let tried = "connect the link";
        let items = vec![
            self.state_update(&pk, &update, tried)?,
            self.entry(
                connect.integration,
                &connect.external_id,
                &connect.incident.id,
                None,
                tried,
            )?,
        ];
        let counted = (connect.integration, Counters::OUTBOUND);
        self.transact_and_count(items, counted, tried, &pk).await
    }

    pub(super) async fn put_link(&self, link: &LinkByHand<'_>) -> Result<Attempt, StoreError> {
        let pk = keys::incident(&link.incident.id);
        let build = || {
            let mut update = Expression::default();
            require_link(&mut update, link.integration, link.link.version - 1)?;
            set_link(&mut update, link.integration, &link.link)?;
            let owed = BTreeSet::from([link.integration.clone()]);
            raise_revision(&mut update, link.incident, &owed, link.now)?;
            Ok(update)
        };
        let update = build().map_err(|error| unwritable(&pk, &error))?;
        let tried = "link the incident";
        let owner = link.taken_from.as_ref().map(|(owner, _)| owner);
        let mut items = vec![
            self.state_update(&pk, &update, tried)?,
            self.entry(
                link.integration,
                &link.external_id,
                &link.incident.id,
                owner,
                tried,
            )?,
        ];
        if let Some((owner, version)) = &link.taken_from {
            items.push(self.still_unlinked(owner, link.integration, *version, tried)?);
        }
        for conflict in &link.conflicts {
            items.push(self.conflict_put(conflict, tried)?);
        }
        if let Some(left) = &link.leaves {
            items.push(self.entry_removal(link.integration, left, &link.incident.id, tried)?);
        }
        let counted = (link.integration, Counters::conflicts(&link.conflicts));
        self.transact_and_count(items, counted, tried, &pk).await
    }

    pub(crate) fn state_update(
        &self,
        pk: &str,
        expression: &Expression,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let expression = self.carried_by(expression, pk)?;
        let update = Update::builder()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(keys::STATE.to_owned()))
            .update_expression(expression.update())
            .condition_expression(expression.condition())
            .set_expression_attribute_names(Some(expression.names()))
            .set_expression_attribute_values(expression.values())
            .build()
            .map_err(|error| broken(tried, pk, &error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The record is nobody's, or this incident's, or still the one's it is taken from.
    fn entry(
        &self,
        integration: &IntegrationId,
        external_id: &ExternalId,
        incident: &IncidentId,
        taken_from: Option<&IncidentId>,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let entry = external_row(integration, external_id, incident);
        let owner = taken_from.unwrap_or(incident);
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&entry, &entry.pk)?))
            .condition_expression(
                "attribute_not_exists(pk) OR incident = :incident OR incident = :owner",
            )
            .expression_attribute_values(":incident", AttributeValue::S(incident.to_string()))
            .expression_attribute_values(":owner", AttributeValue::S(owner.to_string()))
            .build()
            .map_err(|error| broken(tried, &entry.pk, &error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn still_unlinked(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        version: u64,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let pk = keys::incident(incident);
        let mut expression = Expression::default();
        require_link(&mut expression, integration, version)
            .map_err(|error| unwritable(&pk, &error))?;
        let check = ConditionCheck::builder()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(keys::STATE.to_owned()))
            .condition_expression(expression.condition())
            .set_expression_attribute_names(Some(expression.names()))
            .set_expression_attribute_values(expression.values())
            .build()
            .map_err(|error| broken(tried, &pk, &error))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn entry_removal(
        &self,
        integration: &IntegrationId,
        external_id: &ExternalId,
        incident: &IncidentId,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let pk = keys::external(integration, external_id);
        let delete = Delete::builder()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(keys::LINK.to_owned()))
            .condition_expression("incident = :incident")
            .expression_attribute_values(":incident", AttributeValue::S(incident.to_string()))
            .build()
            .map_err(|error| broken(tried, &pk, &error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
