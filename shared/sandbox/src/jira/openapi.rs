//! Where the official file contradicts itself, its own examples or what is known of the vendor.

use crate::openapi::{Correction, ErrorAnswers};

/// For [`crate::OpenApi::with_errors`]. The file describes the body of few errors, though all have
/// one, and lists 401 and 429 for some paths, though they are the account's.
pub const ERRORS: ErrorAnswers = ErrorAnswers {
    schema: "/components/schemas/ErrorCollection",
    everywhere: &[400, 401, 404, 415, 429],
};

/// A time as Jira writes it.
const TIME: &str = r#"{
    "type": "string",
    "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}[+-]\\d{4}$"
}"#;

/// For [`crate::OpenApi::load_corrected`].
pub const CORRECTIONS: &[Correction] = &[
    Correction {
        pointer: "/components/schemas/Changelog/properties/created",
        value: TIME,
        because: "its own example has the offset +0000, which no date-time has",
    },
    Correction {
        pointer: "/components/schemas/Comment/properties/created",
        value: TIME,
        because: "its own example has the offset +0000, which no date-time has",
    },
    Correction {
        pointer: "/components/schemas/Comment/properties/updated",
        value: TIME,
        because: "its own example has the offset +0000, which no date-time has",
    },
    Correction {
        pointer: "/components/schemas/ChangeDetails/properties/from/nullable",
        value: "true",
        because: "its own example says null",
    },
    Correction {
        pointer: "/components/schemas/ChangeDetails/properties/to/nullable",
        value: "true",
        because: "its own example says null",
    },
    Correction {
        pointer: "/components/schemas/ChangeDetails/properties/fromString/nullable",
        value: "true",
        because: "webhooks say null where there was nothing",
    },
    Correction {
        pointer: "/components/schemas/ChangeDetails/properties/toString/nullable",
        value: "true",
        because: "webhooks say null where there was nothing",
    },
    Correction {
        pointer: "/components/schemas/User/properties/accountId/nullable",
        value: "true",
        because: "the text of PUT /issue/{issueIdOrKey}/assignee says null for nobody",
    },
];
