//! The columns of the tables.

use super::choices::{self, Choice};
use super::config::{ColumnType, ServiceNowConfig};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// At most this many characters; more are cut off without a word.
    Text(usize),
    Integer,
    Boolean,
    DateTime,
    Choice(&'static [Choice]),
    /// A `sys_id` of this table.
    Reference(&'static str),
    /// Write-only: a value becomes an entry of `sys_journal_field`.
    Journal,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether a write may set it; otherwise it is computed, and a write of it is ignored.
    pub(crate) writable: bool,
    /// The value of a new record.
    pub(crate) default: &'static str,
}

impl Column {
    fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            writable: true,
            default: "",
        }
    }

    fn computed(name: &str, kind: Kind) -> Self {
        Self {
            writable: false,
            ..Self::new(name, kind)
        }
    }

    fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }
}

const TEXTS: &[(&str, usize)] = &[
    ("short_description", 160),
    ("description", 4000),
    ("close_notes", 4000),
    ("close_code", 40),
    ("correlation_id", 100),
    ("correlation_display", 100),
    ("subcategory", 40),
    ("additional_assignee_list", 4000),
    ("approval_history", 4000),
    ("group_list", 4000),
    ("rejection_goto", 32),
    ("user_input", 4000),
    ("watch_list", 4000),
    ("wf_activity", 32),
    ("work_notes_list", 4000),
];

const DATES: &[&str] = &[
    "activity_due",
    "approval_set",
    "business_duration",
    "calendar_duration",
    "due_date",
    "expected_start",
    "follow_up",
    "opened_at",
    "sla_due",
    "time_worked",
    "work_end",
    "work_start",
];

/// Of the tables they refer to, only users, groups and incidents are held here.
const REFERENCES: &[(&str, &str)] = &[
    ("assigned_to", "sys_user"),
    ("assignment_group", "sys_user_group"),
    ("business_service", "cmdb_ci_service"),
    ("caller_id", "sys_user"),
    ("caused_by", "change_request"),
    ("cmdb_ci", "cmdb_ci"),
    ("company", "core_company"),
    ("delivery_plan", "sc_cat_item_delivery_plan"),
    ("delivery_task", "sc_cat_item_delivery_task"),
    ("location", "cmn_location"),
    ("opened_by", "sys_user"),
    ("parent", "task"),
    ("parent_incident", "incident"),
    ("problem_id", "problem"),
    ("rfc", "change_request"),
];

/// The incident's columns, by name: those of the vendor's samples, `hold_reason` and the
/// configured ones.
pub(crate) fn incident(config: &ServiceNowConfig) -> Vec<Column> {
    let mut columns = ordinary();
    columns.extend(computed());
    columns.extend(config.custom_columns.iter().map(|custom| {
        let kind = match custom.kind {
            ColumnType::Text => Kind::Text(custom.max_length),
            ColumnType::Integer => Kind::Integer,
            ColumnType::Boolean => Kind::Boolean,
            ColumnType::DateTime => Kind::DateTime,
        };
        let column = Column::new(&custom.name, kind);
        if kind == Kind::Boolean {
            column.default("false")
        } else {
            column
        }
    }));
    for column in &mut columns {
        if let (Kind::Text(length), Some(configured)) =
            (&mut column.kind, config.max_lengths.get(&column.name))
        {
            *length = *configured;
        }
    }
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    columns
}

