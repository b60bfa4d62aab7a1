//! Value tables as people read and write them: what is in force, and what of it differs from the vendor's defaults.

use std::collections::BTreeMap;

use im_model::{FieldMaps, Mappings, Otherwise, Value, ValueTable};

use crate::{FieldRule, LinkRules, ValueMap, ValueType};

impl ValueMap {
    /// The table that is in force, inherited entries included; `None` where no table says what becomes of a value.
    pub fn in_force(&self) -> Option<ValueTable> {
        match self {
            Self::Same(_) | Self::Formed(_) | Self::Typed(_) => None,
            Self::Table { entries, otherwise } => Some(ValueTable {
                values: entries.clone(),
                otherwise: otherwise.clone(),
            }),
            Self::Configured { table, default } => {
                let mut values = match (&table.otherwise, default.in_force()) {
                    (Otherwise::Inherit, Some(inherited)) => inherited.values,
                    _ => BTreeMap::new(),
                };
                for key in table.values.keys() {
                    let to = self.apply(&Value::text(key));
                    let to = to.value().and_then(Value::as_str).unwrap_or_default();
                    values.insert(key.clone(), to.to_owned());
                }
                Some(ValueTable {
                    values,
                    otherwise: table.otherwise.clone(),
                })
            }
        }
    }

    /// The vendor's default, without what an operator lays over it.
    pub fn vendors_default(&self) -> &Self {
        match self {
            Self::Configured { default, .. } => default.vendors_default(),
            other => other,
        }
    }

    /// What an operator lays over the vendor's default.
    pub fn operators_table(&self) -> Option<&ValueTable> {
        match self {
            Self::Configured { table, .. } => Some(table),
            _ => None,
        }
    }

    /// The type of a custom field's values.
    pub(crate) fn value_type(&self) -> Option<ValueType> {
        match self.vendors_default() {
            Self::Typed(value_type) => Some(*value_type),
            _ => None,
        }
    }

    /// What of a table differs from this default; `None` if nothing does: then nothing needs to be stored.
    pub fn difference(&self, table: &ValueTable) -> Option<ValueTable> {
        if table.otherwise != Otherwise::Inherit {
            return (self.in_force().as_ref() != Some(table)).then(|| table.clone());
        }
        let configured = self.clone().configured(table);
        let differs = |key: &String| {
            let value = Value::text(key);
            configured.apply(&value) != self.apply(&value)
        };
        let values = table.values.iter().filter(|(key, _)| differs(key));
        let values: BTreeMap<_, _> = values.map(|(k, v)| (k.clone(), v.clone())).collect();
        (!values.is_empty()).then_some(ValueTable {
            values,
            otherwise: Otherwise::Inherit,
        })
    }
}

impl FieldRule {
    /// The rule as the vendor's defaults have it, with these tables laid over its maps.
    #[must_use]
    pub fn with_tables(&self, maps: &FieldMaps) -> Self {
        let laid_over = |map: &ValueMap, table: Option<&ValueTable>| {
            let default = map.vendors_default().clone();
            match table {
                Some(table) => default.configured(table),
                None => default,
            }
        };
        Self {
            outward: laid_over(&self.outward, maps.outbound.as_ref()),
            inward: laid_over(&self.inward, maps.inbound.as_ref()),
            ..self.clone()
        }
    }

    /// The tables in force.
    pub fn tables(&self) -> FieldMaps {
        FieldMaps {
            outbound: self.outward.in_force(),
            inbound: self.inward.in_force(),
        }
    }

    /// The tables of the vendor's defaults.
    pub fn default_tables(&self) -> FieldMaps {
        FieldMaps {
            outbound: self.outward.vendors_default().in_force(),
            inbound: self.inward.vendors_default().in_force(),
        }
    }

    /// What of these tables differs from the vendor's defaults.
    pub fn difference(&self, maps: &FieldMaps) -> FieldMaps {
        let differing = |map: &ValueMap, table: Option<&ValueTable>| {
            table.and_then(|table| map.vendors_default().difference(table))
        };
        FieldMaps {
            outbound: differing(&self.outward, maps.outbound.as_ref()),
            inbound: differing(&self.inward, maps.inbound.as_ref()),
        }
    }
}

