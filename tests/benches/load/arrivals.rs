//! When each edit was at each system: by the stand-ins' own records, and by the incidents' timelines.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    accounts::{Accounts, Side},
    edits::{Edited, Editors, Known, told_of},
    system::Api,
};

/// The first time that an edit was known at a side.
#[derive(Default)]
pub struct Arrivals {
    at: BTreeMap<(u32, Side), Timestamp>,
}

impl Arrivals {
    /// Waits until every edit is everywhere, or patience ends.
    pub async fn wait(
        accounts: &Accounts,
        editors: &Editors,
        edited: &[Edited],
        patience: Duration,
    ) -> Self {
        let wanted: BTreeSet<u32> = edited.iter().map(|edit| edit.number).collect();
        let began = Instant::now();
        let mut arrivals = loop {
            let arrivals = Self::at_vendors(accounts, &wanted);
            let is_there = |edit: &Edited| {
                let mut vendors = edit.goes_to().filter(|side| *side != Side::Platform);
                vendors.all(|side| arrivals.get(edit.number, side).is_some())
            };
            if began.elapsed() > patience || edited.iter().all(is_there) {
                break arrivals;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        for known in &editors.known {
            let account = &accounts.all[known.account];
            let happened = timeline(&editors.api, &account.caller, known).await;
            arrivals.read_timeline(&happened, &wanted);
        }
        arrivals
    }

    /// When, if it has come.
    pub fn get(&self, number: u32, side: Side) -> Option<Timestamp> {
        self.at.get(&(number, side)).copied()
    }

    fn note(&mut self, number: u32, side: Side, at: Timestamp) {
        let first = self.at.entry((number, side)).or_insert(at);
        *first = at.min(*first);
    }

    fn at_vendors(accounts: &Accounts, wanted: &BTreeSet<u32>) -> Self {
        let mut arrivals = Self::default();
        for (side, request) in accounts.requests() {
            if request.is_write() && request.accepted {
                for number in told_of(&request.body.to_string()) {
                    if wanted.contains(&number) {
                        arrivals.note(number, side, request.time);
                    }
                }
            }
        }
        arrivals
    }

    fn read_timeline(&mut self, happened: &[Value], wanted: &BTreeSet<u32>) {
        for happening in happened {
            let at = happening["at"].as_str().and_then(|at| at.parse().ok());
            let at: Timestamp = at.expect("a time");
            for number in told_of(&happening.to_string()) {
                if wanted.contains(&number) {
                    self.note(number, Side::Platform, at);
                }
            }
        }
    }
}

/// All of it.
async fn timeline(api: &Api, caller: &crate::system::Caller, known: &Known) -> Vec<Value> {
    let mut happened = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/incidents/{}/timeline?limit=100{cursor}", known.platform);
        let page = api.call(caller, Method::GET, &path, &Value::Null).await;
        happened.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return happened,
        }
    }
}
