//! Records with all they ever were.

use std::collections::HashMap;

/// Records in order of creation, each with all its versions.
#[derive(Debug)]
pub(crate) struct Versions<T> {
    /// The present version last.
    records: Vec<Vec<T>>,
    /// By place.
    ids: Vec<String>,
    places: HashMap<String, usize>,
    /// Place and number of each version that nobody has written down yet.
    unsaved: Vec<(usize, usize)>,
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            ids: Vec::new(),
            places: HashMap::new(),
            unsaved: Vec::new(),
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

    /// All versions of each record, in order of creation, the present one last.
    pub(crate) fn histories(&self) -> impl Iterator<Item = &[T]> {
        self.records.iter().map(Vec::as_slice)
    }

    /// How many records were ever created.
    pub(crate) fn created(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn store(&mut self, id: &str, version: T) {
        let place = if let Some(&place) = self.places.get(id) {
            self.records[place].push(version);
            place
        } else {
            let place = self.records.len();
            self.places.insert(id.to_owned(), place);
            self.ids.push(id.to_owned());
            self.records.push(vec![version]);
            place
        };
        self.unsaved.push((place, self.records[place].len() - 1));
    }

    /// The versions since the last call, with the records' ids, in order.
    pub(crate) fn take_unsaved(&mut self) -> Vec<(String, T)>
    where
        T: Clone,
    {
        let unsaved = std::mem::take(&mut self.unsaved).into_iter();
        unsaved
            .map(|(place, number)| (self.ids[place].clone(), self.records[place][number].clone()))
            .collect()
    }

    /// Stores what [`Self::take_unsaved`] gave.
    pub(crate) fn take_up(&mut self, versions: Vec<(String, T)>) {
        for (id, version) in versions {
            self.store(&id, version);
        }
        self.unsaved.clear();
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

    #[test]
    fn what_was_not_written_down_is_told_once() {
        let mut versions = Versions::default();
        versions.store("a", 1);
        versions.store("b", 10);
        assert_eq!(versions.take_unsaved(), [("a".into(), 1), ("b".into(), 10)]);
        versions.store("a", 2);
        let unsaved = versions.take_unsaved();
        assert_eq!(unsaved, [("a".into(), 2)]);
        let mut other = Versions::default();
        other.take_up(vec![("a".into(), 1)]);
        other.take_up(unsaved);
        assert_eq!(other.take_unsaved(), []);
        assert_eq!((other.get("a"), other.behind("a", 1)), (Some(&2), Some(&1)));
    }
}
