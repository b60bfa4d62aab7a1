//! A list that only grows.

use std::ops::Deref;

/// Entries in order, and how many of them are written down.
#[derive(Debug)]
pub(crate) struct Appended<T> {
    entries: Vec<T>,
    saved: usize,
}

impl<T> Default for Appended<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            saved: 0,
        }
    }
}

impl<T> Deref for Appended<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.entries
    }
}

impl<T> Appended<T> {
    pub(crate) fn push(&mut self, entry: T) {
        self.entries.push(entry);
    }

    /// Those that may still change, because nobody has written them down.
    pub(crate) fn unsaved_mut(&mut self) -> &mut [T] {
        &mut self.entries[self.saved..]
    }

    /// The entries since the last call.
    pub(crate) fn take_unsaved(&mut self) -> Vec<T>
    where
        T: Clone,
    {
        let unsaved = self.entries[self.saved..].to_vec();
        self.saved = self.entries.len();
        unsaved
    }

    /// Adds what [`Self::take_unsaved`] gave.
    pub(crate) fn take_up(&mut self, entries: Vec<T>) {
        self.entries.extend(entries);
        self.saved = self.entries.len();
    }
}
