//! `im integration mapping`.

use std::{io::Read as _, path::Path};

use serde_json::{Map, Value, json};

use super::{check, document, field_name};
use crate::{
    cli::{Direction, Export, Format, Import, MappingCommand, Otherwise, SetMapping},
    client::Client,
    failure::Failed,
    integration::{PATH, id},
    output::{Console, one_line, table},
    secret_input::SecretInput,
    text_input,
};

const BELOW: &str = "mappings";
const DIRECTIONS: [&str; 2] = ["outbound", "inbound"];

/// More bytes than the API takes.
const MOST: u64 = 256 * 1024;

/// Runs one command.
pub async fn run(
    command: MappingCommand,
    client: &Client,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        MappingCommand::List { integration, field } => {
            list(&integration, field.as_deref(), client, console).await
        }
        MappingCommand::Set(set) => {
            let edit = |mappings: &mut Value| {
                set_entry(&set, mappings);
                Ok(())
            };
            change(&set.integration, edit, client, console).await
        }
        MappingCommand::Delete {
            integration,
            field,
            value,
            direction,
        } => {
            let edit = |mappings: &mut Value| {
                delete_entry(&field_name(&field), value.as_deref(), direction, mappings)
            };
            change(&integration, edit, client, console).await
        }
        MappingCommand::Export(args) => export(&args, client, console).await,
        MappingCommand::Import(args) => import(&args, client, input, console).await,
    }
}

async fn read(client: &Client, id: &str) -> anyhow::Result<Value> {
    Ok(client.get(&[PATH, id, BELOW], &[]).await?)
}

async fn list(
    integration: &str,
    field: Option<&str>,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, integration).await?;
    let mut mappings = read(client, &id).await?;
    if let Some(field) = field {
        let name = field_name(field);
        let Some(maps) = mappings["values"].get(&name).cloned() else {
            let known = mappings["values"].as_object();
            let known: Vec<_> = known.into_iter().flat_map(Map::keys).cloned().collect();
            let problem = format!("{id} has no table for {field:?}");
            let hint = format!("there are tables for {}", known.join(", "));
            return Err(Failed::new(problem, hint).into());
        };
        mappings["values"] = json!({ name: maps });
    }
    check::notes(&mappings, console)?;
    console.result(&mappings, listing)
}

/// Changes the version of the mappings that was read, and says what has changed.
async fn change(
    integration: &str,
    edit: impl FnOnce(&mut Value) -> Result<(), Failed>,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, integration).await?;
    let before = read(client, &id).await?;
    let mut wanted = before.clone();
    edit(&mut wanted)?;
    let version = before["version"].as_u64();
    let path = [PATH, &id, BELOW];
    let after = client.put(&path, &[], &wanted, version).await?;
    check::notes(&after, console)?;
    console.result(&after, |after| differences(&before, after))
}

/// One direction's table of a field, made where there is none: it leaves what it does not list to the default.
fn table_of<'a>(mappings: &'a mut Value, field: &str, direction: &str) -> &'a mut Value {
    let maps = &mut mappings["values"][field];
    if maps.is_null() {
        *maps = json!({});
    }
    let table = &mut maps[direction];
    if table.is_null() {
        *table = json!({"values": {}, "otherwise": "inherit"});
    }
    table
}

fn set_entry(set: &SetMapping, mappings: &mut Value) {
    let table = table_of(mappings, &field_name(&set.field), set.direction.as_str());
    match &set.otherwise {
        Some(Otherwise::Word(word)) => table["otherwise"] = json!(word),
        Some(Otherwise::Default(value)) => table["otherwise"] = json!({ "default": value }),
        None => {}
    }
    if let (Some(value), Some(becomes)) = (&set.value, &set.becomes) {
        table["values"][value] = json!(becomes);
    }
}

