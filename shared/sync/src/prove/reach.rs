//! Rules that can never act, and rules that cannot decide.

use im_model::{ConflictStrategy, Direction, Field, Owner, Writability};

use super::{
    Finding,
    FindingKind::{NeverActs, PriorityTie, SharedOwner, Unwritable},
    Subject, domain,
};
use crate::{FieldRule, LinkRules, ValueMap};

/// Findings about one mapped field.
pub(super) fn of_field(rules: &LinkRules, field: &Field, rule: &FieldRule) -> Vec<Finding> {
    if rules.direction == Direction::None {
        // Said once, of the integration.
        return Vec::new();
    }
    let (may_out, may_in) = (rules.may_flow_out(rule), rules.may_flow_in(rule));
    let warning = |kind, detail: String, consequence: String| {
        Finding::warning(kind, Some(field.clone().into()), detail, consequence)
    };
    let mut findings = Vec::new();
    if !may_out && !may_in {
        let owner = rule.ownership.single().map_or("nobody", Owner::as_str);
        let detail = format!("owned by {owner}, direction {}", rules.direction);
        let consequence = "the field flows neither way".to_owned();
        findings.push(warning(NeverActs, detail, consequence));
    }
    if may_out && rule.writability == Writability::OnCreate {
        let detail = "written only when the record is created".to_owned();
        let consequence = "a later change is reported, not sent".to_owned();
        findings.push(warning(Unwritable, detail, consequence));
    }
    for (map, flows, name) in [
        (&rule.outward, may_out, "outbound"),
        (&rule.inward, may_in, "inbound"),
    ] {
        if map.operators_table().is_some() && !flows {
            let detail = format!("the {name} table");
            let consequence = format!("the field does not flow {name}: nothing is mapped by it");
            findings.push(warning(NeverActs, detail, consequence));
        }
    }
    findings.extend(dead_entries(field, rule));
    let decides = rules.strategy == ConflictStrategy::OwnershipPriority && may_out && may_in;
    let (platform, external) = (rule.ownership.platform, rule.ownership.external);
    if decides && platform == external {
        let detail = match platform {
            Some(priority) => format!("both owners have priority {priority}"),
            None => "no owner has a priority".to_owned(),
        };
        let consequence = "conflicts fall back to last-write-wins".to_owned();
        findings.push(warning(PriorityTie, detail, consequence));
    }
    findings
}

/// Entries of the operator's tables for values that cannot occur.
fn dead_entries(field: &Field, rule: &FieldRule) -> Vec<Finding> {
    let ours = domain::platform(field, rule);
    let theirs = rule.vendor_values.as_ref();
    let warning = |from: &str, to: &str, side| {
        let detail = format!("{from} → {to}");
        let consequence = format!("{side} has no {from}: the entry never acts");
        Finding::warning(NeverActs, Some(field.clone().into()), detail, consequence)
    };
    let entries = |map: &'_ ValueMap| {
        let table = map.operators_table().cloned();
        table.map(|table| table.values).unwrap_or_default()
    };
    let outward = entries(&rule.outward);
    let outward = outward.iter().filter_map(|(from, to)| {
        let occurs = ours.as_ref().is_none_or(|known| known.contains(from));
        (!occurs).then(|| warning(from, to, "the platform's field"))
    });
    let inward = entries(&rule.inward);
    let inward = inward.iter().filter_map(|(from, to)| {
        let occurs = theirs.is_none_or(|known| known.contains(from));
        (!occurs).then(|| warning(from, to, "the vendor"))
    });
    outward.chain(inward).collect()
}

/// A field that another integration, too, owns for its vendor alone.
pub(super) fn shared(subject: &Subject<'_>, field: &Field, rule: &FieldRule) -> Option<Finding> {
    let owns = |rules: &LinkRules, rule: &FieldRule| {
        rule.ownership.single() == Some(Owner::External) && rules.may_flow_in(rule)
    };
    if !owns(subject.rules, rule) {
        return None;
    }
    let also = subject.others.iter().filter(|(id, rules)| {
        let theirs = rules.fields.get(field);
        *id != subject.id && theirs.is_some_and(|theirs| owns(rules, theirs))
    });
    let mut ids: Vec<_> = also.map(|(id, _)| id.as_str()).collect();
    if ids.is_empty() {
        return None;
    }
    ids.insert(0, subject.id.as_str());
    let detail = format!("owned externally by {}", ids.join(" and "));
    let consequence = "two vendors cannot both be right: whichever is edited last is taken over, \
                       and the others are not written; let one of them own it"
        .to_owned();
    let field = Some(field.clone().into());
    Some(Finding::warning(SharedOwner, field, detail, consequence))
}

/// Findings about the integration, and about what it does not map.
pub(super) fn of_integration(subject: &Subject<'_>) -> Vec<Finding> {
    let rules = subject.rules;
    let mut findings = Vec::new();
    if rules.direction == Direction::None {
        let consequence = "nothing flows either way";
        findings.push(Finding::warning(
            NeverActs,
            None,
            "direction none",
            consequence,
        ));
    } else {
        findings.extend(idle_strategy(rules));
    }
    for owned in subject.ownership.keys() {
        let is_mapped = match owned {
            im_model::Ownable::Field(field) => rules.fields.contains_key(field),
            im_model::Ownable::Notes(kind) => rules.notes.contains_key(kind),
        };
        if !is_mapped {
            let detail = "an ownership rule of a field that is not mapped";
            let consequence = "the rule never acts";
            let owned = Some(owned.clone());
            findings.push(Finding::warning(NeverActs, owned, detail, consequence));
        }
    }
    let tables = subject.mappings.keys();
    for field in tables.filter(|field| !rules.fields.contains_key(field)) {
        let detail = "a table of a field that is not mapped";
        let field = Some(field.clone().into());
        let consequence = "nothing is mapped by it";
        findings.push(Finding::warning(NeverActs, field, detail, consequence));
    }
    findings
}

/// A strategy was chosen, and no field flows both ways.
fn idle_strategy(rules: &LinkRules) -> Option<Finding> {
    let both_ways = |rule: &FieldRule| rules.may_flow_out(rule) && rules.may_flow_in(rule);
    let is_idle =
        rules.strategy != ConflictStrategy::LastWriteWins && !rules.fields.values().any(both_ways);
    is_idle.then(|| {
        let detail = format!("conflict strategy {}", rules.strategy);
        let consequence = "no field flows both ways: it never decides";
        Finding::warning(NeverActs, None, detail, consequence)
    })
}
