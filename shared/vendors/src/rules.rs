//! From the fields that a vendor maps to the rules of an integration's links.

use im_model::{Field, Integration, NoteKind, Ownable, Ownership};
use im_sync::{FieldRule, LinkRules};

/// The rules of these fields, each with the owner that the integration gives it. Both lists of notes go out; which one a
/// vendor's note comes in on, the vendor says note by note.
pub(crate) fn link_rules(
    integration: &Integration,
    fields: impl IntoIterator<Item = (Field, FieldRule)>,
) -> LinkRules {
    let owner = |ownable: Ownable| -> Ownership {
        let owned = integration.ownership.get(&ownable);
        owned.copied().unwrap_or_default()
    };
    let owned = fields.into_iter().map(|(field, rule)| {
        let ownership = owner(field.clone().into());
        (field, FieldRule { ownership, ..rule })
    });
    let rules = LinkRules {
        direction: integration.direction,
        strategy: integration.strategy,
        conflict_window: integration.conflict_window,
        fields: owned.collect(),
        notes_in_since: integration.notes_in_since.clone(),
        notes: NoteKind::ALL
            .iter()
            .map(|kind| (*kind, owner((*kind).into())))
            .collect(),
    };
    // The operator's tables lie over the vendor's maps.
    rules.with_mappings(&integration.mappings)
}
