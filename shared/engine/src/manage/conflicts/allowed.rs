//! What a person may choose: ownership, direction and maps hold for people, too.

use im_model::{Conflict, ExternalValue, Resolution, Writability};
use im_sync::{FieldRule, Mapped};

use super::Conflicts;
use crate::manage::ManageError;

impl Conflicts {
    /// Ownership and direction hold for people, too.
    pub(super) async fn refuse_if_held_back(
        &self,
        conflict: &Conflict,
        resolution: Resolution,
    ) -> Result<(), ManageError> {
        if resolution == Resolution::Ignore {
            return Ok(());
        }
        let rules = self.rules_of(conflict).await?;
        let rule = rules.fields.get(&conflict.field);
        let (may, whose, way) = match resolution {
            Resolution::UsePlatform => (
                rule.filter(|rule| rules.may_flow_out(rule)),
                "the platform's value",
                "to",
            ),
            Resolution::UseExternal | Resolution::Ignore => (
                rule.filter(|rule| rules.may_flow_in(rule)),
                "the vendor's value",
                "from",
            ),
        };
        let Some(rule) = may else {
            return Err(ManageError::Conflict(format!(
                "{whose} cannot win: {} may not flow {way} {} at present; change its owner or the direction first",
                conflict.field, conflict.integration
            )));
        };
        match why_not(conflict, rule, resolution) {
            None => Ok(()),
            Some(why) => Err(ManageError::Conflict(format!("{whose} cannot win: {why}"))),
        }
    }
}

/// Why the value that is to win cannot go to the other side, as far as the rules tell.
fn why_not(conflict: &Conflict, rule: &FieldRule, resolution: Resolution) -> Option<String> {
    let no_answer = |direction: &str, value: &dyn std::fmt::Debug| {
        format!(
            "the {direction} map leaves {value:?} alone or has no answer for it; change the mapping first, or ignore the \
             conflict"
        )
    };
    if resolution == Resolution::UsePlatform {
        let value = &conflict.platform.value;
        if rule.writability == Writability::OnCreate {
            return Some("the vendor takes this field only when the record is created".to_owned());
        }
        return match rule.outward.apply(&value.0) {
            Mapped::Value(mapped) => rule.limit.refuses(&ExternalValue(mapped)),
            Mapped::LeaveAlone | Mapped::Unmapped => Some(no_answer("outbound", value)),
        };
    }
    let value = &conflict.external.value;
    match rule.inward.apply(&value.0) {
        Mapped::Value(mapped) => {
            let parsed = conflict.field.parse_value(mapped.as_str());
            parsed.err().map(|invalid| invalid.to_string())
        }
        Mapped::LeaveAlone | Mapped::Unmapped => Some(no_answer("inbound", value)),
    }
}
