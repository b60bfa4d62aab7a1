use serde_json::json;

use super::{
    super::{
        refusal::row,
        request,
        scripted::{Account, run},
    },
    *,
};

const SYS_ID: &str = "a9e30c7dc61122760116894de7bcc7bd";
const READ: &str = "GET /incident/a9e30c7dc61122760116894de7bcc7bd?";
const TOKEN_URL: &str = "POST /oauth_token.do";

fn client() -> Account {
    let account = Account::new()
        .credential("client_id", "the client")
        .credential("client_secret", "a&b=c");
    without_user(account)
}

fn without_user(mut account: Account) -> Account {
    account.credentials.0.remove("username");
    account.credentials.0.remove("password");
    account
}

fn grants(account: Account, token: &str, refresh: Option<&str>) -> Account {
    let answer = json!({"access_token": token, "refresh_token": refresh, "scope": "useraccount",
        "token_type": "Bearer", "expires_in": 1799});
    account.answers(TOKEN_URL, 200, &answer)
}

fn reads(account: Account, status: u16) -> Account {
    account.answers(READ, status, &json!({"result": {"sys_id": "1"}}))
}

fn read(account: &Account) -> Result<(), VendorError> {
    let connection = account.connection();
    let id = SYS_ID.parse().expect("an id");
    let request = request::severity(&connection, &id).expect("a request");
    run(row(&connection, request)).map(|_| ())
}

/// What each request said of who sends it, or asked for a token with.
fn who(account: &Account) -> Vec<String> {
    let who = |asked: super::super::scripted::Asked| match asked.authorization() {
        "" => asked.text,
        authorization => authorization.to_owned(),
    };
    account.asked().into_iter().map(who).collect()
}

#[test]
fn user_name_and_password_go_with_each_request() {
    let account = reads(Account::new(), 200);
    assert_eq!(read(&account), Ok(()));
    // "im.bot:s3cret"
    assert_eq!(who(&account), ["Basic aW0uYm90OnMzY3JldA=="]);
    let account = reads(Account::new(), 401);
    let error = read(&account).expect_err("refused");
    assert_eq!(error.kind, VendorErrorKind::Unauthorized);
    assert_eq!(account.asked().len(), 1, "a password is not tried again");
}

#[test]
fn a_token_is_asked_for_once_and_used_until_its_last_minute() {
    let account = reads(reads(grants(client(), "t1", None), 200), 200);
    let mut account = account;
    assert_eq!(read(&account), Ok(()));
    account.waits(1799 - 61);
    assert_eq!(read(&account), Ok(()));
    let form = "grant_type=client_credentials&client_id=the+client&client_secret=a%26b%3Dc";
    assert_eq!(who(&account), [form, "Bearer t1", "Bearer t1"]);
    account.waits(1);
    let account = reads(grants(account, "t2", None), 200);
    assert_eq!(read(&account), Ok(()));
    assert_eq!(who(&account), [form, "Bearer t2"]);
}

