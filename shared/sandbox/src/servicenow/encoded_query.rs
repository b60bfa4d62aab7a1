//! `sysparm_query`: what the vendor calls an encoded query.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::state::date_time;

/// Longer ones before those that they begin with.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("=", Operator::Equal),
    (">", Operator::Above),
    ("<", Operator::Below),
    ("NOT IN", Operator::NotIn),
    ("NOT LIKE", Operator::NotLike),
    ("IN", Operator::In),
    ("LIKE", Operator::Like),
    ("STARTSWITH", Operator::StartsWith),
    ("ENDSWITH", Operator::EndsWith),
    ("ISEMPTY", Operator::IsEmpty),
    ("ISNOTEMPTY", Operator::IsNotEmpty),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Above,
    AtLeast,
    Below,
    AtMost,
    In,
    NotIn,
    Like,
    NotLike,
    StartsWith,
    EndsWith,
    IsEmpty,
    IsNotEmpty,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: String,
    operator: Operator,
    value: String,
}

/// Conditions, one of which has to hold.
type Either = Vec<Condition>;

/// A query, without the fragments that are invalid: **those are ignored, and more rows come back**.
#[derive(Debug, Default)]
pub(crate) struct EncodedQuery {
    /// Queries joined by `^NQ`, each a list of what has to hold.
    queries: Vec<Vec<Either>>,
    /// Fields to sort by, with whether downwards.
    order: Vec<(String, bool)>,
}

impl EncodedQuery {
    /// `is_field` knows which fields there are; `now` is the present of scripts.
    pub(crate) fn parse(text: &str, now: Timestamp, is_field: impl Fn(&str) -> bool) -> Self {
        let mut query = Self::default();
        let mut all: Vec<Either> = Vec::new();
        for fragment in fragments(text) {
            if fragment == "EQ" {
                break;
            }
            if let Some((field, down)) = order(&fragment) {
                if is_field(field) {
                    query.order.push((field.to_owned(), down));
                }
                continue;
            }
            let (joint, rest) = joint(&fragment);
            if joint == "NQ" {
                query.queries.push(std::mem::take(&mut all));
            }
            let condition = condition(rest, now).filter(|condition| is_field(&condition.field));
            match all.last_mut() {
                Some(either) if joint == "OR" => either.extend(condition),
                _ => all.push(condition.into_iter().collect()),
            }
        }
        query.queries.push(all);
        query
    }

    /// `value` gives a field's value.
    pub(crate) fn matches<'a>(&self, value: impl Fn(&str) -> &'a str) -> bool {
        self.queries.iter().any(|query| {
            query.iter().all(|either| {
                let mut conditions = either.iter();
                either.is_empty() || conditions.any(|one| one.holds(value(&one.field)))
            })
        })
    }

    /// The values that a row is sorted by, given how a field's is read.
    pub(crate) fn place<'a>(&self, value: impl Fn(&str) -> &'a str) -> Vec<&'a str> {
        self.order.iter().map(|(field, _)| value(field)).collect()
    }

    /// How two rows are sorted, given the places of both.
    pub(crate) fn compare(&self, one: &[&str], other: &[&str]) -> Ordering {
        let pairs = one.iter().zip(other);
        let mut order = pairs.zip(&self.order).map(|((one, other), (_, down))| {
            let order = ordering(one, other);
            if *down { order.reverse() } else { order }
        });
        order.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The parts between single `^`; a doubled one stands for itself.
fn fragments(text: &str) -> Vec<String> {
    let mut fragments = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '^' && characters.peek() != Some(&'^') {
            fragments.push(String::new());
            continue;
        }
        if character == '^' {
            characters.next();
        }
        if let Some(fragment) = fragments.last_mut() {
            fragment.push(character);
        }
    }
    fragments.retain(|fragment| !fragment.is_empty());
    fragments
}

fn order(fragment: &str) -> Option<(&str, bool)> {
    let down = fragment.strip_prefix("ORDERBYDESC");
    let down = down.map(|field| (field, true));
    down.or_else(|| Some((fragment.strip_prefix("ORDERBY")?, false)))
}

/// Fields are lower case, so that nothing else begins like this.
fn joint(fragment: &str) -> (&str, &str) {
    match fragment.get(..2) {
        Some(joint @ ("OR" | "NQ")) => (joint, &fragment[2..]),
        _ => ("", fragment),
    }
}

fn condition(fragment: &str, now: Timestamp) -> Option<Condition> {
    let is_name = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "_.".contains(character)
    };
    let end = fragment.find(|character| !is_name(character))?;
    let (field, rest) = fragment.split_at(end);
    if rest.starts_with("INSTANCEOF") {
        return None;
    }
    OPERATORS.iter().find_map(|(name, operator)| {
        Some(Condition {
            field: field.to_owned(),
            operator: *operator,
            value: literal(rest.strip_prefix(name)?, now),
        })
    })
}

