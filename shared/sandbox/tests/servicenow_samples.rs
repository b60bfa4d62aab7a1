//! Incidents look as the vendor's own samples do.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod table_api;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use table_api::{INCIDENTS, created, get, post, servicenow};

/// `None`, said aloud, where the folder is absent; in CI that is a failure.
fn folder() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join("../shared/vendor/servicenow");
    if folder.exists() {
        return Some(folder);
    }
    let ci = std::env::var("CI");
    assert_ne!(ci.as_deref(), Ok("true"), "CI needs the vendor's samples");
    println!("skipped: no {}", folder.display());
    None
}

/// The rows of every sample.
fn samples() -> Vec<Value> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert_eq!(files.len(), 3);
    let read = |file: std::io::Result<std::fs::DirEntry>| -> Value {
        serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap()
    };
    files
        .into_iter()
        .map(|file| match read(file)["result"].clone() {
            Value::Array(rows) => rows[0].clone(),
            row => row,
        })
        .collect()
}

#[test]
fn every_answer_has_every_column_of_the_samples() {
    let (servicenow, _) = servicenow();
    let (_, written) = post(&servicenow, &json!({"impact": "1"}));
    let sys_id = created(&servicenow, &json!({}));
    let (_, one) = get(&servicenow, &format!("{INCIDENTS}/{sys_id}"));
    let (_, list) = get(&servicenow, INCIDENTS);
    for sample in samples() {
        for own in [&written["result"], &one["result"], &list["result"][1]] {
            for (column, value) in sample.as_object().unwrap() {
                let own = own.get(column);
                let own = own.unwrap_or_else(|| panic!("{column} is missing"));
                // A reference is `""` or `{link, value}`, whichever the sample has.
                let unset = own == "" || value == "";
                let fits = unset || own.is_string() == value.is_string();
                assert!(fits, "{column} is {own}, not like {value}");
            }
        }
    }
}

#[test]
fn a_new_incident_has_the_values_of_the_samples_new_incident() {
    let (servicenow, _) = servicenow();
    let body = json!({
        "short_description": "Unable to connect to office wifi",
        "assignment_group": servicenow.groups()[0].sys_id,
        "urgency": "2",
        "impact": "2",
    });
    let (_, own) = post(&servicenow, &body);
    let is_the_new_one = |sample: &Value| sample["number"] == "INC0010002";
    for sample in samples().iter().filter(|sample| is_the_new_one(sample)) {
        for (column, value) in sample.as_object().unwrap() {
            // Ids, people and times differ.
            let own_sort = [
                "number",
                "sys_id",
                "opened_by",
                "assignment_group",
                "sys_domain",
            ];
            let of_its_own = own_sort.contains(&column.as_str())
                || ["_by", "_on", "_at"]
                    .iter()
                    .any(|end| column.ends_with(end));
            if !of_its_own {
                assert_eq!(&own["result"][column], value, "{column}");
            }
        }
    }
}
