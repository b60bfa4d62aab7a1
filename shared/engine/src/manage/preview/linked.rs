//! An incident that is linked: its record is read, and planned as the engine would.

use std::collections::BTreeMap;

use im_model::{ExternalId, ExternalRecord, Field, Incident, Link, NoteKind};
use im_sync::{Action, NotesInput, PlanInput, add_times, apart, plan, plan_notes, wanting_times};
use im_vendors::VendorErrorKind;

use super::{Failed, Look, Preview, PreviewAction, PreviewedField, shown, skipped};

impl Look<'_> {
    pub(super) async fn linked(
        &self,
        incident: &Incident,
        link: &Link,
        id: &ExternalId,
    ) -> Result<Preview, Failed> {
        let skip = |reason: String| Preview {
            external_id: Some(id.clone()),
            ..skipped(incident, reason)
        };
        let mut record = match self.vendor.read(self.connection(), id).await {
            Ok(record) => record,
            Err(error) if error.kind == VendorErrorKind::NotFound => {
                let whose = &self.integration.id;
                return Ok(skip(format!(
                    "its record does not exist at {whose}, or is hidden from its account"
                )));
            }
            Err(error) if error.kind == VendorErrorKind::Unauthorized => return Err(error.into()),
            Err(error) => {
                let whose = &self.integration.id;
                return Ok(skip(format!("{whose} did not show its record: {error}")));
            }
        };
        if link
            .record_version
            .is_some_and(|known| record.version < known)
        {
            return Ok(skip(
                "the vendor shows an older state of its record for now".to_owned(),
            ));
        }
        let mut wanting = self.planning(incident, link, &record, wanting_times);
        wanting.retain(|field| self.vendor.history_covers(field));
        if !wanting.is_empty() {
            let since = record.created_at;
            let history = self.vendor.history(self.connection(), id, since).await?;
            add_times(&mut record, &wanting, history);
        }
        let planned = self.planning(incident, link, &record, plan);
        let fields = shown(planned.decisions);
        let notes_to_send = self.notes_to_linked(incident, link, &record).await?;
        let apart = self.planning(incident, link, &record, apart);
        let (action, reason) = sum_up(&fields, notes_to_send, &apart);
        Ok(Preview {
            incident: incident.id.clone(),
            external_id: Some(id.clone()),
            action,
            reason,
            fields,
            notes_to_send,
        })
    }

    fn planning<T>(
        &self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
        of: impl Fn(&PlanInput<'_>) -> T,
    ) -> T {
        of(&PlanInput {
            base: &link.base,
            incident,
            external: record,
            rules: self.rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: false,
            heals_for: None,
            reviews: &link.reviews,
            flips: &link.flips,
            now: self.connection().now,
        })
    }

    async fn notes_to_linked(
        &self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
    ) -> Result<usize, Failed> {
        let flows = NoteKind::ALL
            .iter()
            .any(|kind| self.rules.notes_flow_out(*kind));
        if incident.notes <= link.notes.sent || !flows {
            return Ok(0);
        }
        let platform = self.previews.incidents.store.notes(&incident.id).await?;
        let planned = |external: &[_]| {
            let planned = plan_notes(&NotesInput {
                integration: &self.integration.id,
                platform: &platform,
                external,
                rules: self.rules,
                insist: false,
                created_at: incident.created_at,
            });
            planned.send.len()
        };
        if planned(&[]) == 0 {
            return Ok(0);
        }
        // A copy that is there already, of which the answer was lost, is not sent again.
        let external = self.vendor.notes(self.connection(), record).await?;
        Ok(planned(&external))
    }
}

/// What would become of a linked incident, with how many of what.
fn sum_up(
    fields: &[PreviewedField],
    notes: usize,
    apart: &BTreeMap<Field, &'static str>,
) -> (PreviewAction, String) {
    let count = |is: fn(&Action) -> bool| fields.iter().filter(|one| is(&one.action)).count();
    let pushed = count(|action| matches!(action, Action::Push { .. }));
    let pulled = count(|action| matches!(action, Action::Pull { .. }));
    let held = count(|action| *action == Action::Hold);
    let reported = count(|action| *action == Action::Report);
    let named = |count: usize, one: &str, many: &str| {
        let noun = if count == 1 { one } else { many };
        (count > 0).then(|| format!("{count} {noun}"))
    };
    let parts = [
        named(pushed, "field to the vendor", "fields to the vendor"),
        named(pulled, "field to the platform", "fields to the platform"),
        named(notes, "note to the vendor", "notes to the vendor"),
        named(held, "field waits for a person", "fields wait for a person"),
        named(reported, "field cannot move", "fields cannot move"),
    ];
    let reason = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let action = if pushed + pulled + notes > 0 {
        PreviewAction::Update
    } else {
        PreviewAction::Nothing
    };
    let apart = apart.iter().map(|(field, why)| format!("{field} ({why})"));
    let apart = apart.collect::<Vec<_>>().join(", ");
    let reason = match (reason.is_empty(), apart.is_empty()) {
        (true, true) => "both sides say the same".to_owned(),
        (true, false) => format!("what differs stays so: {apart}"),
        (false, true) => reason,
        (false, false) => format!("{reason}; what else differs stays so: {apart}"),
    };
    (action, reason)
}
