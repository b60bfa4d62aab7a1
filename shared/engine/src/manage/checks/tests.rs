use std::collections::BTreeMap;

use async_trait::async_trait;
use im_model::{
    Activity, ConflictStrategy, Direction, IntegrationType, OwnershipRules, Secret, TaskKind,
};
use im_vendors::Transport;
use jiff::Timestamp;

use super::*;
use crate::{
    StoreError,
    ports::{Attempt, Clock, Ids, IntegrationStore, Task, TaskStore, Vault},
};

/// One integration, whose vendor takes requests and never answers.
struct Silent;

fn integration() -> Integration {
    Integration {
        id: "prod-pd".parse().expect("an id"),
        organization: "acme".parse().expect("an id"),
        integration_type: IntegrationType::PagerDuty,
        name: "Prod".to_owned(),
        base_url: "https://api.pagerduty.com".parse().expect("a URL"),
        direction: Direction::Bidirectional,
        enabled: true,
        activity: Activity::Active,
        paused_because: None,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: Integration::CONFLICT_WINDOW,
        requests_per_minute: None,
        mode: im_model::Mode::Webhook,
        brake: im_model::Brake::default(),
        mappings: im_model::Mappings::default(),
        triggers: im_model::Triggers::default(),
        notes_in_since: std::collections::BTreeMap::new(),
        options: BTreeMap::from([("service".to_owned(), "PS1".to_owned())]),
        ownership: OwnershipRules::new(),
        secret_id: "secret".to_owned(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

#[async_trait]
impl crate::ports::AuditStore for Silent {
    async fn record(&self, _: &im_model::AuditEntry) -> Result<(), StoreError> {
        unreachable!("a test changes nothing")
    }
    async fn audit(
        &self,
        _: &im_model::OrganizationId,
        _: Option<&IntegrationId>,
        _: Option<&im_model::AuditId>,
        _: u16,
    ) -> Result<crate::ports::Page<im_model::AuditEntry>, StoreError> {
        unreachable!("nor reads what was changed")
    }
}

#[async_trait]
impl IntegrationStore for Silent {
    async fn integration(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        Ok(Some(integration()).filter(|integration| integration.id == *id))
    }
    async fn integrations_of(&self, _: &OrganizationId) -> Result<Vec<Integration>, StoreError> {
        Ok(vec![integration()])
    }
    async fn create_integration(
        &self,
        _: &Integration,
        _: &im_model::AuditEntry,
    ) -> Result<Attempt, StoreError> {
        Ok(Attempt::LostRace)
    }
    async fn update_integration(
        &self,
        _: &Integration,
        _: &im_model::AuditEntry,
    ) -> Result<Attempt, StoreError> {
        Ok(Attempt::LostRace)
    }
    async fn delete_integration(
        &self,
        _: &Integration,
        _: &im_model::AuditEntry,
    ) -> Result<Attempt, StoreError> {
        Ok(Attempt::LostRace)
    }
}

#[async_trait]
impl TaskStore for Silent {
    async fn tasks(&self) -> Result<Vec<Task>, StoreError> {
        Ok(Vec::new())
    }
    async fn put_task(&self, _: &Task) -> Result<(), StoreError> {
        Ok(())
    }
    async fn add_task(&self, _: &Task) -> Result<(), StoreError> {
        Ok(())
    }
    async fn put_off_task(&self, _: &Task) -> Result<(), StoreError> {
        Ok(())
    }
    async fn drop_task(&self, _: TaskKind, _: &IntegrationId) -> Result<(), StoreError> {
        Ok(())
    }
    async fn finish_task(&self, _: &Task) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Vault for Silent {
    async fn credentials(&self, _: &str) -> Result<Option<Credentials>, StoreError> {
        let named = ["token", "from_email", "webhook_secret", "access_token"];
        let named = named.map(|name| (name.to_owned(), Secret::new("s3cret")));
        Ok(Some(Credentials(BTreeMap::from(named))))
    }
    async fn previous(&self, _: &str) -> Result<Option<Credentials>, StoreError> {
        Ok(None)
    }
    async fn keep(&self, _: &str, _: &Credentials) -> Result<(), StoreError> {
        Ok(())
    }
    async fn forget(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Transport for Silent {
    async fn send(&self, _: Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        std::future::pending().await
    }
}

impl Clock for Silent {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Ids for Silent {
    fn ulid(&self, _: Timestamp) -> ulid::Ulid {
        ulid::Ulid(1)
    }
}

/// The clock stands still but for what is waited for.
#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_waited_for_8_s_in_all() {
    let silent = Arc::new(Silent);
    let vendors = Arc::new(VendorAccess {
        vault: silent.clone(),
        transport: silent.clone(),
        memory: Arc::default(),
        clock: silent.clone(),
    });
    let checks = Checks {
        integrations: Arc::new(Integrations {
            store: silent.clone(),
            audit: silent.clone(),
            vault: silent.clone(),
            tasks: silent.clone(),
            clock: silent.clone(),
            ids: silent,
            vendors: vendors.clone(),
            secret_prefix: String::new(),
        }),
        vendors,
    };
    let began = tokio::time::Instant::now();
    let (organization, id) = (integration().organization, integration().id);
    let found = checks
        .run(&organization, &id, Some("https://im.example.com/"))
        .await;
    assert_eq!(began.elapsed(), VendorAccess::PATIENCE);
    let expected = [
        ("reach the vendor", "no complete answer within 8 s"),
        (
            "receive webhooks",
            "https://im.example.com/webhooks/pagerduty/prod-pd did not answer in time",
        ),
    ];
    let expected = expected.map(|(what, detail)| failed(what, detail));
    assert_eq!(found.expect("checks"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_does_not_name_its_values_is_waited_for_3_s() {
    let silent = Arc::new(Silent);
    let vendors = VendorAccess {
        vault: silent.clone(),
        transport: silent.clone(),
        memory: Arc::default(),
        clock: silent,
    };
    let options = [("project", "OPS"), ("issue_type", "Incident")];
    let jira = Integration {
        integration_type: IntegrationType::Jira,
        options: options.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..integration()
    };
    let began = tokio::time::Instant::now();
    let known = vendors.rules(&jira).await.expect("the usual ones");
    assert_eq!(began.elapsed(), VendorAccess::PATIENCE_FOR_RULES);
    let usual = registry::vendor_api(IntegrationType::Jira).usual_rules(&jira);
    assert_eq!(known.rules, usual);
    let note = known.note.expect("a note");
    assert!(
        note.starts_with("prod-pd did not answer within 3 s: the usual names"),
        "{note}"
    );
}
