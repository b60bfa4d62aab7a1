//! What has become of the jobs: none has vanished, and none suffered for another vendor's sake.

use http::Method;
use im_engine::{DeadLetter, RetryMessage, ports::DeadLetterStore as _};
use im_model::{FailureReason, Field, Incident, IntegrationId, IntegrationType, NoticeKind};
use im_tests::World;
use serde_json::Value;

use crate::{ledger::vendor_of, people::People};

/// A dead letter that waits for somebody.
#[derive(Debug, Clone)]
pub struct Listed {
    pub integration: String,
    pub incident: Option<String>,
    pub record: Option<String>,
}

/// What the integrations list as dead, or as being tried again.
pub async fn listed(people: &People) -> Vec<Listed> {
    let mut all = Vec::new();
    for vendor in people.accounts.vendors() {
        let integration = World::integration_with(vendor);
        for status in ["open", "retrying"] {
            let mut cursor = String::new();
            loop {
                let path = format!("/integrations/{integration}/dlq?status={status}{cursor}");
                let (answered, page) = people.ask(Method::GET, &path, None, None).await;
                assert_eq!(answered, 200, "{page}");
                let text = |item: &Value, member: &str| item[member].as_str().map(str::to_owned);
                all.extend(
                    page["items"]
                        .as_array()
                        .expect("items")
                        .iter()
                        .map(|item| Listed {
                            integration: integration.to_owned(),
                            incident: text(item, "incident_id"),
                            record: text(item, "external_id"),
                        }),
                );
                match page["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
        }
    }
    all
}

/// 8. No job vanishes: all that is open is listed as dead, or waits for its integration.
pub async fn no_job_vanished(people: &People) {
    let (world, listed) = (&people.world, listed(people).await);
    let working = |integration: &str| {
        let state = people.ledger.state();
        state.configurations[integration]
            .last()
            .is_some_and(|(_, it)| it.is_working())
    };
    let incidents = world.incidents().await;
    let is_listed = |integration: &str, incident: Option<&str>, record: Option<&str>| {
        listed.iter().any(|it| {
            it.integration == integration
                && (incident.is_some() && it.incident.as_deref() == incident
                    || record.is_some() && it.record.as_deref() == record)
        })
    };
    for delivery in world.stored_deliveries().await {
        let id = delivery.key.integration.as_str();
        let Some(announced) = delivery
            .announced
            .as_ref()
            .filter(|_| delivery.outcome.is_none())
        else {
            continue;
        };
        let record = announced.external_id.as_str();
        let linked = |incident: &&Incident| {
            let link = incident.links.get(&delivery.key.integration);
            link.and_then(|link| link.external_id())
                .is_some_and(|it| it.as_str() == record)
        };
        let incident = incidents
            .iter()
            .find(linked)
            .map(|incident| incident.id.as_str());
        assert!(
            !working(id) || is_listed(id, incident, Some(record)),
            "invariant 8: {} is open, and nobody works on it",
            delivery.key
        );
    }
    for incident in &incidents {
        for integration in incident.pending.keys() {
            assert!(
                !working(integration.as_str())
                    || is_listed(integration.as_str(), Some(incident.id.as_str()), None),
                "invariant 8: {} is owed to {integration}, and nobody works on it",
                incident.id
            );
        }
        for integration in incident.links.keys() {
            if !is_listed(integration.as_str(), Some(incident.id.as_str()), None) {
                refusals_were_told(world, incident, integration).await;
            }
        }
    }
}

/// 8. What was refused, and still is, has been a dead letter since, if a person has not given it up.
async fn refusals_were_told(world: &World, incident: &Incident, integration: &IntegrationId) {
    let link = &incident.links[integration];
    let id = DeadLetter::id_of(integration, Some(&incident.id), None);
    let letters = &world.system.ports.store;
    let entry = letters.dead_letter(integration, &id).await;
    let entry = entry.expect("the store answers");
    let told = |field: &Field| {
        let entry = entry.as_ref();
        let named = |it: &&im_engine::FailedAttempt| it.fields.contains(&field.clone().into());
        let named = entry.and_then(|entry| entry.attempts.iter().rev().find(named));
        entry.map(|entry| entry.died_at).filter(|_| named.is_some())
    };
    for (field, notice) in &link.notices {
        let is_refused = matches!(notice.kind, NoticeKind::Unmapped | NoticeKind::Unwritable);
        let base = link.base.get(field);
        let is_left_alone = base.is_some_and(|base| base.same_values(&notice.about));
        assert!(
            !is_refused || is_left_alone || told(field) >= Some(notice.at),
            "invariant 8: {field} of {} was refused by {integration}, and no dead letter says so: {notice:?}",
            incident.id
        );
    }
}

/// 10. No neighbour suffers: where only one vendor is sick, the others' jobs fail never.
pub fn no_neighbour_suffered(messages: &[String], sick: IntegrationType) {
    for message in messages {
        let Ok(message) = serde_json::from_str::<RetryMessage>(message) else {
            continue;
        };
        let integration = message.job.hint.integration().as_str();
        assert!(
            vendor_of(integration) == sick
                || message
                    .failures
                    .iter()
                    .all(|it| it.reason == FailureReason::Refused),
            "invariant 10: only {sick} is sick, but a job of {integration} failed: {message:#?}"
        );
    }
}
