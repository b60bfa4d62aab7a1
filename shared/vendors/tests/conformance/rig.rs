//! What a vendor supplies to be tested.

use bytes::Bytes;
use http::{Method, Request};
use im_model::{ExternalId, Field, IntegrationType, NoteKind, Status};
use im_sandbox::{Answer, FaultRule, ManualClock};
use jiff::{SignedDuration, Timestamp};

/// Names and values.
pub type Pairs = &'static [(&'static str, &'static str)];

/// What a rig is built for.
pub struct Setting {
    /// The only time there is. The sandbox must run on it.
    pub clock: ManualClock,
    /// Where webhooks go: what a vendor signs may depend on it.
    #[allow(dead_code, reason = "used by rigs whose vendor signs the URL")]
    pub webhook_url: String,
}

/// What a refusal says.
pub const WORDS: &str = "the vendor's own words";

/// Whether a vendor can do something. What it lacks is tried all the same, and must then have no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// It can.
    Has,
    /// It cannot, for this reason.
    Lacks(&'static str),
}

/// A mapped field and what to write to it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The platform's field.
    pub field: Field,
    /// Two different raw values that the vendor holds; a new record has another than the first.
    pub values: [&'static str; 2],
    /// Whether a record shows the field.
    pub read: Ability,
    /// Whether the field can be emptied.
    pub clear: Ability,
    /// Whether a history that tells of a change says to which value.
    pub named_in_history: Ability,
    /// The fields that the vendor changes along with it.
    pub moves: Vec<Field>,
    /// The fields that do not take effect if they are sent along with it, with the reason.
    pub wins_over: Vec<(Field, &'static str)>,
}

impl Sample {
    /// A field of which everything can be done that its rule allows.
    pub fn of(field: Field, values: [&'static str; 2]) -> Self {
        let (read, clear) = (Ability::Has, Ability::Has);
        Self {
            field,
            values,
            read,
            clear,
            named_in_history: Ability::Has,
            moves: Vec::new(),
            wins_over: Vec::new(),
        }
    }

    /// The vendor does not show it in a record.
    pub fn unreadable(self, why: &'static str) -> Self {
        let read = Ability::Lacks(why);
        Self { read, ..self }
    }

    /// The vendor has no way to empty it. The field's rule must say so, too: `limit.required`.
    pub fn unclearable(self, why: &'static str) -> Self {
        let clear = Ability::Lacks(why);
        Self { clear, ..self }
    }

    /// A history says only that it changed.
    pub fn unnamed_in_history(self, why: &'static str) -> Self {
        let named_in_history = Ability::Lacks(why);
        Self {
            named_in_history,
            ..self
        }
    }

    /// The vendor changes this other field along with it.
    pub fn moving(mut self, other: Field) -> Self {
        self.moves.push(other);
        self
    }

    /// Sent along with it, this other field does not take effect.
    pub fn winning_over(mut self, other: Field, why: &'static str) -> Self {
        self.wins_over.push((other, why));
        self
    }
}

/// Somebody with a login at the vendor, who is not the integration's own account.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The address that the platform knows them by.
    pub email: &'static str,
    /// How a history names them; `None` if it names nobody.
    pub in_history: Option<&'static str>,
    /// How a note names them; `None` if it names nobody.
    pub in_notes: Option<&'static str>,
    /// How a webhook names them; `None` if it names nobody.
    pub in_webhooks: Option<&'static str>,
}

/// One vendor's sandbox, and what the suite has to know of the vendor.
pub trait Rig: Send + Sync + Sized {
    /// Which vendor.
    const VENDOR: IntegrationType;
    /// Where the integration believes the API to be.
    const BASE_URL: &'static str;
    /// The integration's options, custom fields included if the vendor maps them.
    const OPTIONS: Pairs;
    /// The credentials that the sandbox accepts, `webhook_secret` among them. Each must be unlike any other text.
    const CREDENTIALS: Pairs;
    /// The credential that makes a 401 if it is wrong.
    const LOGIN: &'static str;
    /// The header that carries a webhook's signature.
    const SIGNATURE_HEADER: &'static str;
    /// Whether the signature covers the body.
    const SIGNS_BODY: Ability;
    /// Whether customers can be shown a note.
    const PUBLIC_NOTES: Ability;
    /// Whether a record can be deleted.
    const DELETION: Ability;
    /// Who works there.
    const PERSON: Person;
    /// The fields of which a record that is read has the time of the last change, at least in one of the sampled values.
    const TIMED: &'static [Field];

    /// The most records of one page.
    const LISTED_AT_ONCE: usize;
    /// The most requests of a full listing beyond those for its pages, while nobody wrote a note.
    const LISTED_BESIDES: usize;
    /// Whether records can lie outside of what the integration is about.
    const SCOPE: Ability;

    /// A new account without records.
    fn new(setting: Setting) -> Self;

    /// Makes the sandbox's clock wrong by so much.
    fn set_clock_offset(&self, offset: SignedDuration);

    /// The sandbox's answer: `handle_with_faults`.
    fn answer(&self, request: Request<Bytes>) -> Answer;

    /// The webhooks that wait, in order, each with the query that is added to the URL.
    fn drain_webhooks(&self) -> Vec<Delivery>;

    /// Adds a fault of the sandbox. The suite uses those of webhooks; it makes those of requests itself.
    fn add_fault(&self, rule: FaultRule);

    /// Does this request ask for a change? A search by `POST` does not.
    fn is_write(request: &Request<Bytes>) -> bool {
        request.method() != Method::GET
    }

    /// Each field that the rules map for this integration.
    fn samples() -> Vec<Sample>;

    /// What a platform's status is at the vendor, and what that is when it comes back.
    fn status(status: Status) -> (&'static str, Status);

    /// A value that this account cannot hold, which shows only when the vendor is asked.
    fn refused() -> (Field, &'static str);

    /// An id that a record could have, but none has.
    fn unknown_id() -> ExternalId;

    /// The person creates a record.
    fn create(&self, title: &str) -> ExternalId;

    /// The person sets a field to a raw value, a status with all that the vendor demands for it.
    fn edit(&self, id: &ExternalId, field: &Field, value: &str);

    /// The person writes a note. Where there are no public ones, every note is internal.
    fn note(&self, id: &ExternalId, kind: NoteKind, text: &str);

    /// Tries to delete the record, by whatever comes closest where there is no way.
    fn delete(&self, id: &ExternalId);

    /// The person moves the record out of what the integration is about, or deletes it where there is no such place.
    fn leave(&self, id: &ExternalId);

    /// The request as a vendor takes it that ignores what a listing is filtered by.
    fn unfiltered(request: Request<Bytes>) -> Request<Bytes>;

    /// What the vendor holds in a field, as a raw value, seen without the API; `None` where it is empty.
    fn holds(&self, id: &ExternalId, field: &Field) -> Option<String>;

    /// The body of an answer of this status, as the vendor words its errors, with [`WORDS`] among its words.
    fn error_body(status: u16) -> String;

    /// What kind of failure a 409 is: by default one that waiting does not mend.
    fn conflict_is_permanent() -> bool {
        true
    }

    /// The ways in which the vendor's 429 says how long to wait: each a list of headers.
    fn rate_limits(wait: SignedDuration, now: Timestamp) -> Vec<Vec<(&'static str, String)>>;
}

/// A webhook as it arrives.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What follows the URL.
    pub query: Option<String>,
    /// With the signature.
    pub headers: http::HeaderMap,
    /// The raw bytes.
    pub body: Bytes,
}
