//! What becomes of each value of a field.

use std::collections::BTreeSet;

use im_model::{ExternalValue, Field, Otherwise, Writability};

use super::{
    Finding,
    FindingKind::{Cycle, NoAnswer, RoundTrip, UnknownValue},
    chain::{answer, apply, arrows, cycles},
    domain,
};
use crate::{FieldRule, LinkRules, Mapped, ValueMap};

/// All findings about the values of a field.
pub(super) fn findings(rules: &LinkRules, field: &Field, rule: &FieldRule) -> Vec<Finding> {
    let (may_out, may_in) = (rules.may_flow_out(rule), rules.may_flow_in(rule));
    let mut findings = Vec::new();
    if may_out {
        findings.extend(outbound(field, rule));
    }
    if may_in {
        findings.extend(inbound(field, rule));
    }
    if may_out && may_in && rule.writability == Writability::Always {
        findings.extend(round_trips(field, rule));
    }
    findings
}

fn outbound(field: &Field, rule: &FieldRule) -> Vec<Finding> {
    let values = domain::platform_or_named(field, rule);
    let of_value = |ours: &String| match apply(&rule.outward, ours) {
        Mapped::Unmapped => Some(Finding::error(
            NoAnswer,
            field,
            format!("{ours} → no answer at the vendor"),
            format!("while an incident says {ours}, this field cannot be sent: the attempt fails"),
        )),
        Mapped::LeaveAlone => Some(Finding::warning(
            NoAnswer,
            Some(field.clone().into()),
            format!("{ours} → left alone at the vendor"),
            format!("the vendor keeps what it has while an incident says {ours}; that is reported"),
        )),
        Mapped::Value(theirs) => {
            let theirs = ExternalValue(theirs);
            vendor_refuses(rule, &theirs).map(|why| unknown_to_vendor(field, ours, &theirs, &why))
        }
    };
    let mut findings: Vec<_> = values.iter().filter_map(of_value).collect();
    if domain::platform(field, rule).is_none() {
        // Of other values only this is known.
        let default = default_of(&rule.outward).map(ExternalValue::text);
        findings.extend(default.and_then(|theirs| {
            let why = vendor_refuses(rule, &theirs)?;
            Some(unknown_to_vendor(field, "any other value", &theirs, &why))
        }));
    }
    findings
}

fn unknown_to_vendor(field: &Field, ours: &str, theirs: &ExternalValue, why: &str) -> Finding {
    let theirs = theirs.as_str().unwrap_or("(empty)");
    let consequence = format!("{why}: while an incident says so, this field cannot be sent");
    Finding::error(UnknownValue, field, arrows(&[ours, theirs]), consequence)
}

/// Why the vendor cannot hold this value, as far as that can be told.
pub(super) fn vendor_refuses(rule: &FieldRule, theirs: &ExternalValue) -> Option<String> {
    if let Some(why) = rule.limit.refuses(theirs) {
        return Some(why);
    }
    let (text, known) = (theirs.as_str()?, rule.vendor_values.as_ref()?);
    (!known.contains(text)).then(|| {
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        format!("the vendor has no {text}; it has {}", known.join(", "))
    })
}

fn inbound(field: &Field, rule: &FieldRule) -> Vec<Finding> {
    let values = domain::vendor_or_named(rule);
    let of_value = |theirs: &String| {
        let warning = |detail: String, consequence: String| {
            Finding::warning(NoAnswer, Some(field.clone().into()), detail, consequence)
        };
        match apply(&rule.inward, theirs) {
            Mapped::Unmapped => Some(warning(
                format!("{theirs} → no answer on the platform"),
                format!(
                    "when the vendor says {theirs}, this field is not taken over: the attempt fails"
                ),
            )),
            Mapped::LeaveAlone => Some(warning(
                format!("{theirs} → left alone on the platform"),
                format!(
                    "the platform keeps what it has when the vendor says {theirs}; that is reported"
                ),
            )),
            Mapped::Value(ours) => refused_by_platform(field, theirs, ours.as_str()),
        }
    };
    let mut findings: Vec<_> = values.iter().filter_map(of_value).collect();
    if rule.vendor_values.is_none() {
        let default = default_of(&rule.inward);
        findings.extend(
            default.and_then(|ours| refused_by_platform(field, "any other value", Some(ours))),
        );
    }
    findings
}

fn refused_by_platform(field: &Field, theirs: &str, ours: Option<&str>) -> Option<Finding> {
    let refused = field.parse_value(ours).err()?;
    let consequence = format!(
        "the platform's {field} {}: the vendor's value is never taken over",
        refused.rule
    );
    let detail = arrows(&[theirs, ours.unwrap_or("(empty)")]);
    Some(Finding::error(UnknownValue, field, detail, consequence))
}

/// What a map makes of the values that it does not list, where it is always the same.
fn default_of(map: &ValueMap) -> Option<&str> {
    let otherwise = match map {
        ValueMap::Table { otherwise, .. } => otherwise,
        ValueMap::Configured { table, .. } => &table.otherwise,
        _ => return None,
    };
    match otherwise {
        Otherwise::Default(to) => Some(to),
        _ => None,
    }
}

fn round_trips(field: &Field, rule: &FieldRule) -> Vec<Finding> {
    let cycles = cycles(field, rule);
    let on_cycles: BTreeSet<_> = cycles.iter().flatten().cloned().collect();
    let mut findings: Vec<_> = cycles
        .iter()
        .map(|cycle| {
            let consequence =
                "the value moves on each time it comes back, and never comes to rest".to_owned();
            Finding::error(Cycle, field, arrows(cycle), consequence)
        })
        .collect();
    let mut comes_back_as = |start: &str, there: Option<String>, back: Option<String>, says| {
        let (Some(there), Some(back)) = (there, back) else {
            return;
        };
        if back != start && !on_cycles.contains(start) {
            let detail = arrows(&[start, &there, &back]);
            let consequence = format!("{there} {says} {back}, not {start}");
            let field = Some(field.clone().into());
            findings.push(Finding::warning(RoundTrip, field, detail, consequence));
        }
    };
    // Where a side does not have the answer it gets, that is said already.
    let sent = |ours: &str| {
        let theirs = answer(&rule.outward, ours)?;
        let refused = vendor_refuses(rule, &ExternalValue::text(&theirs));
        refused.is_none().then_some(theirs)
    };
    let taken_over = |theirs: &str| {
        let ours = answer(&rule.inward, theirs)?;
        field.parse_value(Some(&ours)).is_ok().then_some(ours)
    };
    for ours in domain::platform_or_named(field, rule) {
        let there = sent(&ours);
        let back = there.as_deref().and_then(taken_over);
        let says = "is sent for it, and where the vendor sets that itself the platform takes over";
        comes_back_as(&ours, there, back, says);
    }
    for theirs in domain::vendor_or_named(rule) {
        let there = taken_over(&theirs);
        let back = there.as_deref().and_then(sent);
        let says = "is taken over for it, and where the platform sets that itself the vendor gets";
        comes_back_as(&theirs, there, back, says);
    }
    findings
}
