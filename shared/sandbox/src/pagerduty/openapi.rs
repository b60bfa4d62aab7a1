//! Where the official file contradicts itself, its own examples or what is known of the vendor.

use crate::openapi::Correction;

/// For [`crate::OpenApi::load_corrected`].
pub const CORRECTIONS: &[Correction] = &[
    Correction {
        pointer: "/components/schemas/AcknowledgeLogEntry/allOf/1/properties/type/enum",
        value: r#"["acknowledge_log_entry"]"#,
        because: "it says acknowledgement_log_entry, which its own base type excludes: nothing fits",
    },
    Correction {
        pointer: "/components/schemas/Channel/oneOf",
        value: r#"[{"type": "object"}]"#,
        because: "its alternatives differ in nothing that is required, so that every channel fits several",
    },
    Correction {
        pointer: "/paths/~1log_entries/get/responses/200/content/application~1json/schema/allOf/1/properties/log_entries/items/oneOf/-",
        value: r##"{"$ref": "#/components/schemas/FieldValueChangeLogEntry"}"##,
        because: "the list of one incident has it, the list of all lacks it",
    },
    Correction {
        pointer: "/components/schemas/Incident/allOf/1/properties/resolved_at/nullable",
        value: "true",
        because: "its text and example say null while the incident is open",
    },
    Correction {
        pointer: "/components/schemas/Incident/allOf/1/properties/resolve_reason",
        value: r##"{"nullable": true, "allOf": [{"$ref": "#/components/schemas/ResolveReason"}]}"##,
        because: "its example says null",
    },
    Correction {
        pointer: "/components/schemas/Incident/allOf/1/properties/priority",
        value: r##"{"nullable": true, "allOf": [{"$ref": "#/components/schemas/Priority"}]}"##,
        because: "an incident may have none, which webhooks show as null",
    },
    Correction {
        pointer: "/components/schemas/Incident/allOf/1/properties/alert_grouping/nullable",
        value: "true",
        because: "its text says null without alerts",
    },
    Correction {
        pointer: "/components/schemas/IncidentBody/properties/details",
        value: r#"{"anyOf": [{"type": "object"}, {"type": "string"}]}"#,
        because: "the example of POST /incidents sends a string",
    },
    Correction {
        pointer: "/components/parameters/include_incident/schema/enum/-",
        value: r#""body""#,
        because: "the text of Incident.body says include[]=body",
    },
    Correction {
        pointer: "/components/parameters/include_incidents/schema/enum/-",
        value: r#""body""#,
        because: "the text of Incident.body says include[]=body",
    },
    Correction {
        pointer: "/paths/~1incidents~1{id}/put/responses/400",
        value: r##"{"$ref": "#/components/responses/ArgumentError"}"##,
        because: "it does refuse bad input",
    },
    Correction {
        pointer: "/paths/~1users~1me/get/responses/401",
        value: r##"{"$ref": "#/components/responses/Unauthorized"}"##,
        because: "it does refuse a wrong key",
    },
    Correction {
        pointer: "/paths/~1services~1{id}/get/responses/429",
        value: r##"{"$ref": "#/components/responses/TooManyRequests"}"##,
        because: "the limit is the key's, not the path's",
    },
];
