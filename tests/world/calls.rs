//! Counts AWS calls by operation, and fails them on request.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, context::BeforeTransmitInterceptorContextRef, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// Every AWS call so far. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    counted: Arc<Mutex<BTreeMap<String, u32>>>,
    failing: Arc<Mutex<BTreeSet<String>>>,
}

impl Calls {
    /// What was called since the last time this was asked.
    pub fn take(&self) -> BTreeMap<String, u32> {
        std::mem::take(&mut *self.counted.lock().expect("not poisoned"))
    }

    /// Makes an operation fail, `*` for all.
    pub fn fail(&self, operation: &str) {
        self.failing
            .lock()
            .expect("not poisoned")
            .insert(operation.to_owned());
    }

    /// Makes all succeed again.
    pub fn mend(&self) {
        self.failing.lock().expect("not poisoned").clear();
    }
}

#[dyn_dispatch_hint]
impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context
            .request()
            .headers()
            .get("x-amz-target")
            .unwrap_or("?");
        let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
        *self
            .counted
            .lock()
            .expect("not poisoned")
            .entry(operation.clone())
            .or_default() += 1;
        let failing = self.failing.lock().expect("not poisoned");
        if failing.contains(&operation) || failing.contains("*") {
            return Err("unreachable, says the test".into());
        }
        Ok(())
    }
}
