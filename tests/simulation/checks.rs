//! The invariants of design section 8, by number, once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use im_model::{BasePair, Direction, Incident, Integration, IntegrationType, NoteCopy};
use im_sync::{FieldRule, LinkRules, PlanInput, plan};
use im_tests::World;
use im_vendors::{Connection, Memory, registry::vendor_api};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    jobs::Listed,
    lambda::Lambda,
    ledger::{Change, vendor_of},
    people::People,
};

/// How long a process may work by settings that were changed: what it keeps of them, and the longest invocation.
const OLD_SETTINGS: SignedDuration = SignedDuration::from_secs(60);

/// Everything that is checked at the end.
pub struct Checks<'a> {
    pub people: &'a People,
    pub lambda: &'a Lambda,
    /// What is dead although the faults are over and everything was tried again.
    pub dead: Vec<Listed>,
}

impl Checks<'_> {
    fn world(&self) -> &World {
        &self.people.world
    }

    fn integrations(&self) -> BTreeMap<IntegrationType, Integration> {
        let state = self.people.ledger.state();
        let last = |(id, known): (&String, &Vec<(Timestamp, Integration)>)| {
            (
                vendor_of(id),
                known.last().expect("the first settings").1.clone(),
            )
        };
        state.configurations.iter().map(last).collect()
    }

    pub async fn all(&self) {
        let incidents = self.world().incidents().await;
        self.one_record(&incidents);
        self.accepted_is_durable().await;
        self.accounts_add_up().await;
        for incident in &incidents {
            for vendor in self.people.accounts.vendors() {
                self.converged(incident, vendor).await;
            }
            self.nothing_lost(incident).await;
            self.notes(incident).await;
        }
        self.counted(&incidents).await;
        self.ownership_held();
        self.no_echo(&incidents);
        self.secrets_stayed_in().await;
    }

    fn is_dead(&self, incident: &Incident, vendor: IntegrationType) -> bool {
        let integration = World::integration_with(vendor);
        let record = Self::record_of(incident, vendor);
        self.dead.iter().any(|it| {
            it.integration == integration
                && (it.incident.as_deref() == Some(incident.id.as_str())
                    || record.is_some() && it.record == record)
        })
    }

    /// 4. One record.
    fn one_record(&self, incidents: &[Incident]) {
        for vendor in self.people.accounts.vendors() {
            let id = World::integration_with(vendor).parse().expect("an id");
            let mut of_record = BTreeMap::new();
            for incident in incidents {
                let link = incident.links.get(&id);
                if let Some(record) = link.and_then(|link| link.external_id()) {
                    let other = of_record.insert(record.to_string(), incident.id.to_string());
                    assert!(
                        other.is_none(),
                        "invariant 4: {record} of {vendor} has two incidents, one is {}",
                        incident.id
                    );
                }
            }
            let records = self.world().vendors().records(vendor);
            let mut of_incident = BTreeMap::new();
            for (record, shown) in &records {
                let named = &shown["incident"];
                if incidents
                    .iter()
                    .any(|incident| incident.id.as_str() == named)
                {
                    let other = of_incident.insert(named.clone(), record.clone());
                    assert!(
                        other.is_none(),
                        "invariant 4: {named} has two records at {vendor}, one is {record}"
                    );
                }
            }
        }
    }

    /// 6. Accepted is durable.
    async fn accepted_is_durable(&self) {
        let stored = self.world().stored_deliveries().await;
        for (vendor, delivery) in &self.lambda.accepted {
            let is_it = |it: &im_engine::Delivery| {
                it.key.integration.as_str() == World::integration_with(*vendor)
                    && it.key.delivery.as_str().contains(&delivery.event_id)
            };
            let known: Vec<_> = stored.iter().map(|it| it.key.to_string()).collect();
            assert!(
                stored.iter().any(is_it),
                "invariant 6: {} of {vendor} was accepted and is not among {known:?}",
                delivery.event_id
            );
        }
    }

    /// 6 and 8. `sync-status` counts every delivery once, by what became of it, and nothing waits.
    async fn accounts_add_up(&self) {
        let stored = self.world().stored_deliveries().await;
        for vendor in self.people.accounts.vendors() {
            let id = World::integration_with(vendor);
            let its = |it: &&im_engine::Delivery| it.key.integration.as_str() == id;
            let known = stored.iter().filter(its).count() as u64;
            let path = format!("/integrations/{id}/sync-status?since=13d");
            let (status, told) = self.people.ask(Method::GET, &path, None, None).await;
            assert_eq!(status, 200, "{told}");
            let told = &told["deliveries"];
            let count = |of: &Value| of.as_u64().expect("a number");
            let ends = ["applied", "nothing_new", "skipped", "dead", "open"];
            let sum = ends.map(|end| count(&told[end])).iter().sum::<u64>();
            assert!(
                count(&told["accepted"]) == known && sum == known && count(&told["open"]) == 0,
                "invariant 8: {known} deliveries of {vendor} are stored, and all is done, but: {told:#}"
            );
        }
    }

    /// The rules in force, by the vendor's own names.
    pub async fn rules(&self, integration: &Integration) -> LinkRules {
        let vendor = vendor_api(integration.integration_type);
        let (memory, direct) = (Memory::default(), self.world().transport.direct());
        let credentials = self
            .people
            .accounts
            .credentials(integration.integration_type);
        let connection = Connection {
            base_url: &integration.base_url,
            options: &integration.options,
            credentials: &credentials,
            transport: &direct,
            memory: &memory,
            integration: &integration.id,
            now: self.world().clock.read(),
        };
        vendor
            .rules(integration, connection)
            .await
            .expect("the vendor answers")
    }

    /// 1. Converges.
    async fn converged(&self, incident: &Incident, vendor: IntegrationType) {
        if self.is_dead(incident, vendor) {
            return;
        }
        let integration = &self.integrations()[&vendor];
        let (id, link) = (&integration.id, incident.links.get(&integration.id));
        let Some(record) = link.and_then(|link| link.external_id()) else {
            assert!(
                !integration.direction.allows_outbound(),
                "invariant 1: {} has no record at {vendor}, and no job is dead",
                incident.id
            );
            return;
        };
        let link = link.expect("it is linked");
        let held = self
            .people
            .ledger
            .look(vendor, record.as_str())
            .expect("the record is there");
        let rules = self.rules(integration).await;
        let again = plan(&PlanInput {
            base: &link.base,
            incident,
            external: &held,
            rules: &rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: false,
            heals_for: None,
            reviews: &link.reviews,
            flips: &link.flips,
            now: self.world().clock.read(),
        });
        assert!(
            again.is_empty(),
            "invariant 1: {} at {id} is not in sync: {again:#?}",
            incident.id
        );
        assert!(
            !incident.pending.contains_key(id),
            "invariant 1: {} is still owed to {id}",
            incident.id
        );
        let had_other_rules = self.had_other_rules(integration);
        for (field, rule) in &rules.fields {
            let Some(observed) = held.fields.get(field) else {
                continue;
            };
            if link.reviews.contains_key(field) || link.notices.contains_key(field) {
                continue;
            }
            let platform = incident.value(field);
            let both = may_come_in(&rules, rule) && may_go_out(&rules, rule);
            let agree = rule.outward.apply(&platform.0).value() == Some(&observed.value.0)
                || rule.inward.apply(&observed.value.0).value() == Some(&platform.0);
            // Rule 5: an empty value is no first value, and the pair becomes base.
            let seen = BasePair::seen(&platform, &observed.value);
            let first = (platform.is_empty() || observed.value.is_empty())
                && link
                    .base
                    .get(field)
                    .is_some_and(|base| base.same_values(&seen));
            assert!(
                !both || agree || had_other_rules || first,
                "invariant 1: {field} of {} at {id}: {platform:?} and {:?}",
                incident.id,
                observed.value
            );
        }
    }

    /// Was anything else to flow once? What is turned on flows from then on, and nothing of the past is replayed.
    fn had_other_rules(&self, integration: &Integration) -> bool {
        let state = self.people.ledger.state();
        let known = &state.configurations[integration.id.as_str()];
        known.iter().any(|(_, it)| {
            (it.direction, &it.ownership, &it.mappings, &it.options)
                != (
                    integration.direction,
                    &integration.ownership,
                    &integration.mappings,
                    &integration.options,
                )
        })
    }

    /// 2. Nothing lost.
    async fn nothing_lost(&self, incident: &Incident) {
        let timeline = self.timeline(incident).await;
        let text = Value::Array(timeline.clone()).to_string();
        let (edits, changes) = {
            let state = self.people.ledger.state();
            (state.edits.clone(), state.changes.clone())
        };
        for (_, field, value) in edits.iter().filter(|(on, ..)| on == incident.id.as_str()) {
            assert!(
                text.contains(value.as_str()),
                "invariant 2: {value}, once {field} of {} on the platform, is in no journal",
                incident.id
            );
        }
        for change in &changes {
            let id = World::integration_with(change.vendor)
                .parse()
                .expect("an id");
            let link = incident.links.get(&id).and_then(|link| link.external_id());
            let is_its = link.is_some_and(|record| record.as_str() == change.record);
            if is_its && change.worker.is_some() && change.was_a_persons && change.knew {
                assert!(
                    !change.before.ends_with('x') || text.contains(&change.before),
                    "invariant 2: what we overwrote at {} is in no journal: {change:#?}",
                    change.vendor
                );
            }
        }
    }

    async fn timeline(&self, incident: &Incident) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let after = cursor.map(|it| format!("?cursor={it}")).unwrap_or_default();
            let path = format!("/incidents/{}/timeline{after}", incident.id);
            let (status, page) = self.people.ask(Method::GET, &path, None, None).await;
            assert_eq!(status, 200, "{page}");
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return all;
            }
        }
    }

    /// 2 and 4, of notes: each one once, and none missing.
    async fn notes(&self, incident: &Incident) {
        let held = self.world().notes(&incident.id).await;
        let written = self.people.ledger.state().notes.clone();
        let id = incident.id.as_str();
        for note in &written {
            let is_its = match note.vendor {
                None => note.on == id,
                Some(vendor) => Self::record_of(incident, vendor).as_ref() == Some(&note.on),
            };
            if !is_its {
                continue;
            }
            let count = held
                .iter()
                .filter(|it| it.text.contains(&note.text))
                .count();
            let expected = note
                .vendor
                .is_none_or(|vendor| self.notes_came_in(vendor, note.kind));
            assert!(count < 2, "invariant 4: {note:?} is twice on {id}");
            assert!(
                count == 1 || !expected,
                "invariant 2: {note:?} is not on {id}"
            );
        }
        for note in &held {
            for vendor in self.people.accounts.vendors() {
                let Some(record) = Self::record_of(incident, vendor) else {
                    continue;
                };
                let there = self.world().vendors().notes(vendor, &record);
                let count = there.iter().filter(|it| it.contains(&note.text)).count();
                assert!(
                    count < 2,
                    "invariant 4: {:?} is {count} times at {vendor}: {there:#?}",
                    note.text
                );
                let integration = World::integration_with(vendor);
                let sent = note.copies.get(&integration.parse().expect("an id"));
                let sent = matches!(sent, Some(NoteCopy::Sent { .. }));
                assert!(
                    !sent || count == 1,
                    "invariant 2: {:?} was sent to {vendor} and is not there",
                    note.text
                );
                let owed = self.notes_flow_out(vendor, note.kind)
                    && !note
                        .copies
                        .contains_key(&integration.parse().expect("an id"))
                    && note.key.source.to_string() != integration;
                assert!(
                    !owed || self.is_dead(incident, vendor),
                    "invariant 1: {:?} was never sent to {vendor}",
                    note.text
                );
            }
        }
    }

    fn record_of(incident: &Incident, vendor: IntegrationType) -> Option<String> {
        let id = World::integration_with(vendor).parse().expect("an id");
        Some(incident.links.get(&id)?.external_id()?.to_string())
    }

    fn notes_came_in(&self, vendor: IntegrationType, kind: im_model::NoteKind) -> bool {
        let state = self.people.ledger.state();
        let known = &state.configurations[World::integration_with(vendor)];
        known
            .iter()
            .all(|(_, it)| vendor_api(vendor).usual_rules(it).notes_flow_in(kind))
    }

    fn notes_flow_out(&self, vendor: IntegrationType, kind: im_model::NoteKind) -> bool {
        vendor_api(vendor)
            .usual_rules(&self.integrations()[&vendor])
            .notes_flow_out(kind)
    }

    /// The settings that somebody may have worked by at this time.
    fn any_rules(
        &self,
        integration: &str,
        at: Timestamp,
        allow: impl Fn(&LinkRules) -> bool,
    ) -> bool {
        let state = self.people.ledger.state();
        let known = &state.configurations[integration];
        let ended = |index: usize| known.get(index + 1).map(|(at, _)| *at);
        known.iter().enumerate().any(|(index, (from, it))| {
            let begun = *from - OLD_SETTINGS <= at;
            let over = ended(index).is_some_and(|end| end + OLD_SETTINGS < at);
            begun && !over && allow(&vendor_api(it.integration_type).usual_rules(it))
        })
    }

    /// 5. Ownership holds.
    fn ownership_held(&self) {
        let (changes, pulls) = {
            let state = self.people.ledger.state();
            (state.changes.clone(), state.pulls.clone())
        };
        let ours = |change: &&Change| {
            let follows = change.with_others && change.field == "assigned_to";
            change.worker.is_some()
                && !follows
                && change.field != "incident"
                && change.field != "priority"
        };
        for change in changes.iter().filter(ours) {
            let field = change.field.parse().expect("a field");
            let allowed =
                self.any_rules(World::integration_with(change.vendor), change.at, |rules| {
                    rules
                        .fields
                        .get(&field)
                        .is_some_and(|rule| may_go_out(rules, rule))
                });
            assert!(
                allowed,
                "invariant 5: nobody but the vendor may change this: {change:#?}"
            );
        }
        for pull in &pulls {
            let allowed = self.any_rules(&pull.integration, pull.at, |rules| {
                rules
                    .fields
                    .get(&pull.field)
                    .is_some_and(|rule| may_come_in(rules, rule))
            });
            assert!(
                allowed,
                "invariant 5: nobody but the platform may change this: {pull:#?}"
            );
        }
    }

    /// 3. No echo: no more writes than causes.
    fn no_echo(&self, incidents: &[Incident]) {
        let state = self.people.ledger.state();
        let settings: usize = state
            .configurations
            .values()
            .map(|known| known.len() - 1)
            .sum();
        for incident in incidents {
            let is_its = |change: &&Change| {
                let id = World::integration_with(change.vendor)
                    .parse()
                    .expect("an id");
                let link = incident.links.get(&id).and_then(|link| link.external_id());
                link.is_some_and(|record| record.as_str() == change.record)
            };
            let changes: Vec<_> = state.changes.iter().filter(is_its).collect();
            let fields: BTreeSet<_> = changes.iter().map(|change| change.field).collect();
            for field in fields {
                let edits = state.edits.iter();
                let edits = edits
                    .filter(|(on, it, _)| on == incident.id.as_str() && it == field)
                    .count();
                let edited = changes
                    .iter()
                    .filter(|it| it.field == field && it.worker.is_none())
                    .count();
                let pulls = state.pulls.iter();
                let pulls = pulls
                    .filter(|it| it.incident == incident.id.as_str() && it.field.name() == field)
                    .count();
                assert!(
                    pulls <= edits + edited + settings + 1 || field == "assigned_to",
                    "invariant 3: {field} of {} came in {pulls} times, but there were {edits} edits on the platform, \
                     {edited} at the vendors, {settings} settings",
                    incident.id
                );
                for vendor in self.people.accounts.vendors() {
                    let ours = |it: &&&Change| {
                        // A vendor's rules assign when something else changes: no write of its own.
                        let follows = field == "assigned_to" && it.with_others;
                        it.field == field && it.vendor == vendor && it.worker.is_some() && !follows
                    };
                    let writes = changes.iter().filter(ours);
                    // Jira's workflow may need several transitions for one status.
                    let writes = if vendor == IntegrationType::Jira && field == "status" {
                        let workers: BTreeSet<_> = writes.map(|it| &it.worker).collect();
                        workers.len()
                    } else {
                        writes.count()
                    };
                    assert!(
                        writes <= edits + edited + settings + 1,
                        "invariant 3: {writes} writes of {field} of {} to {vendor}, but {edits} edits on the \
                         platform, {edited} at the vendors, {settings} settings",
                        incident.id
                    );
                }
            }
        }
    }

    /// 9. Secrets stay in. Log lines and answers are looked at while they are written.
    async fn secrets_stayed_in(&self) {
        let secrets = &self.people.ledger.secrets;
        let embedded = &self.world().system.embedded;
        for table in [&embedded.tables.deliveries, &embedded.tables.sync] {
            let page = embedded
                .dynamodb
                .scan()
                .table_name(table)
                .send()
                .await
                .expect("a page");
            for item in page.items() {
                secrets.look_at("an item", &format!("{item:?}"));
            }
        }
        for message in self.world().queues.ever_sent() {
            secrets.look_at("a message", &message);
        }
    }
}

/// What was configured says so, and not the product's reading of it.
fn may_go_out(rules: &LinkRules, rule: &FieldRule) -> bool {
    let is_theirs = rule.ownership.external.is_some() && rule.ownership.platform.is_none();
    rules.direction != Direction::Inbound && !is_theirs
}

fn may_come_in(rules: &LinkRules, rule: &FieldRule) -> bool {
    let is_ours = rule.ownership.platform.is_some() && rule.ownership.external.is_none();
    rules.direction != Direction::Outbound && !is_ours
}
