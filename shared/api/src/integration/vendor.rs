//! What the vendor of a new integration expects. The use case checks it too, but is not reached while anything else is
//! wrong, and one answer is to name everything.

use im_model::IntegrationType;
use im_vendors::{Configuration, registry};

use crate::body::{ObjectReader, shortened};

const OPTIONS: &str = "options";
const CREDENTIALS: &str = "credentials";

/// Notes what is wrong with the names in a body of which nothing was taken but the type.
pub(super) fn check(body: &mut ObjectReader, integration_type: IntegrationType) {
    check_names(
        body,
        &registry::vendor_api(integration_type).configuration(),
    );
}

fn check_names(body: &mut ObjectReader, configuration: &Configuration) {
    if let Some(given) = body.names_in(OPTIONS) {
        for name in given
            .iter()
            .filter(|name| !configuration.knows_option(name))
        {
            refuse_unknown(body, OPTIONS, name, configuration.options);
        }
        let missing = |name: &&&str| given.iter().all(|given| given != **name);
        for name in configuration.required_options.iter().filter(missing) {
            body.refuse(format!("{OPTIONS}.{name}"), "is required");
        }
    }
    // A group that is no object is refused as such, when it is read.
    if let Some(given) = body.names_in(CREDENTIALS) {
        let known = configuration.credentials;
        for name in given.iter().filter(|name| !known.contains(&name.as_str())) {
            refuse_unknown(body, CREDENTIALS, name, known);
        }
        let is_given = |name: &str| given.iter().any(|given| given == name);
        for (name, problem) in configuration.missing_credentials(is_given) {
            body.refuse(format!("{CREDENTIALS}.{name}"), problem);
        }
    }
}

fn refuse_unknown(body: &mut ObjectReader, group: &str, name: &str, known: &[&str]) {
    let problem = format!(
        "unknown; expected one of {}",
        Configuration::names_of(known)
    );
    body.refuse(format!("{group}.{}", shortened(name)), problem);
}
