//! Records with all they ever were.

use std::collections::HashMap;

/// Records in order of creation, each with all its versions.
#[derive(Debug)]
pub(crate) struct Versions<T> {
    /// The present version last.
    records: Vec<Vec<T>>,
    places: HashMap<String, usize>,
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T> Versions<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.behind(id, 0)
    }

    /// The record as it was `behind` changes ago, or as it was first.
    pub(crate) fn behind(&self, id: &str, behind: usize) -> Option<&T> {
        let versions = &self.records[*self.places.get(id)?];
        versions.iter().rev().nth(behind).or(versions.first())
    }

    /// The present versions, in order of creation.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.records.iter().filter_map(|versions| versions.last())
    }

    /// How many records were ever created.
    pub(crate) fn created(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn store(&mut self, id: &str, version: T) {
        if let Some(&place) = self.places.get(id) {
            self.records[place].push(version);
        } else {
            self.places.insert(id.to_owned(), self.records.len());
            self.records.push(vec![version]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was() {
        let mut versions = Versions::default();
        for (id, version) in [("a", 1), ("b", 10), ("a", 2), ("a", 3)] {
            versions.store(id, version);
        }
        let behind = |behind| versions.behind("a", behind).copied();
        assert_eq!(
            [behind(0), behind(1), behind(9)],
            [Some(3), Some(2), Some(1)]
        );
        assert_eq!(versions.all().copied().collect::<Vec<_>>(), [3, 10]);
        assert_eq!((versions.get("c"), versions.created()), (None, 2));
    }
}
