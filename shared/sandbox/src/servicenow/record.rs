//! A row of a table.

use std::collections::BTreeMap;
use std::ops::Index;

use serde::{Deserialize, Serialize};

/// A row: its columns' raw values, all of them text, references by `sys_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record(BTreeMap<String, String>);

impl Record {
    /// The value of a column; `None` where the table has no such column.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    /// Columns and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.0.iter();
        columns.map(|(column, value)| (column.as_str(), value.as_str()))
    }

    /// The value of a column, empty where there is none.
    pub(crate) fn text(&self, column: &str) -> &str {
        self.get(column).unwrap_or_default()
    }

    pub(crate) fn number(&self, column: &str) -> u64 {
        self.text(column).parse().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, column: &str, value: impl Into<String>) {
        self.0.insert(column.to_owned(), value.into());
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Record {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(columns: I) -> Self {
        let columns = columns.into_iter();
        Self(
            columns
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// Panics where the table has no such column.
impl Index<&str> for Record {
    type Output = str;

    fn index(&self, column: &str) -> &str {
        &self.0[column]
    }
}
