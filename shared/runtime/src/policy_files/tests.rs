use super::*;

fn folder(files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("im-policy-{}", ulid::Ulid::new()));
    fs::create_dir(&folder).expect("a folder");
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file");
    }
    folder
}

fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let refused = policy_from(Some(&folder))
        .err()
        .expect("is refused")
        .to_string();
    fs::remove_dir_all(&folder).expect("removed");
    assert!(refused.contains(&folder.display().to_string()), "{refused}");
    refused
}

const ALLOWS_NOBODY: &str = "package im.authz\nimport rego.v1\ndecision := {\"allow\": data.open, \"reason\": \"closed\"}\n";

#[test]
fn a_folder_is_a_policy() {
    let files = [
        ("mine.rego", ALLOWS_NOBODY),
        ("mine_test.rego", "not even Rego"),
        ("README.md", "# Mine"),
        ("data.json", "{\"open\": false}"),
    ];
    let folder = folder(&files);
    assert!(policy_from(Some(&folder)).is_ok());
    fs::remove_dir_all(&folder).expect("removed");
    assert!(policy_from(None).is_ok(), "the built-in one");
}

#[test]
fn a_folder_without_a_usable_policy_is_refused_by_name() {
    assert!(refused(&[]).contains("holds no .rego file"));
    assert!(refused(&[("mine_test.rego", ALLOWS_NOBODY)]).contains("holds no .rego file"));
    assert!(refused(&[("mine.rego", "package")]).contains("mine.rego"));
    let no_data = refused(&[("mine.rego", ALLOWS_NOBODY)]);
    assert!(no_data.contains("data.im.authz.decision"), "{no_data}");
    let open = [
        ("mine.rego", ALLOWS_NOBODY),
        ("data.json", "{\"open\": true}"),
    ];
    assert!(refused(&open).contains("it allows a caller without a role"));
    let broken = [("mine.rego", ALLOWS_NOBODY), ("data.json", "[")];
    assert!(refused(&broken).contains("data.json"));
}

#[test]
fn a_folder_that_is_not_there_is_refused_by_name() {
    let error = policy_from(Some(Path::new("/nowhere/policies")))
        .err()
        .expect("is refused");
    assert!(
        error
            .to_string()
            .contains("/nowhere/policies cannot be read")
    );
}