/// Two scripts are understood: `javascript:gs.dateGenerate('2026-01-02','03:04:05')` and `javascript:gs.minutesAgo(5)`.
fn literal(value: &str, now: Timestamp) -> String {
    let arguments = |function: &str| {
        let script = value
            .strip_prefix("javascript:gs.")?
            .strip_prefix(function)?;
        script.strip_prefix('(')?.strip_suffix(')')
    };
    let plain = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    if let Some((date, time)) = arguments("dateGenerate").and_then(|it| it.split_once(',')) {
        return format!("{} {}", plain(date), plain(time));
    }
    let minutes = arguments("minutesAgo").and_then(|it| plain(it).parse::<i32>().ok());
    let ago = minutes.map(|minutes| SignedDuration::from_mins(minutes.into()));
    match ago.and_then(|ago| now.checked_sub(ago).ok()) {
        Some(then) => date_time(then),
        None => value.to_owned(),
    }
}

/// Numbers by size, all else (dates too) as text. Case does not count: the vendor's database
/// compares without it.
fn ordering(one: &str, other: &str) -> Ordering {
    match (one.parse::<i64>(), other.parse::<i64>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}

impl Condition {
    fn holds(&self, cell: &str) -> bool {
        let wanted = self.value.as_str();
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let (lower_cell, lower) = (cell.to_lowercase(), wanted.to_lowercase());
        let listed = || wanted.split(',').any(|one| same(cell, one.trim()));
        // An empty cell is neither before nor after anything.
        let ordered = |fits: fn(Ordering) -> bool| !cell.is_empty() && fits(ordering(cell, wanted));
        match self.operator {
            Operator::Equal => same(cell, wanted),
            Operator::NotEqual => !same(cell, wanted),
            Operator::Above => ordered(Ordering::is_gt),
            Operator::AtLeast => ordered(Ordering::is_ge),
            Operator::Below => ordered(Ordering::is_lt),
            Operator::AtMost => ordered(Ordering::is_le),
            Operator::In => listed(),
            Operator::NotIn => !listed(),
            Operator::Like => lower_cell.contains(&lower),
            Operator::NotLike => !lower_cell.contains(&lower),
            Operator::StartsWith => lower_cell.starts_with(&lower),
            Operator::EndsWith => lower_cell.ends_with(&lower),
            Operator::IsEmpty => cell.is_empty(),
            Operator::IsNotEmpty => !cell.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(query: &str, row: &[(&str, &str)]) -> bool {
        let known = |field: &str| row.iter().any(|(name, _)| *name == field);
        let value = |field: &str| {
            let cell = row.iter().find(|(name, _)| *name == field);
            cell.map_or("", |(_, value)| *value)
        };
        let now = "2026-01-02T03:06:05.9Z".parse().expect("a time");
        EncodedQuery::parse(query, now, known).matches(value)
    }

    const ROW: &[(&str, &str)] = &[
        ("state", "6"),
        ("number", "INC0010001"),
        ("short_description", "Disk ^ full"),
        ("assigned_to", ""),
        ("sys_updated_on", "2026-01-02 03:04:05"),
    ];

    #[test]
    fn each_operator_holds_where_it_should() {
        for query in [
            "",
            "state=6",
            "state!=7",
            "stateIN1,6",
            "stateNOT IN1,2",
            "state>5",
            "state>=6",
            "state<10",
            "state<=6",
            "numberLIKEc001",
            "numberNOT LIKExyz",
            "numberSTARTSWITHinc",
            "numberENDSWITH0001",
            "assigned_toISEMPTY",
            "numberISNOTEMPTY",
            "short_description=disk ^^ full",
            "sys_updated_on>=javascript:gs.dateGenerate('2026-01-02','03:04:05')",
            "sys_updated_on>=javascript:gs.minutesAgo(2)",
        ] {
            assert!(matches(query, ROW), "{query}");
        }
        for query in [
            "state=7",
            "state!=6",
            "stateIN1,2",
            "stateNOT IN6",
            "state>6",
            "state<6",
            "numberLIKExyz",
            "numberSTARTSWITHx",
            "assigned_toISNOTEMPTY",
            "assigned_to<x",
            "sys_updated_on>2026-01-02 03:04:05",
            "sys_updated_on>=javascript:gs.minutesAgo('1')",
        ] {
            assert!(!matches(query, ROW), "{query}");
        }
    }

    #[test]
    fn or_binds_tighter_than_and() {
        assert!(matches("state=1^ORstate=6^numberISNOTEMPTY", ROW));
        assert!(!matches("state=1^ORstate=6^numberISEMPTY", ROW));
        assert!(matches("state=1^numberISEMPTY^NQstate=6", ROW));
        assert!(matches("state=6^EQ^state=1", ROW));
    }

    #[test]
    fn an_invalid_fragment_is_ignored() {
        for query in [
            "nonsense=1",
            "stateRESEMBLES6",
            "state",
            "nonsense=1^state=6",
        ] {
            assert!(matches(query, ROW), "{query}");
        }
        assert!(!matches("nonsense=1^state=7", ROW));
        // Beside a valid alternative it is that one that counts.
        assert!(!matches("nonsense=1^ORstate=7", ROW));
    }
}
