//! A condition is refused or can be asked, and never panics.

use std::collections::BTreeMap;

use im_model::{Field, FieldState, Incident, IncidentId, Origin, PlatformValue, Value};
use im_sync::{Facts, Subject, Trigger};
use jiff::Timestamp;

use crate::feed::Feed;

/// A condition, and what it is asked of.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let subject = match feed.byte() % 2 {
        0 => Subject::Incident,
        _ => Subject::Record,
    };
    let fields = [feed.text(), feed.text()];
    let text = String::from_utf8_lossy(feed.rest()).into_owned();
    let Ok(trigger) = Trigger::parse(&text, subject) else {
        return;
    };
    let _ = trigger.can_ever_hold();
    let facts = Facts::of_incident(&incident(&fields));
    let verdict = trigger.evaluate(&facts);
    assert_eq!(
        trigger.evaluate(&facts).holds,
        verdict.holds,
        "asked twice, it says the same"
    );
    assert!(
        Trigger::parse(trigger.text(), subject).is_ok(),
        "what was saved can be read"
    );
}

fn incident([first, second]: &[String; 2]) -> Incident {
    let names = ["title", "severity"];
    let fields = names
        .iter()
        .zip([first, second])
        .filter_map(|(name, text)| {
            let field: Field = name.parse().ok()?;
            let state = FieldState {
                value: PlatformValue(Value::text(text)),
                version: 1,
                changed_at: Timestamp::UNIX_EPOCH,
                origin: Origin::Platform {
                    actor: "ann".parse().ok()?,
                },
            };
            Some((field, state))
        });
    Incident {
        id: IncidentId::from_ulid(ulid::Ulid(1)),
        organization: "acme".parse().expect("an id"),
        created_at: Timestamp::UNIX_EPOCH,
        revision: 1,
        fields: fields.collect(),
        links: BTreeMap::new(),
        pending: BTreeMap::new(),
        notes: 0,
        dead: BTreeMap::new(),
    }
}
