//! What the sources look like, and what lies where.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use im_model::IntegrationType;

use crate::{
    below,
    dependencies::{METADATA, packages},
    names, read, root, rust_files,
};

pub(crate) fn functions() -> BTreeSet<String> {
    let folders = std::fs::read_dir(root().join("functions")).expect("functions/");
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    folders
        .map(|entry| name(entry.expect("an entry")))
        .collect()
}

#[test]
fn every_main_is_short_and_of_one_shape() {
    let mut shapes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for function in functions() {
        let files: Vec<_> = below(format!("functions/{function}/src"));
        assert_eq!(files.len(), 1, "{function} is main.rs and nothing else");
        let main = read(format!("functions/{function}/src/main.rs"));
        assert!(
            main.lines().count() <= 25,
            "{function} does too much in main.rs"
        );
        shapes
            .entry(shape(&main))
            .or_default()
            .push(function.clone());
        let expected = names(&["im-runtime", "tokio"]);
        assert_eq!(packages()[&function], expected, "{function}");
    }
    assert_eq!(shapes.len(), 1, "{shapes:#?}");
}

fn is_call(text: &str) -> bool {
    text.strip_prefix("im_runtime::")
        .and_then(|call| call.strip_suffix(".await"))
        .is_some()
}

/// The text but for what it is about: its doc line, and what is called.
fn shape(main: &str) -> String {
    let line = |line: &str| match line.trim_start() {
        text if text.starts_with("//!") => "//! …".to_owned(),
        text if is_call(text) => "call".to_owned(),
        _ => line.to_owned(),
    };
    main.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn vendors_do_not_know_each_other() {
    let vendors: Vec<_> = IntegrationType::ALL
        .iter()
        .map(|vendor| vendor.as_str())
        .collect();
    let mut folders = 0;
    for vendor in &vendors {
        let others = vendors
            .iter()
            .filter(|other| *other != vendor)
            .copied()
            .collect::<Vec<_>>();
        for folder in ["shared/vendors/src", "shared/sandbox/src"] {
            let folder = root().join(folder).join(vendor);
            if folder.exists() {
                folders += 1;
                for file in rust_files(&folder) {
                    mentions_none(&file, &others);
                }
            }
        }
    }
    assert!(folders >= 2, "the folders have moved");
    // Beside their folders, only the registry and the list of modules name them.
    for file in rust_files("shared/vendors/src") {
        let path = file
            .strip_prefix(root().join("shared/vendors/src"))
            .expect("below it");
        let at_top = path.components().count() == 1;
        if at_top && path != Path::new("lib.rs") && path != Path::new("registry.rs") {
            mentions_none(&file, &vendors);
        }
    }
}

fn mentions_none(file: &Path, vendors: &[&str]) {
    let text = read(file).to_lowercase();
    let found = vendors.iter().find(|vendor| text.contains(**vendor));
    assert_eq!(found, None, "{} mentions it", file.display());
}

#[test]
fn no_name_says_nothing() {
    let drawers = ["common", "helper", "manager", "misc", "util"];
    for folder in [".ci", "events", "functions", "infra", "shared", "tests"] {
        for path in below(folder) {
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .expect("UTF-8");
            let singular = stem.strip_suffix('s').unwrap_or(stem);
            assert!(!drawers.contains(&singular), "{}", path.display());
        }
    }
}

#[test]
fn the_lints_hold_everywhere() {
    let workspace = section(&read("Cargo.toml"), "[workspace.lints.rust]");
    assert!(
        workspace.contains(r#"unsafe_code = "forbid""#),
        "{workspace}"
    );
    for package in METADATA["packages"].as_array().expect("packages") {
        let manifest = package["manifest_path"].as_str().expect("a path");
        let lints = section(&read(manifest), "[lints]");
        assert_eq!(lints.trim(), "workspace = true", "{manifest}");
    }
}

/// The lines below a heading of a TOML file, up to the next.
fn section(toml: &str, heading: &str) -> String {
    let lines = toml
        .lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_top_level_holds_what_it_may() {
    let allowed = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "PERFORMANCE.md",
        "README.md",
        "SECURITY.md",
        "clippy.toml",
        "deny.toml",
        "events",
        "functions",
        "infra",
        "rustfmt.toml",
        "samconfig.toml",
        "shared",
        "target",
        "template.yaml",
        "tests",
    ];
    for entry in std::fs::read_dir(root()).expect("the workspace") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("UTF-8");
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "{name}"
        );
    }
}
