//! The two journals of a record. They are append-only, and an entry names no id of ours: a copy carries its key in its
//! last line.

use im_model::{ActorId, ExternalId, ExternalNote, Note, NoteId, NoteKind};
use im_sync::{marked_note, read_marked_note};

use super::{
    refusal::{garbage, row, rows},
    request,
    response::Row,
};
use crate::{Connection, VendorError};

/// A journal of more pages than this is read no further: 10,000 entries.
const MOST_PAGES: usize = 20;

pub(super) async fn read(
    connection: &Connection<'_>,
    id: &ExternalId,
) -> Result<Vec<ExternalNote>, VendorError> {
    let own_name = connection.credentials.get("username");
    let own_name = own_name.map(im_model::Secret::reveal);
    let mut notes: Vec<ExternalNote> = Vec::new();
    let mut offset = 0;
    for _ in 0..MOST_PAGES {
        let request = request::notes(connection, id, offset)?;
        let tried = request.tried();
        let page = rows(connection, request).await?;
        offset += page.len();
        let is_last = page.len() < request::PAGE;
        for row in page {
            let note = note(&row, id, own_name).map_err(|why| garbage(&tried, why))?;
            if !notes.iter().any(|known| known.id == note.id) {
                notes.push(note);
            }
        }
        if is_last {
            break;
        }
    }
    // Within a second the vendor's order is the best there is.
    notes.sort_by_key(|note| note.at);
    Ok(notes)
}

/// The answer names the record, not the entry.
pub(super) async fn add(
    connection: &Connection<'_>,
    id: &ExternalId,
    note: &Note,
) -> Result<Option<NoteId>, VendorError> {
    let request = request::add_note(connection, id, note.kind, &marked_note(note))?;
    row(connection, request).await?;
    Ok(None)
}

