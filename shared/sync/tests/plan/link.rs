//! A link with both its sides, and all that a plan is made from.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    BasePair, ChangeTime, ConflictId, ConflictStrategy, Direction, ExternalRecord, ExternalValue,
    Field, FieldState, Flips, Incident, IncidentId, IntegrationId, Observed, Origin, Ownership,
    PlatformValue, RecordVersion, Review, Side, TimeSource, Verdict,
};
use im_sync::{
    Action, Answer, Conclusion, ConflictStep, Decision, FieldRule, Limit, LinkRules, Otherwise,
    Plan, PlanInput, TextForm, Unhealed, ValueMap, conclude, plan, unhealed, wanting_times,
};
use jiff::Timestamp;

pub const FIELDS: [Field; 4] = [
    Field::Title,
    Field::Severity,
    Field::Status,
    Field::AssignedTo,
];

/// Who reconciles.
pub const HEALER: &str = "pd";

fn healer() -> IntegrationId {
    HEALER.parse().expect("an id")
}

/// Both sides of a link, and all that a plan is made from.
#[derive(Debug, Clone)]
pub struct Link {
    pub base: BTreeMap<Field, BasePair>,
    pub incident: Incident,
    pub external: ExternalRecord,
    pub rules: LinkRules,
    pub created_from: Side,
    pub notices: BTreeMap<Field, im_model::Notice>,
    pub reviews: BTreeMap<Field, Review>,
    pub flips: BTreeMap<Field, Flips>,
    /// When the plan is made.
    pub now: Timestamp,
    /// How many conflicts were queued: names the next one.
    pub queued: u128,
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("a time")
}

pub fn vendor_time(second: i64) -> ChangeTime {
    ChangeTime {
        at: at(second),
        source: TimeSource::Field,
    }
}

pub fn platform_edit() -> Origin {
    Origin::Platform {
        actor: "ann".parse().expect("an actor"),
    }
}

pub fn rule(field: &Field) -> FieldRule {
    let same = ValueMap::Same(TextForm::Trimmed);
    let (outward, inward) = match field {
        Field::Severity => (
            ValueMap::table(
                [
                    ("SEV-1", "high"),
                    ("SEV-2", "high"),
                    ("SEV-3", "low"),
                    ("SEV-4", "low"),
                ],
                Otherwise::Error,
            ),
            ValueMap::table([("high", "SEV-2"), ("low", "SEV-3")], Otherwise::LeaveAlone),
        ),
        Field::Status => (
            ValueMap::table(
                [
                    ("open", "triggered"),
                    ("acknowledged", "acknowledged"),
                    ("mitigated", "acknowledged"),
                    ("resolved", "resolved"),
                    ("closed", "resolved"),
                ],
                Otherwise::Error,
            ),
            ValueMap::table(
                [
                    ("triggered", "open"),
                    ("acknowledged", "acknowledged"),
                    ("resolved", "resolved"),
                ],
                Otherwise::LeaveAlone,
            ),
        ),
        _ => (same.clone(), same),
    };
    FieldRule::new(outward, inward, Limit::default())
}

impl Link {
    /// A link with nothing on either side, and no base.
    pub fn new() -> Self {
        Self {
            base: BTreeMap::new(),
            incident: Incident {
                id: IncidentId::from_ulid(ulid::Ulid(1)),
                organization: "acme".parse().expect("an id"),
                created_at: at(0),
                revision: 1,
                fields: BTreeMap::new(),
                links: BTreeMap::new(),
                notes: 0,
                pending: BTreeMap::new(),
                dead: BTreeMap::new(),
            },
            external: ExternalRecord {
                id: "P1".parse().expect("an id"),
                version: RecordVersion(1),
                url: None,
                merged_into: None,
                correlation: None,
                created_at: at(0),
                updated_at: at(0),
                fields: BTreeMap::new(),
            },
            rules: LinkRules {
                direction: Direction::Bidirectional,
                strategy: ConflictStrategy::LastWriteWins,
                conflict_window: im_model::Integration::CONFLICT_WINDOW,
                notes: BTreeMap::new(),
                notes_in_since: BTreeMap::new(),
                fields: FIELDS
                    .iter()
                    .map(|field| (field.clone(), rule(field)))
                    .collect(),
            },
            created_from: Side::Platform,
            notices: BTreeMap::new(),
            reviews: BTreeMap::new(),
            flips: BTreeMap::new(),
            now: at(900),
            queued: 0,
        }
    }

    pub fn platform(mut self, field: Field, value: &str, second: i64) -> Self {
        let version = self.incident.field_version(&field) + 1;
        let value = PlatformValue::text(value);
        let state = FieldState {
            value,
            version,
            changed_at: at(second),
            origin: platform_edit(),
        };
        self.incident.fields.insert(field, state);
        self
    }

    pub fn vendor(mut self, field: Field, value: &str, second: i64) -> Self {
        let observed = Observed {
            value: ExternalValue::text(value),
            changed: Some(vendor_time(second)),
            author: None,
        };
        self.external.fields.insert(field, observed);
        self
    }

    /// Only the record's time is known, not the field's.
    pub fn vendor_record(mut self, field: Field, value: &str, second: i64) -> Self {
        let observed = Observed::value(ExternalValue::text(value));
        self.external.fields.insert(field, observed);
        self.external.updated_at = at(second);
        self
    }

    /// What both sides hold now becomes base.
    pub fn agreed(mut self) -> Self {
        for field in &FIELDS {
            let pair = BasePair::seen(&self.incident.value(field), &self.external_value(field));
            self.base.insert(field.clone(), pair);
        }
        self
    }

