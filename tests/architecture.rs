//! Which way dependencies point, how the functions look, and that template, tables and code say the same.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "architecture/after_failure.rs"]
mod after_failure;
#[path = "architecture/broken.rs"]
mod broken;
#[path = "architecture/dependencies.rs"]
mod dependencies;
#[path = "architecture/encryption.rs"]
mod encryption;
#[path = "architecture/features.rs"]
mod features;
#[path = "architecture/least_privilege.rs"]
mod least_privilege;
#[path = "architecture/observability.rs"]
mod observability;
#[path = "architecture/parameters.rs"]
mod parameters;
#[path = "architecture/permissions.rs"]
mod permissions;
#[path = "architecture/routes.rs"]
mod routes;
#[path = "architecture/sources.rs"]
mod sources;
#[path = "architecture/template.rs"]
mod template;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file and folder below a folder of the workspace.
fn below(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

fn rust_files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut files = below(folder);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files
}

fn names(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
