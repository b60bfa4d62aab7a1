//! How rows are shown: `sysparm_fields`, `sysparm_display_value`, links of references.

use serde_json::{Map, Value, json};

use super::choices;
use super::columns::{Kind, label};
use super::record::Record;
use super::state::State;
use super::tables::Cell;
use crate::parameters::Parameters;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Value,
    Display,
    Both,
}

/// What a request wants to see of a row.
pub(crate) struct View {
    /// All of them, where it names none.
    fields: Option<Vec<String>>,
    shown: Shown,
    links: bool,
    /// Where links to tables lead, such as `https://instance/api/now/v2/table`.
    tables_url: String,
}

impl View {
    pub(crate) fn new(parameters: &Parameters, tables_url: String) -> Self {
        let fields = parameters.one("sysparm_fields");
        let fields = fields.filter(|fields| !fields.trim().is_empty());
        let shown = match parameters.one("sysparm_display_value") {
            Some("true") => Shown::Display,
            Some("all") => Shown::Both,
            _ => Shown::Value,
        };
        Self {
            fields: fields
                .map(|fields| fields.split(',').map(|one| one.trim().to_owned()).collect()),
            shown,
            links: parameters.one("sysparm_exclude_reference_link") != Some("true"),
            tables_url,
        }
    }

    /// The row as an answer shows it; fields that do not exist are left out.
    pub(crate) fn row(&self, state: &State, table: &str, row: &Record) -> Value {
        let paths: Vec<&str> = match &self.fields {
            Some(fields) => fields.iter().map(String::as_str).collect(),
            None => row.iter().map(|(name, _)| name).collect(),
        };
        let mut shown = Map::new();
        for path in paths {
            if let Some(cell) = state.cell(table, Some(row), path) {
                shown.insert(path.to_owned(), self.cell(state, row, cell));
            }
        }
        Value::Object(shown)
    }

    fn cell(&self, state: &State, row: &Record, cell: Cell<'_>) -> Value {
        let display = || display(state, row, cell);
        let link = match cell.column.kind {
            Kind::Reference(table) if self.links && !cell.value.is_empty() => {
                Some(format!("{}/{}/{}", self.tables_url, table, cell.value))
            }
            _ => None,
        };
        match (self.shown, link) {
            (Shown::Value, None) => json!(cell.value),
            (Shown::Value, Some(link)) => json!({"link": link, "value": cell.value}),
            (Shown::Display, None) => json!(display()),
            (Shown::Display, Some(link)) => json!({"display_value": display(), "link": link}),
            (Shown::Both, None) => json!({"display_value": display(), "value": cell.value}),
            (Shown::Both, Some(link)) => {
                json!({"display_value": display(), "link": link, "value": cell.value})
            }
        }
    }
}

fn display(state: &State, row: &Record, cell: Cell<'_>) -> String {
    let Cell { column, value } = cell;
    match column.kind {
        Kind::Choice(known) => choices::label(known, value).to_owned(),
        Kind::Reference(table) => named(state, table, value),
        Kind::Journal => journal(state, row, &[column.name.as_str()]),
        _ if column.name == "comments_and_work_notes" => {
            journal(state, row, &["comments", "work_notes"])
        }
        _ if column.name == "sys_class_name" => label(value),
        _ => value.to_owned(),
    }
}

fn named(state: &State, table: &str, sys_id: &str) -> String {
    let Some(row) = state.row(table, sys_id) else {
        return sys_id.to_owned();
    };
    let name = row.get("name").or_else(|| row.get("number"));
    name.unwrap_or(sys_id).to_owned()
}

/// The entries as a form shows them, newest first.
fn journal(state: &State, row: &Record, elements: &[&str]) -> String {
    let of_row = state.journal.iter().rev().filter(|entry| {
        entry.text("element_id") == row.text("sys_id") && elements.contains(&&entry["element"])
    });
    let line = |entry: &Record| {
        let user = state.user("user_name", &entry["sys_created_by"]);
        let name = user.map_or(&entry["sys_created_by"], |user| &user["name"]);
        let element = match &entry["element"] {
            "comments" => "Additional comments",
            _ => "Work notes",
        };
        let (time, text) = (&entry["sys_created_on"], &entry["value"]);
        format!("{time} - {name} ({element})\n{text}\n\n")
    };
    of_row.map(line).collect()
}
