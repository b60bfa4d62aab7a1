//! What an administrator sets up on the instance, so that its changes come to us.

use std::collections::BTreeMap;

use super::options::{self, Encoding};

pub(super) fn steps(options: &BTreeMap<String, String>, webhook_url: &str) -> Vec<String> {
    let table = options::table(options);
    let mut steps = vec![
        "infra/servicenow/README.md describes each of these steps in full.".to_owned(),
        format!(
            "On the instance create a user for the integration (Web service access only) with the roles itil and \
             rest_service; let it read sys_journal_field and sys_audit, and read and write {table}."
        ),
        "Create the system property im.webhook.secret of type password2 and put the integration's webhook secret into \
         it: the one given to `im integration configure … --webhook-secret -`."
            .to_owned(),
        format!("Create the system property im.webhook.url of type string: {webhook_url}"),
        "Create a Script Include named ImWebhook from infra/servicenow/ImWebhook.js.".to_owned(),
        format!(
            "Create two Business Rules on {table} from infra/servicenow/business_rule.js: one that runs async on insert \
             and update, one that runs after a delete."
        ),
        "Run `gs.info(new ImWebhook().test());` in Scripts - Background: `im delivery list --integration` \
         with this id shows an event of the type test."
            .to_owned(),
        format!("Change a record of {table}: the same list shows an event of the type {table}."),
    ];
    let is_default = options::option(options, "signature_header")
        .is_none_or(|name| name.eq_ignore_ascii_case(options::DEFAULT_HEADER));
    if !is_default || options::signature_encoding(options) == Some(Encoding::Hex) {
        let warning = "The script signs in X-ServiceNow-Signature, in base64. The options signature_header and \
                       signature_encoding of this integration say otherwise: change the script, or empty them.";
        steps.push(warning.to_owned());
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://im.example/webhooks/servicenow/prod-snow";

    fn given(pairs: &[(&str, &str)]) -> String {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        steps(&owned.collect(), URL).join("\n")
    }

    #[test]
    fn they_name_the_address_the_table_and_each_file() {
        let text = given(&[("table", "x_acme_incident")]);
        for named in [
            URL,
            "x_acme_incident",
            "ImWebhook.js",
            "business_rule.js",
            "README.md",
        ] {
            assert!(text.contains(named), "{named}");
        }
        assert!(!text.contains("say otherwise"), "{text}");
    }

    #[test]
    fn a_signature_that_our_script_does_not_make_is_pointed_out() {
        for option in [("signature_header", "X-Mac"), ("signature_encoding", "hex")] {
            assert!(given(&[option]).contains("say otherwise"), "{option:?}");
        }
        let default = [
            ("signature_header", "x-servicenow-signature"),
            ("signature_encoding", "any"),
        ];
        assert!(!given(&default).contains("say otherwise"));
    }
}