/// An entry of another record means that the query was not followed: then nobody knows whether the list is whole, and a
/// note that is missing from it would be sent again.
fn note(row: &Row, of: &ExternalId, own_name: Option<&str>) -> Result<ExternalNote, String> {
    if row.get("element_id") != Some(of.as_str()) {
        return Err("an entry of another record than was asked for".to_owned());
    }
    let kind = row.get("element").unwrap_or_default();
    let kind: NoteKind = kind
        .parse()
        .map_err(|_| format!("an entry of another journal than was asked for: {kind}"))?;
    let id = row.get("sys_id").unwrap_or_default();
    let id = NoteId::parse(id).map_err(|error| error.to_string())?;
    let at = row
        .time("sys_created_on")
        .ok_or("an entry without its time")?;
    let text = row.get("value").ok_or("an entry without its text")?;
    let author = row.full("sys_created_by");
    // Where nobody can tell us who we are, a copy that is whole is ours.
    let is_ours = |whole: bool| match own_name {
        Some(own) => author.is_some_and(|author| author.eq_ignore_ascii_case(own)),
        None => whole,
    };
    let copy = read_marked_note(text).filter(|copy| is_ours(copy.whole));
    Ok(ExternalNote {
        id,
        kind,
        author: author.and_then(|author| ActorId::parse(author).ok()),
        at,
        edited_at: None,
        copy_of: copy.as_ref().map(|copy| copy.key.clone()),
        text: copy.map_or_else(|| text.to_owned(), |copy| copy.text),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value as Json, json};

    use super::{
        super::scripted::{Account, run},
        *,
    };
    use crate::VendorErrorKind;

    const SYS_ID: &str = "a9e30c7dc61122760116894de7bcc7bd";

    fn id() -> ExternalId {
        ExternalId::parse(SYS_ID).expect("an id")
    }

    fn entry(sys_id: &str, element: &str, at: &str, by: &str, value: &str) -> Json {
        json!({"sys_id": sys_id, "element_id": SYS_ID, "element": element, "value": value,
            "sys_created_on": format!("2026-11-22 {at}"), "sys_created_by": by})
    }

    fn copied() -> Note {
        Note {
            key: "@platform/01A".parse().expect("a key"),
            kind: NoteKind::Comment,
            author: None,
            at: "2026-11-22T03:00:00Z".parse().expect("a time"),
            edit_of: None,
            text: "Restarted.".to_owned(),
            copies: BTreeMap::new(),
        }
    }

    fn read_from(account: Account, entries: &[Json]) -> Result<Vec<ExternalNote>, VendorError> {
        let answer = json!({"result": entries});
        let account = account.answers("GET /sys_journal_field?", 200, &answer);
        let notes = run(read(&account.connection(), &id()));
        account.asked();
        notes
    }

    #[test]
    fn entries_are_read_with_all_that_is_known_of_them() {
        let notes = read_from(
            Account::new(),
            &[
                entry("e2", "comments", "03:00:02", "ann", "It works again."),
                entry("e1", "work_notes", "03:00:01", "", "Restarted."),
            ],
        );
        let notes = notes.expect("notes");
        let seen: Vec<_> = notes
            .iter()
            .map(|note| {
                let author = note.author.as_ref().map(ActorId::as_str);
                (note.id.as_str(), note.kind, author, note.text.as_str())
            })
            .collect();
        let expected = [
            ("e1", NoteKind::WorkNote, None, "Restarted."),
            ("e2", NoteKind::Comment, Some("ann"), "It works again."),
        ];
        assert_eq!(seen, expected);
        assert_eq!(notes[0].at.to_string(), "2026-11-22T03:00:01Z");
    }

    #[test]
    fn a_copy_is_ours_by_our_name_and_without_one_if_it_is_whole() {
        let text = marked_note(&copied());
        let quoted = format!("I doubt it:\n{text}");
        let entries = [
            entry("e1", "comments", "03:00:01", "IM.bot", &text),
            entry("e2", "comments", "03:00:02", "ann", &text),
            entry("e3", "comments", "03:00:03", "ann", &quoted),
        ];
        let ours = |account| {
            let notes = read_from(account, &entries).expect("notes");
            let ours = notes
                .iter()
                .filter(|note| note.copy_of == Some(copied().key));
            let ours = ours.inspect(|note| assert_eq!(note.text, "Restarted."));
            ours.map(|note| note.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ours(Account::new()), ["e1"]);
        let mut client = Account::new();
        client.credentials.0.remove("username");
        client.credentials.0.remove("password");
        let client = client
            .credential("client_id", "c")
            .credential("client_secret", "s")
            .answers("POST /oauth_token.do", 200, &json!({"access_token": "t"}));
        assert_eq!(ours(client), ["e1", "e2"]);
    }

    #[test]
    fn all_pages_are_read() {
        let page = |from: usize, count: usize| {
            let entries = (from..from + count)
                .map(|at| entry(&format!("e{at}"), "comments", "03:00:00", "ann", "x"));
            json!({"result": entries.collect::<Vec<_>>()})
        };
        // The second page begins with a row of the first: somebody wrote meanwhile.
        let account = Account::new()
            .answers("GET /sys_journal_field?", 200, &page(0, request::PAGE))
            .answers("GET /sys_journal_field?", 200, &page(request::PAGE - 1, 3));
        let notes = run(read(&account.connection(), &id())).expect("notes");
        assert_eq!(notes.len(), request::PAGE + 2);
        let offsets: Vec<_> = account
            .asked()
            .iter()
            .map(|asked| asked.query("sysparm_offset"))
            .collect();
        assert_eq!(offsets, [None, Some(request::PAGE.to_string())]);
    }

    #[test]
    fn a_list_that_may_lack_something_is_no_list() {
        let mut other = entry("e1", "comments", "03:00:01", "ann", "x");
        other["element_id"] = json!("c537bae64f411200adf9f8e18110c76e");
        for bad in [
            other,
            entry("e1", "short_description", "03:00:01", "ann", "x"),
            entry("e1", "comments", "soon", "ann", "x"),
            entry("", "comments", "03:00:01", "ann", "x"),
        ] {
            let error = read_from(Account::new(), &[bad]).expect_err("not as asked");
            assert_eq!(error.kind, VendorErrorKind::Garbage);
        }
        let hidden = json!({"result": []});
        let account = Account::new().answers_of("GET /sys_journal_field?", 200, Some(3), &hidden);
        let error = run(read(&account.connection(), &id())).expect_err("hidden");
        assert_eq!(error.kind, VendorErrorKind::Forbidden);
    }

    #[test]
    fn a_note_is_appended_to_the_journal_of_its_kind() {
        let answer = json!({"result": {"sys_id": SYS_ID}});
        for (kind, column) in [
            (NoteKind::Comment, "comments"),
            (NoteKind::WorkNote, "work_notes"),
        ] {
            let account =
                Account::new().answers(&format!("PATCH /incident/{SYS_ID}?"), 200, &answer);
            let note = Note { kind, ..copied() };
            assert_eq!(run(add(&account.connection(), &id(), &note)), Ok(None));
            let sent = account.asked()[0].json();
            assert_eq!(sent, json!({column: marked_note(&note)}));
        }
    }
}
