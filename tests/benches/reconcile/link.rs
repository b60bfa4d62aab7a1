//! Links for what the vendor has, put into the store as an import would, many at once.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt as _, stream};
use im_engine::{
    Claim, CreationOrigin, JournalEntry, NewIncident,
    ports::{Attempt, IncidentStore as _, IntegrationStore as _},
};
use im_model::{
    ExternalRecord, FieldState, Incident, IncidentId, Integration, Link, LinkState, Origin, Side,
};
use im_sync::{LinkRules, seed_incident};
use im_tests::{SERVICENOW, World};
use im_vendors::{Connection, ListQuery, Memory, registry};

/// Transactions under way at once.
const AT_ONCE: usize = 8;

/// Links every record that the vendor lists.
pub async fn all(world: &Arc<World>) {
    let ports = &world.system.ports;
    let id = SERVICENOW.parse().expect("an id");
    let integration = ports.store.integration(&id).await.expect("it answers");
    let integration = integration.expect("it is connected");
    let credentials = ports.vault.credentials(&integration.secret_id).await;
    let credentials = credentials.expect("it answers").expect("credentials");
    let vendor = registry::vendor_api(integration.integration_type);
    let rules = vendor.usual_rules(&integration);
    let (direct, memory) = (world.transport.direct(), Memory::default());
    let query = ListQuery {
        since: None,
        noted_since: Some(world.clock.read()),
        until: world.clock.read(),
    };
    let (mut next, mut number) = (None, 0_u128);
    loop {
        let connection = Connection {
            base_url: &integration.base_url,
            options: &integration.options,
            credentials: &credentials,
            transport: &direct,
            memory: &memory,
            integration: &integration.id,
            now: world.clock.read(),
        };
        let page = vendor.list(connection, &query, next.as_deref()).await;
        let page = page.expect("a page");
        let puts = page.records.iter().map(|record| {
            number += 1;
            let new = imported(world, &integration, &rules, record, number);
            async move { ports.store.create(&new).await }
        });
        let puts: Vec<_> = puts.collect();
        let mut puts = stream::iter(puts).buffer_unordered(AT_ONCE);
        while let Some(put) = puts.next().await {
            assert_eq!(put.expect("it answers"), Attempt::Done);
        }
        next = page.next;
        if next.is_none() {
            return;
        }
    }
}

fn imported(
    world: &World,
    integration: &Integration,
    rules: &LinkRules,
    record: &ExternalRecord,
    number: u128,
) -> NewIncident {
    let now = world.clock.read();
    let milliseconds = u64::try_from(now.as_millisecond()).expect("after 1970");
    let id = IncidentId::from_ulid(ulid::Ulid::from_parts(milliseconds, number));
    let (values, base, notices) = seed_incident(record, rules, now);
    let fields = values.into_iter().map(|(field, pulled)| {
        let state = FieldState {
            value: pulled.value,
            version: 1,
            changed_at: pulled.changed_at,
            origin: Origin::External {
                integration: integration.id.clone(),
                author: pulled.author,
            },
        };
        (field, state)
    });
    let state = LinkState::Linked {
        external_id: record.id.clone(),
        url: record.url.clone(),
    };
    let link = Link {
        record_version: Some(record.version),
        moved: base.keys().map(|field| (field.clone(), 0)).collect(),
        base,
        notices,
        ..Link::new(1, state, Side::External)
    };
    let incident = Incident {
        id: id.clone(),
        organization: integration.organization.clone(),
        created_at: now,
        revision: 1,
        fields: fields.collect(),
        links: BTreeMap::from([(integration.id.clone(), link)]),
        pending: BTreeMap::new(),
        notes: 0,
        dead: BTreeMap::new(),
    };
    let claim = Claim {
        incident: id,
        integration: integration.id.clone(),
        link_version: 0,
        attempt: 1,
        worker: "benchmark".to_owned(),
        claimed_at: now,
        read_at: None,
        lease_until: now,
        cause: "benchmark".to_owned(),
        record_version: Some(record.version),
        sent: BTreeMap::new(),
        settled: BTreeMap::new(),
        notes: Vec::new(),
        previous: None,
        decisions: BTreeMap::new(),
    };
    NewIncident {
        incident,
        entry: JournalEntry::Claim(Box::new(claim)),
        origin: CreationOrigin::Record(integration.id.clone(), record.id.clone()),
    }
}
