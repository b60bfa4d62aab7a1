//! What an operator sets up at Jira, per scheme of signatures. `infra/jira/README.md` says it at length.

use im_model::Integration;

use super::{options, verify::Scheme};

/// Step by step.
pub(super) fn steps(integration: &Integration, webhook_url: &str) -> Vec<String> {
    let options = &integration.options;
    let project = options::option(options, "project").unwrap_or("<project>");
    let mut steps = match options::scheme(options) {
        Some(Scheme::HubSignature) => admin_webhook(webhook_url, project),
        Some(Scheme::OAuth) => oauth_webhook(webhook_url, project),
        Some(Scheme::Connect) => connect_app(webhook_url, integration),
        None => vec!["Set the option signature_scheme to connect, oauth or hub.".to_owned()],
    };
    steps.push(format!(
        "Give the account of the API token in project {project} the permissions Browse Projects, Create Issues, Edit \
         Issues, Transition Issues, Assign Issues and Add Comments; with View (Read-Only) Workflow a status several \
         transitions away is found at once."
    ));
    steps.push(
        "Put Labels on the project's create screen: the incident's id is kept there.".to_owned(),
    );
    steps
}

fn admin_webhook(webhook_url: &str, project: &str) -> Vec<String> {
    vec![
        "In Jira open Settings > System > WebHooks and choose Create a WebHook.".to_owned(),
        format!("URL: {webhook_url}"),
        "Secret: generate one, and give the same to `im integration configure … --webhook-secret -`.".to_owned(),
        format!("Issue related events: JQL `project = {project}`."),
        events(),
        "Save.".to_owned(),
    ]
}

fn oauth_webhook(webhook_url: &str, project: &str) -> Vec<String> {
    vec![
        "Create an OAuth 2.0 (3LO) app in the Atlassian developer console with the scopes read:jira-work, \
         write:jira-work, read:jira-user and manage:jira-webhook."
            .to_owned(),
        format!(
            "With its token register the webhook: POST /rest/api/3/webhook with url {webhook_url}, jqlFilter `project = \
             {project}` and the events of issues and comments."
        ),
        "Extend it before its 30 days are over: PUT /rest/api/3/webhook/refresh.".to_owned(),
        "The webhook secret is the app's client secret: give it to `im integration configure … --webhook-secret -`."
            .to_owned(),
    ]
}

fn connect_app(webhook_url: &str, integration: &Integration) -> Vec<String> {
    let path = options::signed_path(&integration.options, integration.id.as_str());
    vec![
        "Atlassian ends support for Connect in December 2026: for a new set-up choose `--option signature_scheme=hub`."
            .to_owned(),
        format!(
            "In the app's descriptor subscribe to issues and comments with webhooks whose url, relative to baseUrl, is \
             {path}, so that they come to {webhook_url}."
        ),
        "From the app's `installed` call take sharedSecret as the credential webhook_secret and clientKey as the \
         credential client_key. Without the client key every webhook is refused."
            .to_owned(),
    ]
}

fn events() -> String {
    "Events: Issue created, updated and deleted; Comment created, updated and deleted.".to_owned()
}