impl LinkRules {
    /// The rules as the vendor's defaults have them, with these tables laid over their maps.
    #[must_use]
    pub fn with_mappings(&self, mappings: &Mappings) -> Self {
        let none = FieldMaps::default();
        let laid_over = |(field, rule): (&im_model::Field, &FieldRule)| {
            let maps = mappings.get(field).unwrap_or(&none);
            (field.clone(), rule.with_tables(maps))
        };
        Self {
            fields: self.fields.iter().map(laid_over).collect(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, TextForm};

    fn table(pairs: &[(&str, &str)], otherwise: Otherwise) -> ValueTable {
        let owned = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        ValueTable {
            values: pairs.iter().map(owned).collect(),
            otherwise,
        }
    }

    fn default() -> ValueMap {
        ValueMap::table([("SEV-1", "high"), ("SEV-2", "low")], Otherwise::Error)
    }

    #[test]
    fn inherited_entries_are_in_force() {
        use Otherwise::{Error, Inherit};
        let one = [("SEV-1", "urgent")];
        let over = |otherwise| default().configured(&table(&one, otherwise)).in_force();
        assert_eq!(over(Error), Some(table(&one, Error)));
        let both = [("SEV-1", "urgent"), ("SEV-2", "low")];
        assert_eq!(over(Inherit), Some(table(&both, Inherit)));
        let trimmed = ValueMap::Same(TextForm::Trimmed);
        assert_eq!(trimmed.in_force(), None);
        let spaced = table(&[("a", " b ")], Inherit);
        let formed = table(&[("a", "b")], Inherit);
        assert_eq!(trimmed.configured(&spaced).in_force(), Some(formed));
    }

    #[test]
    fn what_is_as_the_default_is_not_stored() {
        use Otherwise::{Error, Inherit, LeaveAlone};
        let all = [("SEV-1", "high"), ("SEV-2", "low")];
        let difference = |table| default().difference(&table);
        assert_eq!(difference(table(&all, Error)), None);
        assert_eq!(difference(table(&all, Inherit)), None);
        assert_eq!(difference(table(&[], Inherit)), None);
        for differing in [
            table(&all, LeaveAlone),
            table(&all[..1], Error),
            table(&[], Error),
            table(&[("SEV-3", "low")], Inherit),
        ] {
            assert_eq!(difference(differing.clone()), Some(differing));
        }
        let mixed = table(&[("SEV-1", "high"), ("SEV-2", "high")], Inherit);
        let only = table(&[("SEV-2", "high")], Inherit);
        assert_eq!(difference(mixed), Some(only));
    }

    #[test]
    fn what_is_in_force_is_stored_as_it_was() {
        use Otherwise::{Default, Error, Inherit};
        for stored in [
            table(&[("SEV-1", "urgent")], Inherit),
            table(&[("SEV-3", "high")], Inherit),
            table(&[("SEV-1", "urgent")], Error),
            table(&[("SEV-1", "high")], Default("low".to_owned())),
        ] {
            let shown = default().configured(&stored).in_force();
            let shown = shown.expect("a table");
            assert_eq!(default().difference(&shown), Some(stored));
        }
    }

    #[test]
    fn tables_replace_each_other() {
        let same = ValueMap::Same(TextForm::Exact);
        let rule = FieldRule::new(default(), same, Limit::default());
        let maps = |to| FieldMaps {
            outbound: Some(table(&[("SEV-1", to)], Otherwise::Error)),
            inbound: None,
        };
        let twice = rule.with_tables(&maps("a")).with_tables(&maps("b"));
        assert_eq!(twice.tables(), maps("b"));
        assert_eq!(twice.default_tables(), rule.tables());
        assert_eq!(twice.with_tables(&FieldMaps::default()), rule);
    }
}
