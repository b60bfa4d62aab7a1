//! The policy: Rego, evaluated in this process. `infra/policies/README.md` says what it is asked.

use std::sync::Arc;

use im_model::IntegrationId;
use regorus::{CompiledPolicy, Engine, Value};
use serde::{Deserialize, Serialize};

use super::{Action, Denied, Resource, Which};
use crate::caller::Caller;

/// Decides who may do what.
#[derive(Clone)]
pub struct Policy {
    compiled: CompiledPolicy,
}

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy cannot be used: {0}")]
pub struct PolicyError(String);

/// What a policy is asked.
#[derive(Serialize)]
struct Input<'a> {
    caller: InputCaller<'a>,
    action: &'static str,
    resource: InputResource<'a>,
}

#[derive(Serialize)]
struct InputCaller<'a> {
    subject: &'a str,
    organization: &'a str,
    roles: Vec<&'a str>,
    scopes: Vec<&'a str>,
}

#[derive(Serialize)]
struct InputResource<'a> {
    kind: &'static str,
    organization: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<&'a str>,
}

/// What a policy answers.
#[derive(Deserialize)]
struct Decision {
    allow: bool,
    #[serde(default)]
    reason: String,
}

impl Policy {
    /// The rule that is asked for.
    pub const DECISION: &'static str = "data.im.authz.decision";

    const BUILT_IN: (&'static str, &'static str) = (
        "authz.rego",
        include_str!("../../../../infra/policies/authz.rego"),
    );

    /// The policy of `infra/policies`.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "its text is a constant, and a test compiles it"
    )]
    pub fn built_in() -> Self {
        let (name, text) = Self::BUILT_IN;
        let files = [(name.to_owned(), text.to_owned())];
        Self::parse(files, None).expect("the built-in policy compiles")
    }

    /// A policy of these files, each with its name, and of a JSON object that it finds as `data`.
    pub fn parse(
        files: impl IntoIterator<Item = (String, String)>,
        data: Option<&str>,
    ) -> Result<Self, PolicyError> {
        let unusable =
            |what: &str, error: &dyn std::fmt::Display| PolicyError(format!("{what}: {error}"));
        let mut engine = Engine::new();
        for (name, text) in files {
            let added = engine.add_policy(name.clone(), text);
            added.map_err(|error| unusable(&name, &error))?;
        }
        if let Some(data) = data {
            let added = engine.add_data_json(data);
            added.map_err(|error| unusable("data.json", &error))?;
        }
        let compiled = engine
            .compile_with_entrypoint(&Arc::from(Self::DECISION))
            .map_err(|error| unusable(Self::DECISION, &error))?;
        let policy = Self { compiled };
        policy.check()?;
        Ok(policy)
    }

    /// A policy that gives no decision at all is a mistake that should be told of before somebody is locked out.
    fn check(&self) -> Result<(), PolicyError> {
        let nobody = Input {
            caller: InputCaller {
                subject: "nobody",
                organization: "none",
                roles: Vec::new(),
                scopes: Vec::new(),
            },
            action: Action::ReadSyncStatus.as_str(),
            resource: InputResource {
                kind: "any",
                organization: "none",
                integration: None,
                assigned_to: None,
            },
        };
        match self.decide(&nobody) {
            Ok(Decision { allow: false, .. }) => Ok(()),
            Ok(_) => Err(PolicyError("it allows a caller without a role".to_owned())),
            Err(reason) => Err(PolicyError(reason)),
        }
    }

    /// May the caller do this? Whatever the policy says, nobody acts in another organization. Without a decision nobody may
    /// do anything.
    pub fn may(
        &self,
        caller: &Caller,
        action: Action,
        resource: Resource<'_>,
    ) -> Result<(), Denied> {
        if *resource.organization != caller.organization {
            let reason = format!("the token is for organization {}", caller.organization);
            return Err(Denied(reason));
        }
        match self.decide(&input(caller, action, resource)) {
            Ok(Decision { allow: true, .. }) => Ok(()),
            Ok(Decision { reason, .. }) if reason.is_empty() => {
                Err(Denied(format!("the policy does not allow {action}")))
            }
            Ok(Decision { reason, .. }) => Err(Denied(reason)),
            Err(reason) => {
                tracing::error!(%action, reason, "the policy gave no decision");
                Err(Denied(format!(
                    "the policy gave no decision on {action}: its log says why"
                )))
            }
        }
    }

    fn decide(&self, input: &Input<'_>) -> Result<Decision, String> {
        let no_decision = |error: &dyn std::fmt::Display| format!("{}: {error}", Self::DECISION);
        let input = serde_json::to_string(input).map_err(|error| no_decision(&error))?;
        let input = Value::from_json_str(&input).map_err(|error| no_decision(&error))?;
        let answer = self.compiled.eval_with_input(input);
        let answer = answer.map_err(|error| no_decision(&error))?;
        let answer = answer.to_json_str().map_err(|error| no_decision(&error))?;
        serde_json::from_str(&answer).map_err(|_| {
            no_decision(&"must be an object with `allow`, true or false, and `reason`, a text")
        })
    }
}

fn input<'a>(caller: &'a Caller, action: Action, resource: Resource<'a>) -> Input<'a> {
    let (kind, integration, assigned_to) = match resource.which {
        Which::Any => ("any", None, None),
        Which::Incident { assigned_to } => ("incident", None, assigned_to),
        Which::Integration(id) => ("integration", Some(id), None),
        Which::Conflict {
            integration,
            assigned_to,
        } => ("conflict", Some(integration), assigned_to),
    };
    Input {
        caller: InputCaller {
            subject: caller.subject.as_str(),
            organization: caller.organization.as_str(),
            roles: caller.roles.iter().map(String::as_str).collect(),
            scopes: caller.scopes.iter().map(String::as_str).collect(),
        },
        action: action.as_str(),
        resource: InputResource {
            kind,
            organization: resource.organization.as_str(),
            integration: integration.map(IntegrationId::as_str),
            assigned_to,
        },
    }
}

#[cfg(test)]
mod tests;