fn delete_entry(
    field: &str,
    value: Option<&str>,
    direction: Option<Direction>,
    mappings: &mut Value,
) -> Result<(), Failed> {
    let configured = mappings["configured"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let all = DIRECTIONS.into_iter();
    let meant = all.filter(|name| direction.is_none_or(|only| only.as_str() == *name));
    let meant: Vec<_> = meant
        .filter(|name| configured.contains(&json!(format!("{field}.{name}"))))
        .collect();
    if meant.is_empty() {
        let which = direction.map_or(String::new(), |only| format!(" {}", only.as_str()));
        let problem =
            format!("the{which} mapping of {field} is as the vendor's defaults say already");
        let hint = "`im integration mapping list` marks what is not";
        return Err(Failed::new(problem, hint));
    }
    for direction in meant {
        match value {
            None => {
                if let Some(maps) = mappings["values"][field].as_object_mut() {
                    maps.remove(direction);
                }
            }
            Some(value) => reset_value(field, value, direction, mappings)?,
        }
    }
    Ok(())
}

fn reset_value(
    field: &str,
    value: &str,
    direction: &str,
    mappings: &mut Value,
) -> Result<(), Failed> {
    let default = mappings["defaults"][field][direction]["values"]
        .get(value)
        .cloned();
    let table = table_of(mappings, field, direction);
    let Some(values) = table["values"].as_object_mut() else {
        return Ok(());
    };
    match default {
        Some(default) => _ = values.insert(value.to_owned(), default),
        None if values.remove(value).is_some() => {}
        None => {
            let known: Vec<_> = values.keys().cloned().collect();
            let problem = format!("{field} has no {direction} entry for {value:?}");
            return Err(Failed::new(
                problem,
                format!("there are {}", known.join(", ")),
            ));
        }
    }
    Ok(())
}

async fn export(args: &Export, client: &Client, console: &mut Console<'_>) -> anyhow::Result<()> {
    let id = id(client, &args.integration).await?;
    let mappings = read(client, &id).await?;
    check::notes(&mappings, console)?;
    let text = match console.format {
        Format::Table => document::write(&id, &mappings)?,
        Format::Json => serde_json::to_string_pretty(&mappings)? + "\n",
    };
    let Some(file) = &args.file else {
        console.out.write_all(text.as_bytes())?;
        return Ok(console.out.flush()?);
    };
    std::fs::write(file, text).map_err(|error| {
        let problem = format!("{} cannot be written: {error}", file.display());
        Failed::new(
            problem,
            "name a file in a folder that exists and that you may write to",
        )
    })?;
    console.note(&format!("the mappings of {id} are in {}", file.display()))
}

async fn import(
    args: &Import,
    client: &Client,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let is_stdin = args.file == Path::new("-");
    let (name, yaml) = if is_stdin {
        let name = "standard input".to_owned();
        (name, text_input::read("<FILE>", "-", input)?)
    } else {
        (args.file.display().to_string(), read_file(&args.file)?)
    };
    let wanted = document::read(&name, &yaml)?;
    let id = id(client, &args.integration).await?;
    let before = read(client, &id).await?;
    let query: &[_] = if args.dry_run {
        &[("dry_run", "true")]
    } else {
        &[]
    };
    let after = client
        .put(&[PATH, &id, BELOW], query, &wanted, None)
        .await?;
    check::notes(&after, console)?;
    if args.dry_run {
        console.note("a dry run: nothing was changed")?;
    }
    console.result(&after, |after| differences(&before, after))
}

fn read_file(file: &Path) -> Result<String, Failed> {
    let unreadable = |error: std::io::Error| {
        let problem = format!("{} cannot be read: {error}", file.display());
        Failed::new(problem, "name a YAML file in UTF-8")
    };
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    let read = opened.take(MOST + 1).read_to_string(&mut text);
    if read.map_err(unreadable)? as u64 > MOST {
        let problem = format!("{} is too long", file.display());
        return Err(Failed::new(problem, format!("the API takes {MOST} bytes")));
    }
    Ok(text)
}

/// One row of a listing: field, direction, value, what it becomes.
type Row = [String; 4];

/// Every custom field, and every value of every table with what it becomes.
fn rows(mappings: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    let custom = mappings["fields"].as_object().into_iter().flatten();
    rows.extend(custom.map(|(field, theirs)| {
        [
            field.clone(),
            "both".to_owned(),
            "(the vendor's field)".to_owned(),
            text(theirs),
        ]
    }));
    for (field, maps) in mappings["values"].as_object().into_iter().flatten() {
        for direction in DIRECTIONS {
            let Some(table) = maps.get(direction) else {
                continue;
            };
            let row = |value: &str, becomes| {
                [
                    field.clone(),
                    direction.to_owned(),
                    value.to_owned(),
                    becomes,
                ]
            };
            let values = table["values"].as_object().into_iter().flatten();
            rows.extend(values.map(|(value, becomes)| row(value, text(becomes))));
            rows.push(row("(any other)", otherwise(&table["otherwise"])));
        }
    }
    rows
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn otherwise(answer: &Value) -> String {
    match answer.as_str() {
        Some("leave_alone") => "(left alone)".to_owned(),
        Some("inherit") => "(as the default says)".to_owned(),
        Some(word) => format!("({word})"),
        None => text(&answer["default"]),
    }
}

fn listing(mappings: &Value) -> String {
    let configured = mappings["configured"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let row = |[field, direction, value, becomes]: Row| {
        let is_configured = configured.contains(&json!(format!("{field}.{direction}")));
        let from = if is_configured || direction == "both" {
            "configured"
        } else {
            "default"
        };
        let cells = [field, direction, value, becomes, from.to_owned()];
        cells.iter().map(|cell| one_line(cell)).collect()
    };
    let rows: Vec<Vec<_>> = rows(mappings).into_iter().map(row).collect();
    table(
        &["FIELD", "DIRECTION", "VALUE", "BECOMES", "FROM"],
        &rows,
        "No tables.",
    )
}

/// What one answer says otherwise than another.
fn differences(before: &Value, after: &Value) -> String {
    let (old, new) = (rows(before), rows(after));
    let of = |rows: &[Row], key: &[String]| {
        let found = rows.iter().find(|row| row[..3] == *key);
        found.map_or("-".to_owned(), |row| row[3].clone())
    };
    let mut keys: Vec<_> = old
        .iter()
        .chain(&new)
        .map(|row| row[..3].to_vec())
        .collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter_map(|key| {
        let (was, is) = (of(&old, &key), of(&new, &key));
        let cells = key.into_iter().chain([was.clone(), is.clone()]);
        (was != is).then(|| cells.map(|cell| one_line(&cell)).collect())
    });
    let rows: Vec<Vec<_>> = changed.collect();
    table(
        &["FIELD", "DIRECTION", "VALUE", "WAS", "IS"],
        &rows,
        "Nothing changes.",
    )
}
