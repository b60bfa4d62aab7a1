use super::*;

/// A configuration folder with a profile file in it, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, profiles: &str) -> Self {
        let name = format!("im-cli-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("im")).expect("a folder");
        fs::write(folder.join("im/profiles.json"), profiles).expect("a file");
        Self(folder)
    }

    fn variable(&self) -> (&str, &str) {
        ("XDG_CONFIG_HOME", self.0.to_str().expect("text"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is in the temporary folder anyway.
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Answer = anyhow::Result<(Connection, Vec<String>)>;

fn resolve(flags: &Connect, variables: &[(&str, &str)]) -> Answer {
    let environment = |name: &str| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    connection(flags, &mut SecretInput::new(&mut io::empty(), &environment))
}

fn seen(answer: Answer) -> (String, Option<String>) {
    let (connection, _) = answer.expect("a connection");
    (
        connection.endpoint.to_string(),
        connection.token.map(|t| t.reveal().to_owned()),
    )
}

fn pair(endpoint: &str, token: Option<&str>) -> (String, Option<String>) {
    (endpoint.to_owned(), token.map(str::to_owned))
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_profile() {
    let home = Folder::new(
        "precedence",
        r#"{"default": {"token": "p0"}, "prod": {"endpoint": "https://p/", "token": "p1"}}"#,
    );
    let xdg = home.variable();
    let none = Connect::default();
    let prod = Connect {
        profile: Some("prod".to_owned()),
        ..Connect::default()
    };
    assert_eq!(
        seen(resolve(&none, &[])),
        pair("http://127.0.0.1:8080/", None)
    );
    assert_eq!(
        seen(resolve(&none, &[xdg])),
        pair("http://127.0.0.1:8080/", Some("p0"))
    );
    assert_eq!(seen(resolve(&prod, &[xdg])), pair("https://p/", Some("p1")));
    assert_eq!(
        seen(resolve(&none, &[xdg, ("IM_PROFILE", "prod")])),
        pair("https://p/", Some("p1"))
    );
    let environment = [xdg, ("IM_ENDPOINT", "https://e/api/"), ("IM_TOKEN", "e1")];
    assert_eq!(
        seen(resolve(&prod, &environment)),
        pair("https://e/api", Some("e1"))
    );
    let flags = Connect {
        endpoint: Some("https://f".to_owned()),
        api_token: Some("f1".parse().expect("infallible")),
        ..prod
    };
    assert_eq!(
        seen(resolve(&flags, &environment)),
        pair("https://f/", Some("f1"))
    );
}

#[test]
fn a_profiles_token_goes_to_its_own_endpoint_only() {
    let home = Folder::new(
        "own",
        r#"{"default": {"endpoint": "https://p", "token": "p1"}}"#,
    );
    let xdg = home.variable();
    let answer = resolve(
        &Connect::default(),
        &[xdg, ("IM_ENDPOINT", "https://other")],
    );
    let (connection, notes) = answer.expect("a connection");
    assert_eq!(connection.token, None);
    assert!(
        notes.concat().contains("belongs to another endpoint"),
        "{notes:?}"
    );
}

#[test]
fn a_file_that_is_no_profile_file_is_refused_without_quoting_it() {
    for text in [
        "{",
        r#"{"default": {"token": 48151623}}"#,
        r#"{"default": {"tokn": "hunter2"}}"#,
    ] {
        let home = Folder::new("broken", text);
        let xdg = home.variable();
        let error = format!(
            "{:?}",
            resolve(&Connect::default(), &[xdg]).expect_err("broken")
        );
        assert!(
            error.contains("is not a valid profile file (line 1"),
            "{error}"
        );
        assert!(
            !error.contains("48151623") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn a_named_profile_must_exist() {
    let prod = Connect {
        profile: Some("prod".to_owned()),
        ..Connect::default()
    };
    assert!(resolve(&prod, &[]).is_err());
    assert!(resolve(&prod, &[("HOME", "/nonexistent")]).is_err());
    assert!(resolve(&Connect::default(), &[("HOME", "/nonexistent")]).is_ok());
}

#[test]
fn an_endpoint_is_an_address_without_secrets() {
    for bad in [
        "",
        "127.0.0.1:8080",
        "ftp://x",
        "http://me:hunter2@x",
        "http://x/?a=hunter2",
    ] {
        let error = parse_endpoint(bad).expect_err(bad).to_string();
        assert!(
            error.starts_with("the endpoint ") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn an_unencrypted_token_is_mentioned_except_on_this_machine() {
    let noted = |endpoint: &str| {
        let variables = [("IM_ENDPOINT", endpoint), ("IM_TOKEN", "t")];
        !resolve(&Connect::default(), &variables)
            .expect("a connection")
            .1
            .is_empty()
    };
    assert!(noted("http://example.com"));
    for fine in [
        "https://example.com",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://[::1]:1",
    ] {
        assert!(!noted(fine), "{fine}");
    }
}
