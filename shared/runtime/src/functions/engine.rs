//! What syncs links, for the functions that do.

use std::sync::Arc;

use im_engine::{CredentialCache, IntegrationCache, Pace, SyncEngine, ports::Announcer};
use im_vendors::Memory;

use super::Ports;
use crate::trace::traced_vendors;

/// What syncs links.
pub(super) fn sync_engine(ports: &Ports, announcer: Arc<dyn Announcer>) -> SyncEngine {
    let (memory, pace) = pacing(ports);
    SyncEngine {
        store: ports.store.clone(),
        conflicts: ports.store.clone(),
        integrations: Arc::new(configurations(ports).with_circuits(pace.clone())),
        credentials: credentials(ports),
        transport: traced_vendors(ports.transport.clone()),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
        memory,
        pace,
        announcer,
        letters: ports.store.clone(),
    }
}

/// What a process learns of its vendors, and how it paces itself by it.
pub(super) fn pacing(ports: &Ports) -> (Arc<Memory>, Arc<Pace>) {
    let memory: Arc<Memory> = Arc::default();
    let pace = Pace::new(ports.store.clone(), memory.clone(), ports.clock.clone());
    (memory, Arc::new(pace))
}

pub(super) fn credentials(ports: &Ports) -> Arc<CredentialCache> {
    let (vault, clock) = (ports.vault.clone(), ports.clock.clone());
    Arc::new(CredentialCache::new(vault, clock))
}

fn configurations(ports: &Ports) -> IntegrationCache {
    let (store, clock) = (ports.store.clone(), ports.clock.clone());
    IntegrationCache::new(store, clock, ports.configuration_age)
}
