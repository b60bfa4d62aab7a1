//! The counters that people are shown, against what journal, notes, conflicts and runs say by themselves.

use std::collections::BTreeMap;

use im_engine::{
    JournalEntry,
    ports::{ConflictStore as _, DeadLetterStore as _, IncidentStore as _, RunStore as _},
};
use im_model::{
    ClaimOutcome, ConflictStatus, DeadLetterStatus, FieldOutcome, Incident, IntegrationId,
    NoteCopy, NoteSource,
};
use im_tests::World;

use crate::{checks::Checks, people::People};

type Figures = BTreeMap<String, u64>;

impl Checks<'_> {
    /// However often a job was brought, and wherever its function died.
    pub(crate) async fn counted(&self, incidents: &[Incident]) {
        for vendor in self.people.accounts.vendors() {
            let integration: IntegrationId =
                World::integration_with(vendor).parse().expect("an id");
            let expected = expected(self.people, &integration, incidents).await;
            let shown = shown(self.people, &integration).await;
            for (name, count) in expected {
                assert_eq!(
                    shown.get(&name),
                    Some(&count),
                    "invariant 8: {name} of {integration}, and the journal says {count}"
                );
            }
            let drift = found(self.people, &integration).await;
            assert_eq!(
                shown["drift_discrepancies"], drift,
                "invariant 8: drift_discrepancies of {integration}, and its runs found {drift}"
            );
            self.deaths_are_counted(&integration, &shown).await;
        }
    }
}

impl Checks<'_> {
    /// Entries are of the jobs that died since they were opened, messages of all that died: the counters are between them.
    async fn deaths_are_counted(&self, integration: &IntegrationId, shown: &Figures) {
        let counted = shown["outbound_failed"] + shown["inbound_failed"];
        let listed = listed(self.people, integration).await;
        let told = self.lambda.ends.iter().filter(|(of, _)| of == integration);
        let told = told.count() as u64 + self.lambda.records_given_up;
        assert!(
            (listed..=told).contains(&counted),
            "invariant 8: {counted} jobs of {integration} are counted as dead, {listed} are listed, {told} were told of"
        );
    }
}

/// How many jobs have died that its entries know of.
async fn listed(people: &People, integration: &IntegrationId) -> u64 {
    let letters = &people.world.system.ports.store;
    let mut jobs = 0;
    for status in DeadLetterStatus::ALL {
        let mut after = None;
        loop {
            let page = letters.dead_letters(integration, *status, after.as_deref(), 100);
            let page = page.await.expect("a page");
            jobs += page.items.iter().map(|it| u64::from(it.jobs)).sum::<u64>();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    jobs
}

/// How much its runs have found.
async fn found(people: &People, integration: &IntegrationId) -> u64 {
    let store = &people.world.system.ports.store;
    let (mut found, mut before) = (0, None);
    loop {
        let page = store.runs(integration, before.as_ref(), 100).await;
        let page = page.expect("a page");
        let of_each = page
            .items
            .iter()
            .map(|run| run.counts.found.values().sum::<u64>());
        found += of_each.sum::<u64>();
        before = page.items.last().map(|last| last.id.clone());
        if page.next.is_none() {
            return found;
        }
    }
}

async fn shown(people: &People, integration: &IntegrationId) -> Figures {
    let path = format!("/integrations/{integration}/sync-status");
    let status = people.world.read(&path).await;
    let counters: Figures =
        serde_json::from_value(status["counters"].clone()).expect("the counters");
    counters
}

async fn expected(people: &People, integration: &IntegrationId, incidents: &[Incident]) -> Figures {
    let (mut outbound, mut inbound) = (0, 0);
    for incident in incidents {
        for outcome in outcomes(people, integration, incident).await.into_values() {
            let is_any = |wanted: fn(&FieldOutcome) -> bool| outcome.fields.values().any(wanted);
            outbound += u64::from(is_any(|it| {
                !matches!(
                    it,
                    FieldOutcome::Kept | FieldOutcome::Pulled | FieldOutcome::Refused { .. }
                )
            }));
            inbound += u64::from(is_any(|it| matches!(it, FieldOutcome::Pulled)));
        }
        let notes = people.world.system.ports.store.notes(&incident.id).await;
        for note in notes.expect("the notes") {
            let copy = note.copies.get(integration);
            outbound += u64::from(matches!(copy, Some(NoteCopy::Sent { .. })));
            inbound += u64::from(note.key.source == NoteSource::Integration(integration.clone()));
        }
    }
    let (mut detected, mut resolved) = (0, 0);
    for status in [
        ConflictStatus::Pending,
        ConflictStatus::Resolved,
        ConflictStatus::Ignored,
    ] {
        let count = conflicts(people, integration, incidents, status).await;
        detected += count;
        resolved += if status == ConflictStatus::Pending {
            0
        } else {
            count
        };
    }
    [
        ("outbound_success", outbound),
        ("inbound_success", inbound),
        ("conflicts_detected", detected),
        ("conflicts_resolved", resolved),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .into()
}

/// What became of each claim that took effect: each is told by the next one, the last by the link.
async fn outcomes(
    people: &People,
    integration: &IntegrationId,
    incident: &Incident,
) -> BTreeMap<(u64, u32), ClaimOutcome> {
    let journal = people.world.system.ports.store.journal(&incident.id).await;
    let journal = journal.expect("the journal").into_iter();
    let told = journal.filter_map(|entry| match entry {
        JournalEntry::Claim(claim) if claim.integration == *integration => claim.previous,
        _ => None,
    });
    let link = incident.links.get(integration);
    let last = link.and_then(|link| link.outcome.clone());
    told.chain(last)
        .map(|outcome| ((outcome.link_version, outcome.attempt), outcome))
        .collect()
}

async fn conflicts(
    people: &People,
    integration: &IntegrationId,
    incidents: &[Incident],
    status: ConflictStatus,
) -> u64 {
    let Some(Incident { organization, .. }) = incidents.first() else {
        return 0;
    };
    let store = &people.world.system.ports.store;
    let (mut count, mut before) = (0, None);
    loop {
        let page = store.conflicts(organization, status, before.as_ref(), 100);
        let page = page.await.expect("a page");
        let mine = page
            .items
            .iter()
            .filter(|it| it.integration == *integration);
        count += mine.count() as u64;
        before = page.items.last().map(|last| last.id.clone());
        if page.next.is_none() {
            return count;
        }
    }
}
