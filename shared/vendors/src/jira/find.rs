//! Issues by the incident's id, which they carry as a label.

use im_model::{ExternalRecord, IncidentId};
use serde::Deserialize;

use super::{
    issue::{self, Issue},
    refusal::call,
    request,
};
use crate::{Connection, VendorError};

/// Of one incident there is one issue, and a duplicate now and then.
const MOST_PAGES: usize = 5;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    issues: Vec<Issue>,
    next_page_token: Option<String>,
}

/// Oldest first. What comes back is believed only where it carries the label.
pub(super) async fn find(
    connection: &Connection<'_>,
    incident: &IncidentId,
) -> Result<Vec<ExternalRecord>, VendorError> {
    let fields = issue::fields_to_read(connection);
    let mut found = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let request = request::find(connection, incident, &fields, token.as_deref())?;
        let page: Page = call(connection, request).await?;
        for seen in page.issues {
            if issue::carries(&seen, incident) {
                found.push(issue::record(connection, seen).await?);
            }
        }
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{super::scripted::*, *};

    const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn an_issue(id: &str, created: &str, label: &str) -> Json {
        let at = format!("2026-11-22T0{created}:00:00.000+0000");
        json!({"id": id, "key": "OPS-1", "fields": {"labels": [label], "created": at, "updated": at}})
    }

    #[test]
    fn pages_are_read_and_only_what_carries_the_label_is_found() {
        let other = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAW";
        let first = json!({"isLast": false, "nextPageToken": "t", "issues": [
            an_issue("3", "3", INCIDENT), an_issue("2", "1", other)]});
        let second = json!({"isLast": true, "issues": [
            an_issue("1", "2", INCIDENT), {"id": "4", "fields": {}}]});
        let account = Account::new()
            .answers("POST /search/jql", 200, &first)
            .answers("POST /search/jql", 200, &second);
        let incident = INCIDENT.parse().expect("an id");
        let found = run(find(&account.connection(), &incident)).expect("an answer");
        let ids: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["1", "3"]);
        assert_eq!(account.asked()[1].body["nextPageToken"], "t");
    }

    #[test]
    fn endless_pages_end() {
        let page = json!({"nextPageToken": "t", "issues": []});
        let account = (0..MOST_PAGES).fold(Account::new(), |account, _| {
            account.answers("POST /search/jql", 200, &page)
        });
        let incident = INCIDENT.parse().expect("an id");
        let found = run(find(&account.connection(), &incident));
        assert_eq!(found, Ok(Vec::new()));
        account.asked();
    }
}
