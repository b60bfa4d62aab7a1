//! What starts reconciliation runs, for the functions that do.

use std::sync::Arc;

use im_engine::{RunStarter, ports::RunQueue};

use super::Ports;

/// What starts reconciliation runs. `queue` wakes the reconciler for them.
pub fn run_starter(ports: &Ports, queue: Arc<dyn RunQueue>) -> RunStarter {
    RunStarter {
        runs: ports.store.clone(),
        queue,
        tasks: ports.store.clone(),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
    }
}
