//! The tables and their rows.

use super::choices;
use super::columns::{self, Column, Kind};
use super::config::ServiceNowConfig;
use super::record::Record;
use super::state::State;

/// One value, with what it is a value of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) column: &'a Column,
    pub(crate) value: &'a str,
}

const TABLES: &[&str] = &[
    "sys_journal_field",
    "sys_user",
    "sys_user_group",
    "sys_audit",
    "sys_choice",
];

/// A table's name and columns.
pub(crate) type Definition = (&'static str, Vec<Column>);

/// What each table looks like.
pub(crate) fn definitions(config: &ServiceNowConfig) -> Vec<Definition> {
    let mut tables = vec![("incident", columns::incident(config))];
    let others = TABLES.iter();
    tables.extend(others.filter_map(|&name| Some((name, columns::other(name)?))));
    tables
}

impl State {
    pub(crate) fn columns(&self, table: &str) -> Option<&[Column]> {
        let mut tables = self.tables.iter();
        let (_, columns) = tables.find(|(name, _)| *name == table)?;
        Some(columns)
    }

    /// The rows of a table, in order of creation.
    pub(crate) fn rows(&self, table: &str) -> Vec<&Record> {
        match table {
            "incident" => self.incidents.all().flatten().collect(),
            "sys_journal_field" => self.journal.iter().collect(),
            "sys_audit" => self.audit.iter().collect(),
            "sys_user" => self.users.iter().collect(),
            "sys_user_group" => self.groups.iter().collect(),
            "sys_choice" => self.choices.iter().collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn row(&self, table: &str, sys_id: &str) -> Option<&Record> {
        if table == "incident" {
            return self.incidents.get(sys_id)?.as_ref();
        }
        let mut rows = self.rows(table).into_iter();
        rows.find(|row| row.text("sys_id") == sys_id)
    }

    /// A value of a row, through references too (`assigned_to.email`); `None` where there is no
    /// such column.
    pub(crate) fn cell<'a>(
        &'a self,
        table: &str,
        row: Option<&'a Record>,
        path: &str,
    ) -> Option<Cell<'a>> {
        let (name, rest) = match path.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let columns = self.columns(table)?.iter();
        let column = columns.into_iter().find(|column| column.name == name)?;
        let value = row.map(|row| row.text(name)).unwrap_or_default();
        match (rest, column.kind) {
            (None, _) => Some(Cell { column, value }),
            (Some(rest), Kind::Reference(other)) => self.cell(other, self.row(other, value), rest),
            (Some(_), _) => None,
        }
    }
}

/// The rows that do not change.
pub(crate) struct Fixed {
    pub(crate) users: Vec<Record>,
    pub(crate) groups: Vec<Record>,
    pub(crate) choices: Vec<Record>,
}

impl Fixed {
    pub(crate) fn new(config: &ServiceNowConfig, now: &str) -> Self {
        let users = config.users.iter().map(|user| {
            let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
            let own = [
                ("sys_id", user.sys_id.as_str()),
                ("user_name", &user.user_name),
                ("name", &user.name),
                ("first_name", first),
                ("last_name", last),
                ("email", &user.email),
                ("active", "true"),
            ];
            fixed("sys_user", &own, now)
        });
        let groups = config.groups.iter().map(|group| {
            let own = [
                ("sys_id", group.sys_id.as_str()),
                ("name", &group.name),
                ("active", "true"),
            ];
            fixed("sys_user_group", &own, now)
        });
        Self {
            users: users.collect(),
            groups: groups.collect(),
            choices: choice_rows(config, now),
        }
    }
}

fn fixed(table: &str, own: &[(&str, &str)], now: &str) -> Record {
    let columns = columns::other(table).unwrap_or_default();
    let mut row: Record = columns
        .iter()
        .map(|column| (column.name.as_str(), column.default))
        .collect();
    for (name, value) in [
        ("sys_created_by", "admin"),
        ("sys_created_on", now),
        ("sys_updated_by", "admin"),
        ("sys_updated_on", now),
    ] {
        row.set(name, value);
    }
    for (name, value) in own {
        row.set(name, *value);
    }
    row
}

fn choice_rows(config: &ServiceNowConfig, now: &str) -> Vec<Record> {
    let lists = [
        ("state", choices::STATES),
        ("incident_state", choices::STATES),
        ("impact", choices::LEVELS),
        ("urgency", choices::LEVELS),
        ("severity", choices::LEVELS),
        ("priority", choices::PRIORITIES),
        ("hold_reason", choices::HOLD_REASONS),
    ];
    let codes = config.close_codes.iter();
    let listed = lists.iter().flat_map(|(element, choices)| {
        let choices = choices.iter().enumerate();
        choices.map(|(place, (value, label))| (*element, place, *value, *label))
    });
    let codes = codes
        .enumerate()
        .map(|(place, code)| ("close_code", place, code.as_str(), code.as_str()));
    let row = |(number, (element, place, value, label)): (usize, (&str, usize, &str, &str))| {
        let own = [
            ("sys_id", &*format!("{:032x}", 0xc401_ce00 + number)),
            ("name", "incident"),
            ("element", element),
            ("value", value),
            ("label", label),
            ("language", "en"),
            ("inactive", "false"),
            ("sequence", &*place.to_string()),
        ];
        fixed("sys_choice", &own, now)
    };
    listed.chain(codes).enumerate().map(row).collect()
}
