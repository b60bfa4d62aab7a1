//! Tries what an integration needs: at the vendor, and the way back in.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use im_model::{Integration, IntegrationId, OrganizationId};
use im_vendors::{
    Check, CheckOutcome, Connection, Credentials, Memory, SelfTest, TransportError, Verification,
    registry,
};

use super::{Integrations, ManageError, VendorAccess};

/// Tests integrations.
pub struct Checks {
    /// Which ones.
    pub integrations: Arc<Integrations>,
    /// The way to their vendors, and to ourselves.
    pub vendors: Arc<VendorAccess>,
}

/// Where an integration's vendor sends its webhooks.
pub fn webhook_url(base_url: &str, integration: &Integration) -> String {
    let (base_url, vendor) = (
        base_url.trim_end_matches('/'),
        integration.integration_type.as_str(),
    );
    format!("{base_url}/webhooks/{vendor}/{}", integration.id)
}

impl Checks {
    /// Tries each thing that the integration needs to be able to do, and sends it a signed webhook through the public
    /// URL. Nothing is changed at the vendor; the webhook is listed as a delivery.
    pub async fn run(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        webhook_base_url: Option<&str>,
    ) -> Result<Vec<Check>, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let kept = self
            .vendors
            .vault
            .credentials(&integration.secret_id)
            .await?;
        let Some(credentials) = kept else {
            let detail = "the integration has no credentials; configure them again";
            return Ok(vec![failed("log in", detail)]);
        };
        let (mut checks, received) = tokio::join!(
            self.ask_vendor(&integration, &credentials),
            self.receive(&integration, &credentials, webhook_base_url),
        );
        checks.push(received);
        Ok(checks)
    }

    async fn ask_vendor(&self, integration: &Integration, credentials: &Credentials) -> Vec<Check> {
        let vendor = registry::vendor_api(integration.integration_type);
        // What was learned with the credentials before says nothing of these.
        let memory = Memory::default();
        let connection = Connection {
            memory: &memory,
            ..self.vendors.connection(integration, credentials)
        };
        let asked = tokio::time::timeout(VendorAccess::PATIENCE, vendor.probe(connection)).await;
        asked.unwrap_or_else(|_| {
            let seconds = VendorAccess::PATIENCE.as_secs();
            let detail = format!("no complete answer within {seconds} s");
            vec![failed("reach the vendor", detail)]
        })
    }

    /// Sends ourselves a webhook as the vendor would.
    async fn receive(
        &self,
        integration: &Integration,
        credentials: &Credentials,
        base_url: Option<&str>,
    ) -> Check {
        const WHAT: &str = "receive webhooks";
        let Some(base_url) = base_url else {
            return Check {
                what: WHAT.to_owned(),
                outcome: CheckOutcome::Limited,
                detail: "not tried: the platform does not know the URL that it is reached by \
                         (PUBLIC_BASE_URL)"
                    .to_owned(),
            };
        };
        let url = webhook_url(base_url, integration);
        let request = match self.signed(integration, credentials, &url) {
            Ok(request) => request,
            Err(why) => return failed(WHAT, why),
        };
        let sent = self.vendors.transport.send(request);
        let answer = match tokio::time::timeout(VendorAccess::PATIENCE, sent).await {
            Ok(Ok(answer)) => answer.status(),
            Ok(Err(TransportError::Timeout)) | Err(_) => {
                return failed(WHAT, format!("{url} did not answer in time"));
            }
            Ok(Err(error)) => return failed(WHAT, format!("{url}: {error}")),
        };
        match answer {
            StatusCode::ACCEPTED => Check {
                what: WHAT.to_owned(),
                outcome: CheckOutcome::Passed,
                detail: format!("{url} has accepted a signed webhook"),
            },
            StatusCode::UNAUTHORIZED => failed(
                WHAT,
                format!(
                    "{url} refused a webhook that was signed with the integration's own secret \
                     (401): is another deployment there?"
                ),
            ),
            status => failed(WHAT, format!("{url} answered {status} to a signed webhook")),
        }
    }

    fn signed(
        &self,
        integration: &Integration,
        credentials: &Credentials,
        url: &str,
    ) -> Result<Request<Bytes>, String> {
        let source = registry::webhook_source(integration.integration_type);
        let secrets: Vec<_> = credentials
            .get("webhook_secret")
            .cloned()
            .into_iter()
            .collect();
        let against = Verification {
            secrets: &secrets,
            options: &integration.options,
            credentials,
            now: self.vendors.clock.now(),
        };
        let test = source.self_test(integration.id.as_str(), against)?;
        request(url, test).ok_or_else(|| format!("{url} is no URL"))
    }
}

fn request(url: &str, test: SelfTest) -> Option<Request<Bytes>> {
    let url = match &test.query {
        Some(query) => format!("{url}?{query}"),
        None => url.to_owned(),
    };
    let mut request = Request::post(url).body(Bytes::from(test.body)).ok()?;
    let json = HeaderValue::from_static("application/json");
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, json);
    headers.extend(test.headers);
    Some(request)
}

fn failed(what: &str, detail: impl Into<String>) -> Check {
    Check {
        what: what.to_owned(),
        outcome: CheckOutcome::Failed,
        detail: detail.into(),
    }
}
