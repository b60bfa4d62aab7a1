//! Who edits what: each edit says something that nothing else says, so that it is known again wherever it comes.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    accounts::{Account, Accounts, Side},
    report::Counters,
    system::{Api, Caller},
};

/// How many incidents are made at once.
const MADE_AT_ONCE: usize = 20;

/// An incident, as each system calls it.
#[derive(Clone)]
pub struct Known {
    pub account: usize,
    pub platform: String,
    pagerduty: String,
    servicenow: String,
    jira: String,
}

/// One edit: where it was made, and when.
pub struct Edited {
    pub number: u32,
    pub side: Side,
    pub at: Timestamp,
}

impl Edited {
    /// Where its arrival is looked for. `ServiceNow` owns its work notes, so that a note of `PagerDuty`'s stays away from
    /// there; and on the platform a vendor's note bears the vendor's time, which says nothing of when it came.
    pub fn goes_to(&self) -> impl Iterator<Item = Side> {
        let from = self.side;
        let is_note = matches!(from, Side::PagerDuty | Side::ServiceNow);
        Side::ALL.into_iter().filter(move |to| {
            *to != from
                && (from, *to) != (Side::PagerDuty, Side::ServiceNow)
                && !(is_note && *to == Side::Platform)
        })
    }
}

/// What an edit of this number says.
fn says(number: u32) -> String {
    format!("edit-{number}.")
}

/// The numbers of the edits that a text tells of.
pub fn told_of(text: &str) -> impl Iterator<Item = u32> {
    text.split("edit-").skip(1).filter_map(|rest| {
        let (number, _) = rest.split_once('.')?;
        number.parse().ok()
    })
}

/// People at all four systems.
pub struct Editors {
    pub api: Api,
    pub known: Vec<Known>,
    /// How many edits there have been.
    turn: u32,
}

impl Editors {
    /// Makes so many incidents in each organization, and waits until all vendors have them.
    pub async fn start(api: Api, accounts: &Accounts, incidents: u32) -> Self {
        let mut known = Vec::new();
        let mut making = JoinSet::new();
        for number in 0..incidents {
            for (place, account) in accounts.all.iter().enumerate() {
                if making.len() == MADE_AT_ONCE {
                    known.extend(making.join_next().await.transpose().expect("made"));
                }
                let (api, caller) = (api.clone(), account.caller.clone());
                let title = format!("incident {number}");
                making.spawn(async move { make(&api, &caller, place, &title).await });
            }
        }
        known.extend(making.join_all().await);
        Self {
            api,
            known,
            turn: 0,
        }
    }

    /// Edits incidents in turn, each at another side than the last time, so many edits a second.
    pub async fn edit(&mut self, rate: u32, lasts: Duration, accounts: &Accounts) -> Vec<Edited> {
        let mut every = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut edits = JoinSet::new();
        let mut edited = Vec::new();
        let began = Instant::now();
        while began.elapsed() < lasts {
            every.tick().await;
            let number = self.turn;
            self.turn += 1;
            let incidents = u32::try_from(self.known.len()).expect("few");
            let known = &self.known[(number % incidents) as usize];
            let side = Side::ALL[((number + number / incidents) % 4) as usize];
            let account = &accounts.all[known.account];
            let at = Timestamp::now();
            edited.push(Edited { number, side, at });
            match side {
                Side::Platform => {
                    let (api, caller) = (self.api.clone(), account.caller.clone());
                    let path = format!("/incidents/{}", known.platform);
                    let body = json!({"title": says(number)});
                    edits
                        .spawn(async move { api.call(&caller, Method::PATCH, &path, &body).await });
                }
                vendor => at_vendor(vendor, account, known, &says(number)),
            }
        }
        edits.join_all().await;
        edited
    }
}

impl Editors {
    /// What the system has counted so far, over all integrations.
    pub async fn counters(&self, accounts: &Accounts) -> Counters {
        let mut counters = Counters::new();
        for account in &accounts.all {
            for integration in &account.integrations {
                let path = format!("/integrations/{integration}/sync-status");
                let status = self
                    .api
                    .call(&account.caller, Method::GET, &path, &Value::Null);
                let status = status.await;
                for (name, count) in status["counters"].as_object().into_iter().flatten() {
                    *counters.entry(name.clone()).or_default() +=
                        count.as_u64().unwrap_or_default();
                }
            }
        }
        counters
    }
}

/// A title where people may set it, else a note.
fn at_vendor(side: Side, account: &Account, known: &Known, says: &str) {
    let edited = match side {
        Side::PagerDuty => {
            let ann = account.pagerduty.person("ann@example.com");
            ann.note(&known.pagerduty, says)
                .map_err(|refusal| format!("{refusal:?}"))
        }
        Side::ServiceNow => {
            let ann = account.servicenow.person("ann@example.com");
            ann.work_note(&known.servicenow, says)
                .map_err(|refusal| format!("{refusal:?}"))
        }
        Side::Jira => {
            let bob = account.jira.person("bob@example.com");
            bob.edit(&known.jira, &json!({"summary": says}))
                .map_err(|refusal| format!("{refusal:?}"))
        }
        Side::Platform => Ok(()),
    };
    edited.expect("edited");
}

/// An incident that all vendors have.
async fn make(api: &Api, caller: &Caller, account: usize, title: &str) -> Known {
    let body = json!({"title": title, "severity": "SEV-2"});
    let made = api.call(caller, Method::POST, "/incidents", &body).await;
    let platform = made["id"].as_str().expect("an id").to_owned();
    let began = Instant::now();
    loop {
        let path = format!("/incidents/{platform}");
        let incident = api.call(caller, Method::GET, &path, &Value::Null).await;
        let links = incident["links"].as_array();
        let link = |vendor: &str| {
            let of = |link: &&Value| {
                link["integration_id"]
                    .as_str()
                    .is_some_and(|id| id.starts_with(vendor))
            };
            let link = links.into_iter().flatten().find(of)?;
            Some(link["external_id"].as_str()?.to_owned())
        };
        if let (Some(pagerduty), Some(servicenow), Some(jira)) =
            (link("pd-"), link("snow-"), link("jira-"))
        {
            return Known {
                account,
                platform,
                pagerduty,
                servicenow,
                jira,
            };
        }
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{platform} is not everywhere"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
