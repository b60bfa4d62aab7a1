//! Value maps and mapped custom fields, as one document.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{Field, FieldMaps, Integration, IntegrationId, Mappings, OrganizationId, Ownable};
use im_sync::{LinkRules, prove::check_tables};

use super::{ChangedRules, Rules, named};
use crate::manage::{
    FieldProblem, KnownRules, ManageError, VendorAccess,
    integrations::{check_values, vendor_of},
};

/// Options with this prefix map custom fields.
const CUSTOM: &str = "custom.";

/// What the mappings are to be. A table that is left out is as the vendor's defaults say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewMappings {
    /// Mapped custom fields, `custom.<name>` → `<vendor's field>[:<type>]`; `None` leaves them as they are.
    pub fields: Option<BTreeMap<String, String>>,
    /// Tables by field, as a person calls it.
    pub values: BTreeMap<String, FieldMaps>,
}

/// The mappings of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingsDocument {
    /// Of which version of the integration.
    pub version: u64,
    /// Mapped custom fields.
    pub fields: BTreeMap<String, String>,
    /// The tables in force, of every field that has one.
    pub values: Mappings,
    /// Those that differ from the vendor's defaults, e.g. `severity.outbound`.
    pub configured: Vec<String>,
    /// What the vendor's defaults are where the tables in force differ from them.
    pub defaults: Mappings,
    /// What the reader should know of how it was found.
    pub notes: Vec<String>,
}

impl Rules {
    /// The mappings of an integration.
    pub async fn mappings(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<MappingsDocument, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let known = self.integrations.vendors.rules(&integration).await?;
        Ok(MappingsDocument::of(&integration, known))
    }

    /// What a change would make of the mappings, without making it.
    ///
    /// # Errors
    /// As [`Rules::change`].
    pub async fn rehearsed(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        new: &NewMappings,
    ) -> Result<MappingsDocument, ManageError> {
        let present = self.integrations.get(organization, id).await?;
        let change = super::RuleChange::Map(new.clone());
        let changed = self.changed(&present, &change).await?;
        self.document(changed).await
    }

    /// The mappings of an integration that was just changed.
    pub async fn document(&self, changed: ChangedRules) -> Result<MappingsDocument, ManageError> {
        let ChangedRules { integration, known } = changed;
        let known = match known {
            Some(known) => known,
            None => self.integrations.vendors.rules(&integration).await?,
        };
        Ok(MappingsDocument::of(&integration, known))
    }
}

impl MappingsDocument {
    fn of(integration: &Integration, known: KnownRules) -> Self {
        let mut document = Self {
            version: integration.version,
            fields: custom_fields(integration),
            values: Mappings::new(),
            configured: Vec::new(),
            defaults: Mappings::new(),
            notes: known.note.into_iter().collect(),
        };
        for (field, rule) in &known.rules.fields {
            let tables = rule.tables();
            if tables != FieldMaps::default() {
                document.values.insert(field.clone(), tables);
            }
            let mut defaults = rule.default_tables();
            for (map, direction, default) in [
                (&rule.outward, "outbound", &mut defaults.outbound),
                (&rule.inward, "inbound", &mut defaults.inbound),
            ] {
                if map.operators_table().is_some() {
                    document.configured.push(format!("{field}.{direction}"));
                } else {
                    *default = None;
                }
            }
            if defaults != FieldMaps::default() {
                document.defaults.insert(field.clone(), defaults);
            }
        }
        document
    }
}

fn custom_fields(integration: &Integration) -> BTreeMap<String, String> {
    let options = integration.options.iter();
    let mapped = options.filter(|(name, value)| name.starts_with(CUSTOM) && !value.is_empty());
    mapped.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The integration with these mappings.
pub(super) async fn map(
    present: &Integration,
    new: &NewMappings,
    vendors: &VendorAccess,
) -> Result<ChangedRules, ManageError> {
    let mut changed = present.clone();
    if let Some(fields) = new
        .fields
        .as_ref()
        .filter(|fields| **fields != custom_fields(present))
    {
        changed.options.retain(|name, _| !name.starts_with(CUSTOM));
        changed.options.extend(fields.clone());
        let problems = check_fields(present, &changed, fields);
        if !problems.is_empty() {
            return Err(ManageError::Invalid(problems));
        }
    }
    // The defaults: whatever is laid over them now is to be replaced.
    changed.mappings.clear();
    let known = vendors.rules(&changed).await?;
    let (tables, mut problems) = by_field(&changed, &known.rules, &new.values);
    for (field, (name, maps)) in &tables {
        let Some(rule) = known.rules.fields.get(field) else {
            continue;
        };
        problems.extend(check_tables(field, rule, maps).into_iter().map(|problem| {
            let at = format!("values.{name}.{}", problem.path);
            FieldProblem::new(at.trim_end_matches('.'), problem.problem)
        }));
        let difference = rule.difference(maps);
        if difference != FieldMaps::default() {
            changed.mappings.insert(field.clone(), difference);
        }
    }
    if problems.is_empty() {
        let known = KnownRules {
            rules: known.rules.with_mappings(&changed.mappings),
            ..known
        };
        Ok(ChangedRules {
            integration: changed,
            known: Some(known),
        })
    } else {
        Err(ManageError::Invalid(problems))
    }
}

fn check_fields(
    present: &Integration,
    changed: &Integration,
    fields: &BTreeMap<String, String>,
) -> Vec<FieldProblem> {
    let vendor = vendor_of(present);
    let configuration = vendor.configuration();
    let mut problems: Vec<_> = fields
        .keys()
        .filter(|name| !name.starts_with(CUSTOM) || !configuration.knows_option(name))
        .map(|name| {
            let problem = if configuration.options.contains(&CUSTOM) {
                "must be custom.<name>".to_owned()
            } else {
                format!("{} has no custom fields to map", present.integration_type)
            };
            FieldProblem::new(format!("fields.{name}"), problem)
        })
        .collect();
    problems.extend(check_values(vendor, &changed.options).map(|problem| {
        let name = problem.field.strip_prefix("options.");
        match name.filter(|name| fields.contains_key(*name)) {
            Some(name) => FieldProblem::new(format!("fields.{name}"), problem.problem),
            None => problem,
        }
    }));
    let mut once: BTreeSet<_> = problems
        .iter()
        .map(|problem| problem.field.clone())
        .collect();
    problems.retain(|problem| once.remove(&problem.field));
    problems
}

type ByField<'a> = BTreeMap<Field, (&'a str, &'a FieldMaps)>;

/// The tables by the fields that their names mean, and what is wrong with the names.
fn by_field<'a>(
    integration: &Integration,
    rules: &LinkRules,
    values: &'a BTreeMap<String, FieldMaps>,
) -> (ByField<'a>, Vec<FieldProblem>) {
    let (mut tables, mut problems) = (ByField::new(), Vec::new());
    for (name, maps) in values {
        let mut refuse = |problem: String| {
            problems.push(FieldProblem::new(format!("values.{name}"), problem));
        };
        match named(integration, name) {
            Ok(Ownable::Field(field)) if rules.fields.contains_key(&field) => {
                if let Some((other, _)) = tables.insert(field.clone(), (name.as_str(), maps)) {
                    refuse(format!("is {field}, as {other} is"));
                }
            }
            Ok(_) | Err(_) => {
                let mapped: Vec<_> = rules.fields.keys().map(Field::name).collect();
                refuse(format!(
                    "unknown, or not mapped; expected one of {}",
                    mapped.join(", ")
                ));
            }
        }
    }
    (tables, problems)
}
