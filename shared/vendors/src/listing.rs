//! What a listing of a vendor's records asks for and answers: many records with each request.

use std::collections::BTreeSet;

use im_model::{ExternalId, ExternalRecord};
use jiff::Timestamp;

/// What a listing is about. The same for all its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Records that changed at this moment or later; all that the integration's scope has if `None`. Older ones may come
    /// along.
    pub since: Option<Timestamp>,
    /// Records that somebody wrote a note on at this moment or later are named in [`Listing::noted`]; all that ever got one
    /// if `None`.
    pub noted_since: Option<Timestamp>,
    /// When the listing began. What changes later need not be in it.
    pub until: Timestamp,
}

/// One page, of one request to the vendor or a few.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Records as a page of many shows them. None that the query did not ask for but for older ones; one may come twice.
    pub records: Vec<ExternalRecord>,
    /// Records that have changed, and are not shown.
    pub changed: BTreeSet<ExternalId>,
    /// Records with notes that the query asks for.
    pub noted: BTreeSet<ExternalId>,
    /// Where the next page starts, if there is one. Opaque, and good for the same query only.
    pub next: Option<String>,
}
