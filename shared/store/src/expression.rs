//! Update expressions, with every name and value a placeholder.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

/// Collects the parts of one conditional update.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expression {
    wakes: bool,
    set: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// A placeholder for a path such as `["links", "prod-snow", "n"]`.
    pub(crate) fn path(&mut self, parts: &[&str]) -> String {
        let placeholders: Vec<_> = parts.iter().map(|part| self.name(part)).collect();
        placeholders.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    /// A placeholder for a value.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> Result<String, serde_dynamo::Error> {
        let value = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)?;
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        Ok(placeholder)
    }

    pub(crate) fn set(
        &mut self,
        path: &[&str],
        value: &impl Serialize,
    ) -> Result<(), serde_dynamo::Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.set.push(format!("{path} = {value}"));
        Ok(())
    }

    /// Sets a path to a term, e.g. `#n0 + :v0`.
    pub(crate) fn set_to(&mut self, path: &[&str], term: &str) {
        let path = self.path(path);
        self.set.push(format!("{path} = {term}"));
    }

    /// A function is woken by it.
    pub(crate) fn wake(&mut self) {
        self.wakes = true;
    }

    pub(crate) fn wakes(&self) -> bool {
        self.wakes
    }

    pub(crate) fn remove(&mut self, path: &[&str]) {
        let path = self.path(path);
        self.remove.push(path);
    }

    pub(crate) fn require(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    pub(crate) fn require_equal(
        &mut self,
        path: &[&str],
        value: &impl Serialize,
    ) -> Result<(), serde_dynamo::Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.conditions.push(format!("{path} = {value}"));
        Ok(())
    }

    pub(crate) fn require_absent(&mut self, path: &[&str]) {
        let path = self.path(path);
        self.conditions
            .push(format!("attribute_not_exists({path})"));
    }

    pub(crate) fn update(&self) -> String {
        let mut update = String::new();
        if !self.set.is_empty() {
            update = format!("SET {}", self.set.join(", "));
        }
        if !self.remove.is_empty() {
            update = format!("{update} REMOVE {}", self.remove.join(", "));
        }
        update.trim().to_owned()
    }

    pub(crate) fn condition(&self) -> String {
        self.conditions.join(" AND ")
    }

    pub(crate) fn names(&self) -> HashMap<String, String> {
        self.names.clone()
    }

    /// `None` where there are none: DynamoDB refuses an empty map.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}
