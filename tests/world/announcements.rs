//! What the outside was told.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use im_engine::{Announcement, DeadLetter, StoreError, ports::Announcer};

/// Remembers it.
#[derive(Debug, Clone, Default)]
pub struct Announcements(Arc<Mutex<Vec<Announcement>>>);

impl Announcements {
    /// The dead letters that were told of since the last time this was asked; what else was told of stays.
    pub fn take(&self) -> Vec<DeadLetter> {
        let mut told = self.0.lock().expect("not poisoned");
        let (letters, others) = std::mem::take(&mut *told)
            .into_iter()
            .partition(|it| matches!(it, Announcement::DeadLetter(_)));
        *told = others;
        let letter = |it| match it {
            Announcement::DeadLetter(letter) => Some(*letter),
            _ => None,
        };
        Vec::into_iter(letters).filter_map(letter).collect()
    }

    /// All that was told since the last time this was asked.
    pub fn take_all(&self) -> Vec<Announcement> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

#[async_trait]
impl Announcer for Announcements {
    async fn announce(&self, announcement: &Announcement) -> Result<(), StoreError> {
        self.0
            .lock()
            .expect("not poisoned")
            .push(announcement.clone());
        Ok(())
    }
}
