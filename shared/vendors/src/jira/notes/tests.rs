use im_model::NoteSource;

use super::{super::scripted::*, *};

const AT: &str = "2026-11-22T03:00:00.000+0000";

fn comment(id: &str, changes: &Json) -> Json {
    let mut comment = json!({
        "id": id,
        "author": {"accountId": "5b1", "emailAddress": "Ann@Example.com", "displayName": "Ann"},
        "body": adf::from_markdown("Restarted."),
        "created": AT, "updated": AT, "jsdPublic": true, "properties": [],
    });
    for (name, value) in changes.as_object().expect("changes") {
        comment[name] = value.clone();
    }
    comment
}

fn page(comments: &[Json]) -> Json {
    json!({"startAt": 0, "maxResults": 100, "total": comments.len(), "comments": comments})
}

fn notes(account: &Account) -> Vec<ExternalNote> {
    let id = ExternalId::parse("10002").expect("an id");
    run(read(&account.connection(), &id)).expect("notes")
}

fn one(changes: &Json) -> ExternalNote {
    let page = page(&[comment("7", changes)]);
    let account = Account::new().of_a_service_project().answers(
        "GET /issue/10002/comment?expand=properties&",
        200,
        &page,
    );
    let note = notes(&account).remove(0);
    account.asked();
    note
}

fn our_note(kind: NoteKind) -> Note {
    Note {
        key: NoteKey {
            source: NoteSource::Platform,
            origin: NoteId::parse("01J").expect("an id"),
        },
        kind,
        author: ActorId::parse("bob@example.com").ok(),
        at: "2026-11-22T02:59:59Z".parse().expect("a time"),
        edit_of: None,
        text: "Watching it.".to_owned(),
        copies: std::collections::BTreeMap::new(),
    }
}

fn key_property() -> Json {
    json!({"key": NOTE, "value": {"key": "@platform/01J"}})
}

fn a_copy() -> Json {
    json!({
        "author": {"accountId": "bot"},
        "body": adf::from_markdown(&headed_note(&our_note(NoteKind::WorkNote))),
        "properties": [key_property()],
    })
}

#[test]
fn a_persons_comment_is_a_note() {
    let note = one(&json!({}));
    assert_eq!(note.id.as_str(), "7");
    assert_eq!(note.kind, NoteKind::Comment);
    assert_eq!(note.author, ActorId::parse("ann@example.com").ok());
    assert_eq!(note.text, "Restarted.");
    assert_eq!((note.edited_at, note.copy_of), (None, None));
    let hidden = one(&json!({"author": {"accountId": "5b1", "displayName": "Ann"}}));
    assert_eq!(hidden.author, ActorId::parse("Ann").ok());
    assert_eq!(one(&json!({"author": null})).author, None);
}

#[test]
fn only_what_is_known_to_be_public_is_a_comment() {
    let internal = json!([{"key": VISIBILITY, "value": {"internal": true}}]);
    for (changes, kind) in [
        (json!({"jsdPublic": true}), NoteKind::Comment),
        (
            json!({"jsdPublic": true, "visibility": {}}),
            NoteKind::Comment,
        ),
        (json!({"jsdPublic": false}), NoteKind::WorkNote),
        (json!({"jsdPublic": null}), NoteKind::WorkNote),
        (
            json!({"visibility": {"type": "role", "value": "Administrators"}}),
            NoteKind::WorkNote,
        ),
        (json!({ "properties": internal }), NoteKind::WorkNote),
    ] {
        assert_eq!(one(&changes).kind, kind, "{changes}");
    }
}

#[test]
fn an_edit_is_later_than_a_moment() {
    let edited = |at: &str| one(&json!({ "updated": at })).edited_at.is_some();
    assert!(!edited("2026-11-22T03:00:01.000+0000"));
    assert!(edited("2026-11-22T03:00:01.001+0000"));
}

#[test]
fn our_accounts_comment_with_the_property_is_a_copy() {
    let us = json!({"accountId": "bot"});
    let comments = page(&[comment("7", &a_copy()), comment("8", &a_copy())]);
    let account = Account::new()
        .of_a_service_project()
        .answers("GET /issue/10002/comment", 200, &comments)
        .answers("GET /myself", 200, &us);
    let notes = notes(&account);
    assert_eq!(notes[0].copy_of, Some(our_note(NoteKind::WorkNote).key));
    assert_eq!(notes[0].text, "Watching it.");
    assert_eq!(notes[1].copy_of, notes[0].copy_of);
    account.asked();
}