    pub fn owned_by(mut self, field: &Field, ownership: Ownership) -> Self {
        self.rules.fields.get_mut(field).expect("mapped").ownership = ownership;
        self
    }

    pub fn direction(mut self, direction: Direction) -> Self {
        self.rules.direction = direction;
        self
    }

    pub fn external_value(&self, field: &Field) -> ExternalValue {
        self.external
            .fields
            .get(field)
            .map_or(ExternalValue::EMPTY, |o| o.value.clone())
    }

    pub fn plan(&self) -> Plan {
        self.planning(plan)
    }

    /// The fields whose times the vendor's history is asked for.
    pub fn wanting(&self) -> BTreeSet<Field> {
        self.planning(wanting_times)
    }

    /// The same of a reconciler.
    pub fn healing(&self) -> Plan {
        self.planning_for(Some(&healer()), plan)
    }

    /// What a reconciler leaves, and tells.
    pub fn unhealed(&self) -> BTreeMap<Field, Unhealed> {
        self.planning_for(Some(&healer()), unhealed)
    }

    fn planning<T>(&self, of: impl Fn(&PlanInput<'_>) -> T) -> T {
        self.planning_for(None, of)
    }

    fn planning_for<T>(
        &self,
        healer: Option<&IntegrationId>,
        of: impl Fn(&PlanInput<'_>) -> T,
    ) -> T {
        of(&PlanInput {
            base: &self.base,
            incident: &self.incident,
            external: &self.external,
            rules: &self.rules,
            created_from: self.created_from,
            notices: &self.notices,
            insist: false,
            heals_for: healer,
            reviews: &self.reviews,
            flips: &self.flips,
            now: self.now,
        })
    }

    pub fn decision(&self, field: &Field) -> Option<Decision> {
        self.plan().decisions.get(field).cloned()
    }

    /// Does what a reconciler's plan says.
    pub fn heal(&mut self) -> Conclusion {
        let plan = self.healing();
        self.carry_out(&plan)
    }

    /// Does what the plan says: the vendor takes what it is sent, and the conclusion is stored.
    pub fn execute(&mut self) -> Conclusion {
        let plan = self.plan();
        self.carry_out(&plan)
    }

    fn carry_out(&mut self, plan: &Plan) -> Conclusion {
        for (field, value) in plan.pushes() {
            let observed = Observed {
                value,
                changed: Some(ChangeTime {
                    at: self.now,
                    source: TimeSource::Field,
                }),
                author: None,
            };
            self.external.fields.insert(field, observed);
        }
        let record = Some(self.external.clone());
        let answer = Answer {
            record,
            ..Answer::default()
        };
        let conclusion = conclude(plan, &self.rules, &self.incident, &answer, self.now);
        for (field, decision) in &plan.decisions {
            self.review(field, decision);
        }
        self.count_flips(&conclusion);
        self.base.extend(conclusion.base.clone());
        for (field, pulled) in conclusion.pulls.clone() {
            let origin = Origin::External {
                integration: "pd".parse().expect("an id"),
                author: None,
            };
            let version = self.incident.field_version(&field) + 1;
            let (value, changed_at) = (pulled.value, pulled.changed_at);
            let state = FieldState {
                value,
                version,
                changed_at,
                origin,
            };
            self.incident.fields.insert(field, state);
        }
        for (field, notice) in conclusion.notices.clone() {
            match notice {
                Some(notice) => self.notices.insert(field, notice),
                None => self.notices.remove(&field),
            };
        }
        conclusion
    }
}

impl Link {
    /// What the engine keeps of conflicts (`shared/engine/src/sync/conflicts.rs`).
    fn review(&mut self, field: &Field, decision: &Decision) {
        let about = BasePair::seen(&decision.platform, &decision.external);
        let conflict = match &decision.conflict {
            None | Some(ConflictStep::Record) => return,
            Some(ConflictStep::Queue) => {
                self.queued += 1;
                ConflictId::from_ulid(ulid::Ulid(self.queued))
            }
            Some(ConflictStep::Update { conflict }) => conflict.clone(),
            Some(ConflictStep::CarryOut { .. })
                if self.reviews[field].verdict == Verdict::Ignore =>
            {
                return;
            }
            Some(_) => {
                self.reviews.remove(field);
                return;
            }
        };
        let verdict = Verdict::Pending;
        let review = Review {
            conflict,
            about,
            verdict,
        };
        self.reviews.insert(field.clone(), review);
    }

    fn count_flips(&mut self, conclusion: &Conclusion) {
        for (field, pair) in &conclusion.base {
            let Some(before) = self.base.get(field) else {
                continue;
            };
            if before.platform != pair.platform {
                let known = self.flips.get(field);
                let counted =
                    im_sync::flips::counted(known, before.platform, pair.platform, self.now);
                self.flips.insert(field.clone(), counted);
            }
        }
    }

    /// A person's choice for the queued conflict of a field.
    pub fn choose(&mut self, field: &Field, verdict: Verdict) {
        self.reviews.get_mut(field).expect("queued").verdict = verdict;
    }
}

pub fn in_agreement() -> Link {
    Link::new()
        .platform(Field::Title, "db down", 0)
        .vendor(Field::Title, "db down", 0)
        .platform(Field::Severity, "SEV-1", 0)
        .vendor(Field::Severity, "high", 0)
        .platform(Field::Status, "open", 0)
        .vendor(Field::Status, "triggered", 0)
        .agreed()
}

pub fn push(value: &str) -> Action {
    Action::Push {
        value: ExternalValue::text(value),
    }
}

pub fn pulled(decision: &Decision) -> Option<&str> {
    match &decision.action {
        Action::Pull { value, .. } => value.as_str(),
        _ => None,
    }
}
