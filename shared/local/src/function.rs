//! What a mapping or a schedule calls: an event in, an answer out.

use async_trait::async_trait;
use im_runtime::{BatchFunction, DeadLetterFunction, ReconcilerFunction};
use serde_json::Value;

/// A function as Lambda sees it.
#[async_trait]
pub trait Function: Send + Sync {
    /// One invocation.
    ///
    /// # Errors
    /// What Lambda would take for a function error.
    async fn invoke(&self, event: Value) -> anyhow::Result<Value>;
}

#[async_trait]
impl Function for BatchFunction {
    async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        Ok(self.handle(event).await?)
    }
}

#[async_trait]
impl Function for DeadLetterFunction {
    async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        Ok(self.handle(event).await?)
    }
}

#[async_trait]
impl Function for ReconcilerFunction {
    async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        Ok(self.handle(&event).await?)
    }
}
