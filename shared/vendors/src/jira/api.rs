//! The vendor's REST half: which module does what.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_model::{
    ActorId, ExternalId, ExternalNote, ExternalRecord, ExternalValue, Field, IncidentId,
    Integration, Note, NoteId, OwnershipRules,
};
use im_sync::{History, LinkRules};
use jiff::Timestamp;

use super::{
    Jira, custom_value, defaults, field, find, history, list, notes, options, people, probe, setup,
    status, write,
};
use crate::{
    Check, Configuration, Connection, ListQuery, Listing, VendorApi, VendorError, Written,
};

#[async_trait]
impl VendorApi for Jira {
    fn configuration(&self) -> Configuration {
        options::CONFIGURATION
    }

    fn check_options(&self, options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        options::check(options)
    }

    fn setup_steps(&self, integration: &Integration, webhook_url: &str) -> Vec<String> {
        setup::steps(integration, webhook_url)
    }

    async fn probe(&self, connection: Connection<'_>) -> Vec<Check> {
        probe::probe(&connection).await
    }

    fn aliases(&self) -> &'static [(&'static str, Field)] {
        &[("summary", Field::Title)]
    }

    fn default_ownership(&self) -> OwnershipRules {
        defaults::ownership()
    }

    async fn rules(
        &self,
        integration: &Integration,
        connection: Connection<'_>,
    ) -> Result<LinkRules, VendorError> {
        let statuses = status::known(&connection).await?;
        let custom = options::custom(&integration.options);
        let shapes = custom_value::shapes(&connection, &custom).await?;
        Ok(defaults::rules(integration, statuses.as_deref(), &shapes))
    }

    fn usual_rules(&self, integration: &Integration) -> LinkRules {
        defaults::rules(integration, None, &custom_value::Shapes::new())
    }

    /// A creation goes to the workflow's first status.
    fn creatable(
        &self,
        mut values: BTreeMap<Field, ExternalValue>,
    ) -> BTreeMap<Field, ExternalValue> {
        values.remove(&Field::Status);
        values
    }

    fn implied_by_creation(&self, rules: &LinkRules) -> BTreeMap<Field, ExternalValue> {
        defaults::implied_by_creation(rules)
    }

    fn history_covers(&self, field: &Field) -> bool {
        history::covers(field)
    }

    async fn read(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
    ) -> Result<ExternalRecord, VendorError> {
        write::read(&connection, id.as_str()).await
    }

    async fn find(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
    ) -> Result<Vec<ExternalRecord>, VendorError> {
        find::find(&connection, incident).await
    }

    async fn list(
        &self,
        connection: Connection<'_>,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Listing, VendorError> {
        list::page(&connection, query, after).await
    }

    async fn refusals(
        &self,
        connection: Connection<'_>,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<BTreeMap<Field, String>, VendorError> {
        let encoded = field::encode(&connection, values).await?;
        Ok(encoded.refused)
    }

    async fn create(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        write::create(&connection, incident, values).await
    }

    async fn notes(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
    ) -> Result<Vec<ExternalNote>, VendorError> {
        notes::read(&connection, &record.id).await
    }

    async fn add_note(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        note: &Note,
    ) -> Result<Option<NoteId>, VendorError> {
        notes::add(&connection, &record.id, note).await
    }

    async fn write(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        write::change(&connection, record, values).await
    }

    async fn own_actor(&self, connection: Connection<'_>) -> Result<Option<ActorId>, VendorError> {
        let own = people::own_account(&connection).await?;
        Ok(own.and_then(|id| ActorId::parse(&id).ok()))
    }

    async fn history(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
        since: Timestamp,
    ) -> Result<History, VendorError> {
        history::read(&connection, id, since).await
    }
}
