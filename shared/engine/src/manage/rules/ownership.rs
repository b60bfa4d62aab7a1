//! Who owns which field.

use im_model::{Integration, IntegrationId, NoteKind, OrganizationId, Ownable, Owner, Ownership};
use im_sync::LinkRules;

use super::{Rules, named, refused};
use crate::manage::{FieldProblem, ManageError, integrations::vendor_of};

/// Who is to own a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOwnership {
    /// One rule for each owner; priorities are 1 to 100.
    pub rules: Vec<(Owner, u8)>,
    /// Owners that are not named stay as they are.
    pub shared: bool,
}

/// Which way a field may flow, by direction and ownership together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flows {
    /// Neither way.
    None,
    /// From the vendor.
    Inbound,
    /// To the vendor.
    Outbound,
    /// Both ways.
    Both,
}

/// Who owns a field, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOwnership {
    /// The field or list of notes.
    pub field: Ownable,
    /// Its owners.
    pub ownership: Ownership,
    /// Which way it may flow.
    pub flows: Flows,
}

impl NewOwnership {
    /// The priority of a rule that names none.
    pub const PRIORITY: u8 = 10;

    /// What priorities can be.
    pub const PRIORITIES: std::ops::RangeInclusive<u8> = 1..=100;
}

impl Flows {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::None, Self::Inbound, Self::Outbound, Self::Both];

    /// The word for it in the API and the CLI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Both => "both",
        }
    }

    fn of(out: bool, back: bool) -> Self {
        match (out, back) {
            (false, false) => Self::None,
            (false, true) => Self::Inbound,
            (true, false) => Self::Outbound,
            (true, true) => Self::Both,
        }
    }
}

impl Rules {
    /// Who owns which field of an integration: every mapped field, both lists of notes, and whatever else has a rule.
    pub async fn ownership(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<(Integration, Vec<FieldOwnership>), ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let rules = vendor_of(&integration).usual_rules(&integration);
        let ruled = integration.ownership.keys().cloned();
        let mut fields: Vec<_> = mapped_by(&rules).chain(ruled).collect();
        fields.sort();
        fields.dedup();
        let all = fields
            .into_iter()
            .map(|field| shown(&integration, &rules, field))
            .collect();
        Ok((integration, all))
    }

    /// Who owns one field of an integration, as a person calls it.
    ///
    /// # Errors
    /// Names the fields that there are.
    pub fn ownership_of(
        integration: &Integration,
        field: &str,
    ) -> Result<FieldOwnership, ManageError> {
        let rules = vendor_of(integration).usual_rules(integration);
        let field = named(integration, field).map_err(|problem| refused("field", problem))?;
        Ok(shown(integration, &rules, field))
    }
}

fn shown(integration: &Integration, rules: &LinkRules, field: Ownable) -> FieldOwnership {
    let flows = match &field {
        Ownable::Field(name) => rules.fields.get(name).map_or(Flows::None, |rule| {
            Flows::of(rules.may_flow_out(rule), rules.may_flow_in(rule))
        }),
        Ownable::Notes(kind) => Flows::of(rules.notes_flow_out(*kind), rules.notes_flow_in(*kind)),
    };
    let ownership = integration.ownership.get(&field).copied();
    FieldOwnership {
        ownership: ownership.unwrap_or_default(),
        field,
        flows,
    }
}

/// What this vendor maps and so can be owned.
pub(super) fn mapped(integration: &Integration) -> impl Iterator<Item = Ownable> + use<> {
    mapped_by(&vendor_of(integration).usual_rules(integration))
        .collect::<Vec<_>>()
        .into_iter()
}

fn mapped_by(rules: &LinkRules) -> impl Iterator<Item = Ownable> {
    let fields = rules.fields.keys().cloned().map(Ownable::from);
    let notes = NoteKind::ALL
        .iter()
        .filter(|kind| rules.notes.contains_key(kind));
    fields.chain(notes.map(|kind| Ownable::from(*kind)))
}

/// The integration with these owners of a field.
pub(super) fn own(
    present: &Integration,
    field: &str,
    new: &NewOwnership,
) -> Result<Integration, ManageError> {
    let problems = check(new);
    if !problems.is_empty() {
        return Err(ManageError::Invalid(problems));
    }
    let field = named(present, field).map_err(|problem| refused("field", problem))?;
    let valid: Vec<_> = mapped(present).collect();
    if !valid.contains(&field) {
        let valid: Vec<_> = valid.iter().map(ToString::to_string).collect();
        let problem = format!(
            "{field} is not mapped by {}; expected one of {}",
            present.id,
            valid.join(", ")
        );
        return Err(refused("field", problem));
    }
    let mut changed = present.clone();
    let before = present
        .ownership
        .get(&field)
        .copied()
        .filter(|_| new.shared);
    let mut ownership = before.unwrap_or_default();
    for (owner, priority) in &new.rules {
        *of(&mut ownership, *owner) = Some(*priority);
    }
    changed.ownership.insert(field, ownership);
    Ok(changed)
}

fn check(new: &NewOwnership) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if new.rules.is_empty() {
        problems.push(FieldProblem::new("rules", "must have at least one rule"));
    }
    for (at, (owner, priority)) in new.rules.iter().enumerate() {
        if new.rules[..at].iter().any(|(other, _)| other == owner) {
            let problem = format!("{owner} has a rule already");
            problems.push(FieldProblem::new(format!("rules.{at}.owner"), problem));
        }
        let range = NewOwnership::PRIORITIES;
        if !range.contains(priority) {
            let problem = format!("must be from {} to {}", range.start(), range.end());
            problems.push(FieldProblem::new(format!("rules.{at}.priority"), problem));
        }
    }
    problems
}

fn of(ownership: &mut Ownership, owner: Owner) -> &mut Option<u8> {
    match owner {
        Owner::Platform => &mut ownership.platform,
        Owner::External => &mut ownership.external,
    }
}

/// The integration without the owners of a field, or without this one.
pub(super) fn disown(
    present: &Integration,
    field: &str,
    owner: Option<Owner>,
) -> Result<Integration, ManageError> {
    let field = named(present, field).map_err(|problem| refused("field", problem))?;
    let mut changed = present.clone();
    let mut ownership = present.ownership.get(&field).copied().unwrap_or_default();
    let removed = Owner::ALL
        .iter()
        .filter(|known| owner.is_none_or(|owner| owner == **known))
        .filter_map(|owner| of(&mut ownership, *owner).take())
        .count();
    if removed == 0 {
        let rule = owner.map_or_else(|| "an".to_owned(), |owner| format!("{owner}'s"));
        let what = format!("{rule} ownership rule of {field} in {}", present.id);
        return Err(ManageError::NotFound(what));
    }
    if ownership == Ownership::default() {
        changed.ownership.remove(&field);
    } else {
        changed.ownership.insert(field, ownership);
    }
    Ok(changed)
}
