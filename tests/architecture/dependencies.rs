//! Who depends on whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use crate::{names, read, root, rust_files, sources::functions};

/// Design section 10: which crates of ours each crate may depend on, in tests and build scripts too.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("im-model", &[]),
    ("im-sync", &["im-model"]),
    ("im-vendors", &["im-model", "im-sandbox", "im-sync"]),
    ("im-engine", &["im-model", "im-sync", "im-vendors"]),
    (
        "im-store",
        &["im-engine", "im-model", "im-sync", "im-vendors"],
    ),
    (
        "im-api",
        &["im-engine", "im-model", "im-sync", "im-vendors"],
    ),
    (
        "im-runtime",
        &[
            "im-api",
            "im-engine",
            "im-model",
            "im-store",
            "im-sync",
            "im-vendors",
        ],
    ),
    ("api", &["im-runtime"]),
    ("dead-letter", &["im-runtime"]),
    ("inbound", &["im-runtime"]),
    ("outbound", &["im-runtime"]),
    ("reconciler", &["im-runtime"]),
    ("webhook-jira", &["im-runtime"]),
    ("webhook-pagerduty", &["im-runtime"]),
    ("webhook-servicenow", &["im-runtime"]),
    // A vendor's stand-in knows what the vendor documents, and nothing of ours.
    ("im-sandbox", &[]),
    (
        "im-local",
        &[
            "im-api",
            "im-engine",
            "im-model",
            "im-runtime",
            "im-sandbox",
            "im-store",
            "im-sync",
            "im-vendors",
        ],
    ),
    (
        "im-cli",
        &["im-local", "im-model", "im-runtime", "im-sandbox"],
    ),
    (
        "im-tests",
        &[
            "im-api",
            "im-engine",
            "im-local",
            "im-model",
            "im-runtime",
            "im-sandbox",
            "im-store",
            "im-sync",
            "im-vendors",
        ],
    ),
];

/// What is outside of the workspace and may be named by few: what the name starts with, and who.
const KNOWN_TO: &[(&str, &[&str])] = &[
    (
        "aws-sdk-dynamodb",
        &["im-local", "im-runtime", "im-store", "im-tests"],
    ),
    (
        "serde_dynamo",
        &["im-local", "im-runtime", "im-store", "im-tests"],
    ),
    ("aws-", &["im-local", "im-runtime", "im-store", "im-tests"]),
    ("lambda_", &["im-local", "im-runtime", "im-tests"]),
    ("aws_lambda_events", &["im-runtime"]),
    (
        "axum",
        &[
            "im-api",
            "im-cli",
            "im-local",
            "im-runtime",
            "im-sandbox",
            "im-tests",
        ],
    ),
    // The tests' own: to put a load on the whole.
    (
        "reqwest",
        &["im-cli", "im-runtime", "im-sandbox", "im-tests"],
    ),
    ("dynoxide-rs", &["im-local"]),
    ("winterbaume", &["im-local"]),
];

pub(crate) static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let arguments = [
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
        "--offline",
        "--locked",
    ];
    serde_json::from_str(&cargo(&arguments)).expect("JSON")
});

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.expect("cargo runs");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The workspace's packages and what each names as a dependency, itself left out.
pub(crate) fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let packages = METADATA["packages"].as_array().expect("packages").iter();
    let named = |json: &Value| json["name"].as_str().expect("a name").to_owned();
    packages
        .map(|package| {
            let name = named(package);
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let others = dependencies
                .iter()
                .map(named)
                .filter(|other| *other != name);
            (name.clone(), others.collect())
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let allowed: BTreeMap<_, _> = MAY_DEPEND_ON
        .iter()
        .map(|(name, others)| ((*name).to_owned(), names(others)))
        .collect();
    let listed: Vec<_> = allowed.keys().collect();
    assert_eq!(
        packages.keys().collect::<Vec<_>>(),
        listed,
        "a crate that the table lacks or adds"
    );
    for (name, dependencies) in &packages {
        let ours: BTreeSet<_> = dependencies
            .iter()
            .filter(|other| packages.contains_key(*other))
            .cloned()
            .collect();
        let wrong: Vec<_> = ours.difference(&allowed[name]).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn few_know_what_is_outside() {
    for (name, dependencies) in packages() {
        for (prefix, known_to) in KNOWN_TO {
            let known = dependencies.iter().find(|other| other.starts_with(prefix));
            let allowed = known_to.contains(&name.as_str());
            assert!(known.is_none() || allowed, "{name} must not know {known:?}");
        }
    }
}

/// The packages that one package is built with, its own included.
pub(crate) fn built_with(package: &str) -> BTreeSet<String> {
    let arguments = [
        "tree",
        "-p",
        package,
        "-e",
        "normal",
        "--prefix",
        "none",
        "--offline",
        "--locked",
    ];
    let tree = cargo(&arguments);
    let built: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert!(built.contains(package), "{built:?}");
    built
}

fn assert_without(package: &str, unwanted: &[&str]) {
    let built = built_with(package);
    let found = built
        .iter()
        .find(|name| unwanted.iter().any(|prefix| name.starts_with(prefix)));
    assert_eq!(found, None, "{package} is built with it");
}

#[test]
fn pure_crates_are_pure() {
    let io = [
        "aws-", "aws_", "hyper", "lambda_", "mio", "reqwest", "rustls", "socket2", "tokio",
    ];
    for package in ["im-model", "im-sync", "im-vendors"] {
        assert_without(package, &io);
    }
    for package in ["im-model", "im-sync"] {
        assert_without(package, &["async-", "futures", "http"]);
    }
    let impure = [
        "async fn",
        "Instant::",
        "std::env",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "SystemTime",
        "Timestamp::now",
    ];
    for (folder, allowed) in [
        ("shared/model/src", ""),
        ("shared/sync/src", ""),
        ("shared/vendors/src", "async fn"),
    ] {
        for file in rust_files(folder) {
            let text = read(&file);
            let found = impure
                .iter()
                .find(|word| **word != allowed && text.contains(**word));
            assert_eq!(found, None, "{}", file.display());
        }
    }
}

/// aws-lc needs a C compiler and makes cold starts longer; the rest is for this machine only.
#[test]
fn functions_are_built_with_nothing_they_do_not_need() {
    for function in functions() {
        let unwanted = [
            "aws-lc",
            "dynoxide",
            "im-cli",
            "im-local",
            "im-sandbox",
            "im-tests",
            "native-tls",
            "openssl-sys",
            "winterbaume",
        ];
        assert_without(&function, &unwanted);
    }
}