fn ordinary() -> Vec<Column> {
    let choice = |name, choices, default| Column::new(name, Kind::Choice(choices)).default(default);
    let text = |name, default| Column::new(name, Kind::Text(40)).default(default);
    let integer = |name| Column::new(name, Kind::Integer);
    let mut columns = vec![
        choice("impact", choices::LEVELS, "3"),
        choice("urgency", choices::LEVELS, "3"),
        choice("severity", choices::LEVELS, "3"),
        choice("state", choices::STATES, "1"),
        choice("incident_state", choices::STATES, "1"),
        choice("hold_reason", choices::HOLD_REASONS, ""),
        text("category", "inquiry"),
        text("contact_type", "phone"),
        text("approval", "not requested"),
        text("upon_approval", "proceed"),
        text("upon_reject", "cancel"),
        integer("escalation").default("0"),
        integer("notify").default("1"),
        integer("order"),
        Column::new("knowledge", Kind::Boolean).default("false"),
        Column::new("made_sla", Kind::Boolean).default("true"),
        Column::new("comments", Kind::Journal),
        Column::new("work_notes", Kind::Journal),
    ];
    let texts = TEXTS.iter();
    columns.extend(texts.map(|(name, length)| Column::new(name, Kind::Text(*length))));
    let dates = DATES.iter();
    columns.extend(dates.map(|name| Column::new(name, Kind::DateTime)));
    let references = REFERENCES.iter();
    columns.extend(references.map(|(name, table)| Column::new(name, Kind::Reference(table))));
    columns
}

fn computed() -> Vec<Column> {
    let count = |name| Column::computed(name, Kind::Integer);
    let text = |name| Column::computed(name, Kind::Text(40));
    let date = |name| Column::computed(name, Kind::DateTime);
    let user = |name| Column::computed(name, Kind::Reference("sys_user"));
    let domain = Column::computed("sys_domain", Kind::Reference("sys_user_group"));
    vec![
        Column::computed("active", Kind::Boolean).default("true"),
        Column::computed("priority", Kind::Choice(choices::PRIORITIES)).default("5"),
        text("number"),
        text("sys_class_name").default("incident"),
        text("sys_domain_path").default("/"),
        domain.default("global"),
        text("sys_id"),
        text("sys_tags"),
        text("sys_created_by"),
        text("sys_updated_by"),
        date("sys_created_on"),
        date("sys_updated_on"),
        date("resolved_at"),
        date("closed_at"),
        user("resolved_by"),
        user("closed_by"),
        text("comments_and_work_notes"),
        count("business_stc"),
        count("calendar_stc"),
        count("child_incidents").default("0"),
        count("reassignment_count").default("0"),
        count("reopen_count").default("0"),
        count("sys_mod_count").default("0"),
    ]
}

/// A column as messages name it.
pub(crate) fn label(name: &str) -> String {
    if name == "hold_reason" {
        return "On hold reason".to_owned();
    }
    let words = name.strip_prefix("u_").unwrap_or(name).replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The columns of a table other than `incident`.
pub(crate) fn other(table: &str) -> Option<Vec<Column>> {
    let text = |name: &&str| Column::computed(name, Kind::Text(4000));
    let date = |name: &&str| Column::computed(name, Kind::DateTime);
    let names: &[&str] = match table {
        "sys_journal_field" => &["element", "element_id", "name", "value"],
        "sys_user" => &[
            "active",
            "email",
            "first_name",
            "last_name",
            "name",
            "user_name",
        ],
        "sys_user_group" => &["active", "description", "email", "name"],
        "sys_choice" => &[
            "element", "inactive", "label", "language", "name", "sequence", "value",
        ],
        "sys_audit" => &[
            "documentkey",
            "fieldname",
            "newvalue",
            "oldvalue",
            "reason",
            "tablename",
            "user",
        ],
        _ => return None,
    };
    let mut columns: Vec<_> = names.iter().map(text).collect();
    columns.extend(["sys_created_by", "sys_id", "sys_tags"].iter().map(text));
    columns.push(date(&"sys_created_on"));
    match table {
        "sys_audit" => {
            let count = |name| Column::computed(name, Kind::Integer);
            columns.extend(["internal_checkpoint", "record_checkpoint"].map(count));
        }
        "sys_journal_field" => {}
        _ => {
            columns.push(text(&"sys_updated_by"));
            columns.push(date(&"sys_updated_on"));
            columns.push(Column::computed("sys_mod_count", Kind::Integer).default("0"));
        }
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words() {
        assert_eq!(label("close_code"), "Close code");
        assert_eq!(label("u_root_cause"), "Root cause");
        assert_eq!(label("hold_reason"), "On hold reason");
    }
}
