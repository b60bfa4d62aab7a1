//! What the integration needs of an instance, tried one by one, without changing anything.

use super::{
    options::{self, option},
    refusal::{is_closed, rows},
    request::{self, Prepared},
    response::Row,
};
use crate::{Check, CheckOutcome, Connection, VendorError};

pub(super) async fn probe(connection: &Connection<'_>) -> Vec<Check> {
    vec![
        read_records(connection).await,
        find_by_incident(connection).await,
        read_people(connection).await,
        read_notes(connection).await,
        read_audit(connection).await,
        close_code(connection).await,
    ]
}

async fn read_records(connection: &Connection<'_>) -> Check {
    let what = format!("read {}", options::table(connection.options));
    let asked = ask(connection, request::one_record(connection)).await;
    let shows_at =
        "whether the account may write shows at the first write, for nothing is changed to try it";
    match asked {
        Ok(found) => {
            let hidden = found.first().map(|row| hidden_columns(connection, row));
            let hidden = hidden.unwrap_or_default();
            match (found.is_empty(), hidden.is_empty()) {
                (true, _) => passed(what, format!("there is no record yet; {shows_at}")),
                (false, true) => passed(what, format!("it may be read; {shows_at}")),
                (false, false) => limited(
                    what,
                    format!("these columns are hidden from the account and not synced: {hidden}"),
                ),
            }
        }
        Err(error) => failed(what, &error),
    }
}

/// Columns of which a record that is there shows nothing.
fn hidden_columns(connection: &Connection<'_>, row: &Row) -> String {
    let custom = options::custom(connection.options);
    let hidden = request::audited(&custom).filter(|column| row.get(column).is_none());
    hidden.collect::<Vec<_>>().join(", ")
}

/// Without it a lost answer would make a second record: an invalid fragment of a query is ignored (FACTS.md).
async fn find_by_incident(connection: &Connection<'_>) -> Check {
    let what = "find a record by correlation_id".to_owned();
    match ask(connection, request::no_record(connection)).await {
        Ok(found) if found.is_empty() => passed(what, "it is searched by".to_owned()),
        Ok(_) => Check {
            what,
            outcome: CheckOutcome::Failed,
            detail: "the search was not followed and answered other records: let the account read the column \
                     correlation_id"
                .to_owned(),
        },
        Err(error) => failed(what, &error),
    }
}

async fn read_people(connection: &Connection<'_>) -> Check {
    let what = "read sys_user".to_owned();
    let request = request::one_row(connection, "sys_user", "sys_id,email,user_name,active");
    match ask(connection, request).await {
        Ok(found) if found.iter().all(|user| user.get("email").is_some()) => {
            passed(what, "people are known by their addresses".to_owned())
        }
        Ok(_) => limited(
            what,
            "the column email is hidden from the account: assigned_to is not synced".to_owned(),
        ),
        Err(error) if is_closed(&error) => {
            limited(what, format!("assigned_to is not synced: {error}"))
        }
        Err(error) => failed(what, &error),
    }
}

async fn read_notes(connection: &Connection<'_>) -> Check {
    let what = "read sys_journal_field".to_owned();
    let request = request::one_row(connection, "sys_journal_field", "sys_id,element_id,value");
    match ask(connection, request).await {
        Ok(_) => passed(what, "comments and work notes may be read".to_owned()),
        Err(error) => failed(what, &error),
    }
}

async fn read_audit(connection: &Connection<'_>) -> Check {
    let what = "read sys_audit".to_owned();
    let request = request::one_row(connection, "sys_audit", "sys_id,documentkey,newvalue");
    match ask(connection, request).await {
        Ok(_) => passed(what, "who changed what is known".to_owned()),
        Err(error) if is_closed(&error) => limited(
            what,
            format!(
                "without it a change that somebody makes in the very moment of ours may be taken for our own: {error}"
            ),
        ),
        Err(error) => failed(what, &error),
    }
}

/// Its values differ per instance (FACTS.md, "Incident").
async fn close_code(connection: &Connection<'_>) -> Check {
    let what = "resolve and close".to_owned();
    let found = ask(connection, request::close_codes(connection)).await;
    let known = match found {
        Ok(found) => choices(connection, &found),
        Err(error) if is_closed(&error) => Vec::new(),
        Err(error) => return failed(what, &error),
    };
    let names = if known.is_empty() {
        "the account may not read sys_choice, which lists its values".to_owned()
    } else {
        format!("its values are {}", known.join(", "))
    };
    match option(connection.options, "close_code") {
        None => limited(
            what,
            format!(
                "most instances refuse it without a code, and the option close_code is not set: {names}"
            ),
        ),
        Some(code) if known.is_empty() || known.iter().any(|known| known == code) => {
            passed(what, format!("close_code is {code:?}"))
        }
        Some(code) => limited(
            what,
            format!("close_code {code:?} is none that the instance lists: {names}"),
        ),
    }
}

/// Each once: the same value comes in each language.
fn choices(connection: &Connection<'_>, found: &[Row]) -> Vec<String> {
    let table = options::table(connection.options);
    let is_one =
        |row: &&Row| row.get("name") == Some(table) && row.get("element") == Some("close_code");
    let mut values: Vec<_> = found
        .iter()
        .filter(is_one)
        .filter_map(|row| row.full("value"))
        .map(str::to_owned)
        .collect();
    values.sort();
    values.dedup();
    values
}

async fn ask(
    connection: &Connection<'_>,
    request: Result<Prepared, VendorError>,
) -> Result<Vec<Row>, VendorError> {
    rows(connection, request?).await
}

fn passed(what: String, detail: String) -> Check {
    Check {
        what,
        outcome: CheckOutcome::Passed,
        detail,
    }
}

fn limited(what: String, detail: String) -> Check {
    Check {
        what,
        outcome: CheckOutcome::Limited,
        detail,
    }
}

fn failed(what: String, error: &VendorError) -> Check {
    Check {
        what,
        outcome: CheckOutcome::Failed,
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
