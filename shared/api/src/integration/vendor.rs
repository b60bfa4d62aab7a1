//! What the vendor of a new integration expects. The use case checks it too, but is not reached while anything else is
//! wrong, and one answer is to name everything.

use im_model::{ConflictStrategy, IntegrationType};
use im_vendors::{Configuration, registry};

use crate::body::{ObjectReader, shortened};

const OPTIONS: &str = "options";
const CREDENTIALS: &str = "credentials";

/// Notes what is wrong with the names in a body of which nothing was taken but the type.
pub(super) fn check(body: &mut ObjectReader, integration_type: IntegrationType) {
    if let Some(vendor) = registry::vendor_api(integration_type) {
        return check_names(body, &vendor.configuration());
    }
    let supported = IntegrationType::ALL.iter().copied();
    let supported: Vec<_> = supported
        .filter(|known| registry::vendor_api(*known).is_some())
        .map(IntegrationType::as_str)
        .collect();
    let supported = supported.join(", ");
    let problem = format!("{integration_type} is not supported yet; supported: {supported}");
    body.refuse("integration_type", problem);
}

/// Notes a strategy that cannot be carried out yet.
pub(super) fn check_strategy(body: &mut ObjectReader, strategy: Option<ConflictStrategy>) {
    if strategy == Some(ConflictStrategy::ManualReview) {
        let problem =
            "manual-review is not available yet: use last-write-wins or ownership-priority";
        body.refuse("conflict_strategy", problem);
    }
}

fn check_names(body: &mut ObjectReader, configuration: &Configuration) {
    let groups = [
        (
            OPTIONS,
            configuration.options,
            configuration.required_options,
        ),
        (
            CREDENTIALS,
            configuration.credentials,
            configuration.required_credentials,
        ),
    ];
    for (group, known, required) in groups {
        // A group that is no object is refused as such, when it is read.
        let Some(given) = body.names_in(group) else {
            continue;
        };
        for name in given.iter().filter(|name| !known.contains(&name.as_str())) {
            let problem = format!("unknown; expected one of {}", known.join(", "));
            body.refuse(format!("{group}.{}", shortened(name)), problem);
        }
        for name in required
            .iter()
            .filter(|name| given.iter().all(|given| given != **name))
        {
            body.refuse(format!("{group}.{name}"), "is required");
        }
    }
}