#[test]
fn somebody_elses_comment_is_none_whatever_it_carries() {
    let mut changes = a_copy();
    changes["author"] = json!({"accountId": "5b1"});
    let account = Account::new()
        .of_a_service_project()
        .answers(
            "GET /issue/10002/comment",
            200,
            &page(&[comment("7", &changes)]),
        )
        .answers("GET /myself", 200, &json!({"accountId": "bot"}));
    let note = notes(&account).remove(0);
    assert_eq!(note.copy_of, None);
    assert!(note.text.starts_with("bob"), "{}", note.text);
}

#[test]
fn properties_that_were_not_shown_are_asked_for() {
    let mut changes = a_copy();
    changes["properties"] = json!(null);
    for (status, answer, expected) in [(200, key_property(), true), (404, json!({}), false)] {
        let account = Account::new()
            .of_a_service_project()
            .answers(
                "GET /issue/10002/comment",
                200,
                &page(&[comment("7", &changes)]),
            )
            .answers("GET /myself", 200, &json!({"accountId": "bot"}))
            .answers("GET /comment/7/properties/im.note", status, &answer);
        let note = notes(&account).remove(0);
        assert_eq!(note.copy_of.is_some(), expected);
        account.asked();
    }
}

#[test]
fn every_page_is_read() {
    let mut first = page(&[comment("7", &json!({}))]);
    first["total"] = json!(2);
    let mut second = page(&[comment(
        "6",
        &json!({"created": "2026-11-22T02:00:00.000+0000"}),
    )]);
    second["total"] = json!(2);
    let account = Account::new()
        .of_a_service_project()
        .answers(
            "GET /issue/10002/comment?expand=properties&orderBy=created&startAt=0&",
            200,
            &first,
        )
        .answers(
            "GET /issue/10002/comment?expand=properties&orderBy=created&startAt=1&",
            200,
            &second,
        );
    let ids: Vec<_> = notes(&account)
        .into_iter()
        .map(|note| note.id.to_string())
        .collect();
    assert_eq!(ids, ["6", "7"]);
    account.asked();
}

#[test]
fn a_copy_is_sent_with_its_key_and_a_work_note_as_internal() {
    for kind in [NoteKind::WorkNote, NoteKind::Comment] {
        let account = Account::new().of_a_service_project().answers(
            "POST /issue/10002/comment",
            201,
            &json!({"id": "7"}),
        );
        let id = ExternalId::parse("10002").expect("an id");
        let added = run(add(&account.connection(), &id, &our_note(kind)));
        assert_eq!(added, Ok(NoteId::parse("7").ok()));
        let sent = account.sent("POST");
        let text = adf::to_markdown(&sent["body"]);
        assert_eq!(read_headed_note(&text), Some("Watching it."), "{text}");
        let internal = json!({"key": VISIBILITY, "value": {"internal": true}});
        let mut expected = vec![key_property()];
        expected.extend((kind == NoteKind::WorkNote).then_some(internal));
        assert_eq!(sent["properties"], json!(expected));
    }
}

#[test]
fn whoever_logs_in_as_another_is_another() {
    let comments = || page(&[comment("7", &a_copy())]);
    let mut account = Account::new()
        .of_a_service_project()
        .answers("GET /issue/10002/comment", 200, &comments())
        .answers("GET /myself", 200, &json!({"accountId": "before"}));
    assert_eq!(notes(&account)[0].copy_of, None);
    let email = im_model::Secret::new("bot2@example.com");
    account.credentials.0.insert("email".to_owned(), email);
    let account = account
        .answers("GET /issue/10002/comment", 200, &comments())
        .answers("GET /myself", 200, &json!({"accountId": "bot"}));
    assert!(notes(&account)[0].copy_of.is_some());
    account.asked();
}

/// Outside of service projects Jira calls every comment public: nobody knows who reads it.
#[test]
fn a_team_projects_comments_are_work_notes_whatever_jira_calls_them() {
    for (status, answer) in [
        (200, json!({"projectTypeKey": "software"})),
        (200, json!({})),
        (404, json!({})),
    ] {
        let account = Account::new()
            .answers(
                "GET /issue/10002/comment",
                200,
                &page(&[comment("7", &json!({}))]),
            )
            .answers("GET /project/OPS", status, &answer);
        assert_eq!(notes(&account)[0].kind, NoteKind::WorkNote, "{answer}");
        account.asked();
    }
}
