//! What the outside was told of dead letters.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use im_engine::{DeadLetter, StoreError, ports::Announcer};

/// Remembers it.
#[derive(Debug, Clone, Default)]
pub struct Announcements(Arc<Mutex<Vec<DeadLetter>>>);

impl Announcements {
    /// What was told since the last time this was asked.
    pub fn take(&self) -> Vec<DeadLetter> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

#[async_trait]
impl Announcer for Announcements {
    async fn dead_letter(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        self.0.lock().expect("not poisoned").push(letter.clone());
        Ok(())
    }
}
