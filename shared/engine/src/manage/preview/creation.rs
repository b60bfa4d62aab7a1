//! An incident that has no record yet.

use std::collections::BTreeMap;

use im_model::{
    ExternalRecord, ExternalValue, Field, Incident, Link, LinkState, NoticeKind, Observed,
    PlatformValue, RecordVersion, Side,
};
use im_sync::{
    Action, NotesInput, PlanInput, Rule, base_of_creation, implied_pairs, outward_values, plan,
    plan_notes, sent_in_creation,
};

use super::{Failed, Look, Preview, PreviewAction, PreviewedField, shown};

impl Look<'_> {
    /// What a creation would send, and what would follow as changes.
    pub(super) async fn creation(
        &self,
        incident: &Incident,
        reason: String,
    ) -> Result<Preview, Failed> {
        let mut outward = outward_values(incident, self.rules);
        let refusals = self.vendor.refusals(self.connection(), &outward.values);
        for (field, why) in refusals.await? {
            outward.values.remove(&field);
            outward.refused.insert(field, (NoticeKind::Unwritable, why));
        }
        let values = self.vendor.creatable(outward.values);
        let mut fields = self.followers(incident, &values);
        fields.retain(|one| !values.contains_key(&one.field));
        let row = |field: &Field, action, why: String| PreviewedField {
            field: field.clone(),
            action,
            platform: incident.value(field),
            external: ExternalValue::EMPTY,
            rule: Rule::NoBase,
            why,
        };
        for (field, value) in values {
            let action = Action::Push { value };
            fields.push(row(&field, action, "sent with the creation".to_owned()));
        }
        for (field, (_, why)) in outward.refused {
            fields.retain(|one| one.field != field);
            fields.push(row(&field, Action::Report, why));
        }
        fields.sort_by(|a, b| a.field.cmp(&b.field));
        Ok(Preview {
            incident: incident.id.clone(),
            external_id: None,
            action: PreviewAction::Create,
            reason,
            fields,
            notes_to_send: self.notes_to_new(incident).await?,
        })
    }

    /// What the plan would say of a record that holds just what it was created with.
    fn followers(
        &self,
        incident: &Incident,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Vec<PreviewedField> {
        let now = self.connection().now;
        let implied = self.vendor.implied_by_creation(self.rules);
        let sent = sent_in_creation(incident, values);
        let pairs = implied_pairs(incident, self.rules, implied.clone());
        let base = base_of_creation(&pairs, &sent);
        let held = implied.iter().chain(values);
        let held = held.map(|(field, value)| (field.clone(), Observed::value(value.clone())));
        let Ok(id) = "new".parse() else {
            return Vec::new();
        };
        let record = ExternalRecord {
            id,
            version: RecordVersion(0),
            url: None,
            merged_into: None,
            correlation: None,
            created_at: now,
            updated_at: now,
            fields: held.collect(),
        };
        let link = Link::new(1, LinkState::Reserved, Side::Platform);
        let planned = plan(&PlanInput {
            base: &base,
            incident,
            external: &record,
            rules: self.rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: false,
            heals_for: None,
            reviews: &link.reviews,
            flips: &link.flips,
            now,
        });
        let mut fields = shown(planned.decisions);
        for one in &mut fields {
            one.why = match one.action {
                Action::Push { .. } => "sent after the creation, which cannot carry it".to_owned(),
                _ => std::mem::take(&mut one.why),
            };
        }
        // A field that is empty on both sides, or stays as the creation sets it, is not worth a line.
        fields.retain(|one| one.action != Action::Rebase || one.platform != PlatformValue::EMPTY);
        fields
    }

    async fn notes_to_new(&self, incident: &Incident) -> Result<usize, Failed> {
        if incident.notes == 0 {
            return Ok(0);
        }
        let platform = self.previews.incidents.store.notes(&incident.id).await?;
        let planned = plan_notes(&NotesInput {
            integration: &self.integration.id,
            platform: &platform,
            external: &[],
            rules: self.rules,
            insist: false,
            created_at: incident.created_at,
        });
        Ok(planned.send.len())
    }
}