#[test]
fn the_form_is_one_that_any_server_reads() {
    let account = reads(grants(client(), "t1", None), 200);
    assert_eq!(read(&account), Ok(()));
    let asked = &account.asked()[0];
    assert_eq!(asked.what, TOKEN_URL);
    assert_eq!(
        asked.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let pairs: Vec<_> = form_urlencoded::parse(asked.text.as_bytes()).collect();
    assert!(
        pairs.contains(&("client_secret".into(), "a&b=c".into())),
        "{pairs:?}"
    );
}

#[test]
fn with_a_user_the_grant_is_its_password_and_then_the_refresh_token() {
    let user = |account: Account| {
        account
            .credential("username", "im.bot")
            .credential("password", "s3cret")
    };
    let mut account = reads(grants(user(client()), "t1", Some("r1")), 200);
    assert_eq!(read(&account), Ok(()));
    let password = "grant_type=password&username=im.bot&password=s3cret\
                    &client_id=the+client&client_secret=a%26b%3Dc";
    assert_eq!(who(&account), [password, "Bearer t1"]);
    account.waits(3600);
    let mut account = reads(grants(account, "t2", Some("r2")), 200);
    assert_eq!(read(&account), Ok(()));
    let refresh = |token: &str| {
        format!(
            "grant_type=refresh_token&refresh_token={token}\
             &client_id=the+client&client_secret=a%26b%3Dc"
        )
    };
    assert_eq!(who(&account), [&*refresh("r1"), "Bearer t2"]);
    // A refresh token that is over is forgotten, and the password asked again.
    account.waits(3600);
    let refused = json!({"error": "invalid_grant", "error_description": "r2"});
    let account = account.answers(TOKEN_URL, 400, &refused);
    let account = reads(grants(account, "t3", None), 200);
    assert_eq!(read(&account), Ok(()));
    assert_eq!(who(&account), [&*refresh("r2"), password, "Bearer t3"]);
}

#[test]
fn a_remembered_token_that_is_refused_is_replaced_once() {
    let account = reads(grants(client(), "t1", None), 200);
    assert_eq!(read(&account), Ok(()));
    account.asked();
    let account = reads(grants(reads(account, 401), "t2", None), 200);
    assert_eq!(read(&account), Ok(()));
    assert_eq!(who(&account).last().map(String::as_str), Some("Bearer t2"));
    let account = reads(grants(reads(account, 401), "t3", None), 401);
    let error = read(&account).expect_err("refused twice");
    assert_eq!(error.kind, VendorErrorKind::Unauthorized);
    assert_eq!(account.asked().len(), 3);
    // A token of this very moment is not to blame.
    let account = reads(grants(client(), "t1", None), 401);
    assert!(read(&account).is_err());
    assert_eq!(account.asked().len(), 2);
}

#[test]
fn a_refused_login_blames_the_credentials_and_quotes_none() {
    for status in [400, 401, 403] {
        let refused = json!({"error": "invalid_client", "error_description": "a&b=c is wrong"});
        let account = client().answers(TOKEN_URL, status, &refused);
        let error = read(&account).expect_err("refused");
        assert_eq!(error.kind, VendorErrorKind::Unauthorized);
        assert_eq!(error.tried, "POST /oauth_token.do");
        assert_eq!(error.detail, "invalid_client");
    }
    let account = client().answers(TOKEN_URL, 503, &json!({}));
    let unavailable = VendorErrorKind::Unavailable { status: 503 };
    assert_eq!(read(&account).expect_err("down").kind, unavailable);
    let account = client().answers(TOKEN_URL, 200, &json!({"access_token": ""}));
    assert_eq!(
        read(&account).expect_err("empty").kind,
        VendorErrorKind::Garbage
    );
}

#[test]
fn nothing_is_sent_without_a_complete_login() {
    for (name, account) in [
        ("username", without_user(Account::new())),
        (
            "password",
            without_user(Account::new()).credential("username", "x"),
        ),
        ("client_secret", Account::new().credential("client_id", "x")),
        ("colon", Account::new().credential("username", "a:b")),
    ] {
        let error = read(&account).expect_err(name);
        assert_eq!(error.kind, VendorErrorKind::Unsendable { field: None });
        assert!(error.detail.contains(name), "{error}");
        assert_eq!(account.asked().len(), 0);
    }
}

#[test]
fn a_token_that_does_not_say_how_long_it_is_good_for_is_not_kept() {
    for seconds in [json!(null), json!(0), json!("soon"), json!(-5), json!(60)] {
        let answer = json!({"access_token": "t", "expires_in": seconds});
        let account = reads(client().answers(TOKEN_URL, 200, &answer), 200);
        let account = reads(account.answers(TOKEN_URL, 200, &answer), 200);
        assert_eq!(
            (read(&account), read(&account)),
            (Ok(()), Ok(())),
            "{seconds}"
        );
        account.asked();
    }
    let answer = json!({"access_token": "t", "expires_in": "1799"});
    let account = reads(reads(client().answers(TOKEN_URL, 200, &answer), 200), 200);
    assert_eq!((read(&account), read(&account)), (Ok(()), Ok(())));
    account.asked();
}

#[test]
fn a_token_of_one_instance_is_never_sent_to_another() {
    let account = reads(grants(client(), "t1", Some("r1")), 200);
    let mut account = account;
    assert_eq!(read(&account), Ok(()));
    account.asked();
    account.base_url = "https://other.service-now.com".parse().expect("a URL");
    let account = reads(grants(account, "t2", None), 200);
    assert_eq!(read(&account), Ok(()));
    let form = "grant_type=client_credentials&client_id=the+client&client_secret=a%26b%3Dc";
    assert_eq!(who(&account), [form, "Bearer t2"]);
}
