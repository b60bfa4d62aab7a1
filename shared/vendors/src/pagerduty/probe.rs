//! What the integration needs of an account, tried one by one, and what has to be set up there.

use im_model::IntegrationId;
use serde_json::Value as Json;

use super::{
    lookup::{call, user_id},
    request,
};
use crate::{Check, CheckOutcome, Connection, VendorError};

pub(super) async fn probe(connection: &Connection<'_>) -> Vec<Check> {
    vec![
        read_incidents(connection).await,
        from_email(connection).await,
        service(connection).await,
        priorities(connection).await,
    ]
}

async fn read_incidents(connection: &Connection<'_>) -> Check {
    let request = request::one_incident(connection);
    let detail = "the token may read incidents; whether it may write them shows at the first write, \
                  for PagerDuty tells of no key whether it is read-only";
    outcome("read incidents", ask(connection, request).await, detail)
}

async fn from_email(connection: &Connection<'_>) -> Check {
    let what = "act as from_email".to_owned();
    let Some(email) = connection.credentials.get("from_email") else {
        let detail = "the credential from_email is not set".to_owned();
        return Check {
            what,
            outcome: CheckOutcome::Failed,
            detail,
        };
    };
    let (outcome, detail) = match user_id(connection, email.reveal()).await {
        Ok(Ok(id)) => (CheckOutcome::Passed, format!("user {id}")),
        Ok(Err(why)) => (CheckOutcome::Failed, why),
        Err(error) => (CheckOutcome::Failed, error.to_string()),
    };
    Check {
        what,
        outcome,
        detail,
    }
}

async fn service(connection: &Connection<'_>) -> Check {
    let what = "create incidents on the service";
    let Some(id) = connection.options.get("service") else {
        return Check {
            what: what.to_owned(),
            outcome: CheckOutcome::Failed,
            detail: "the option service is not set".to_owned(),
        };
    };
    let request = request::service(connection, id);
    outcome(
        what,
        ask(connection, request).await,
        &format!("service {id} exists"),
    )
}

async fn priorities(connection: &Connection<'_>) -> Check {
    let what = "set priorities".to_owned();
    match ask(connection, request::priorities(connection)).await {
        Ok(_) => Check {
            what,
            outcome: CheckOutcome::Passed,
            detail: "the account has priorities".to_owned(),
        },
        Err(error) => Check {
            what,
            outcome: CheckOutcome::Limited,
            detail: format!("priorities will not be synced: {error}"),
        },
    }
}

async fn ask(
    connection: &Connection<'_>,
    request: Result<http::Request<bytes::Bytes>, VendorError>,
) -> Result<Json, VendorError> {
    call(connection, request?).await
}

fn outcome(what: &str, asked: Result<Json, VendorError>, passed: &str) -> Check {
    let (outcome, detail) = match asked {
        Ok(_) => (CheckOutcome::Passed, passed.to_owned()),
        Err(error) => (CheckOutcome::Failed, error.to_string()),
    };
    Check {
        what: what.to_owned(),
        outcome,
        detail,
    }
}

pub(super) fn setup_steps(id: &IntegrationId, webhook_url: &str) -> Vec<String> {
    vec![
        "In PagerDuty open Integrations > Generic Webhooks (v3) and choose New Webhook.".to_owned(),
        format!("Webhook URL: {webhook_url}"),
        "Scope: the service that this integration creates incidents on, or the account.".to_owned(),
        "Events: all incident.* events, incident.annotated among them.".to_owned(),
        "Save, copy the secret that is shown once, and give it to `im integration configure … --webhook-secret -`."
            .to_owned(),
        format!("Send Test Event: `im delivery list --integration {id}` shows a pagey.ping."),
    ]
}
