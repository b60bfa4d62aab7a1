//! Integrations: create, get, list, change. Credentials go to the vault and never come back.

use std::{collections::BTreeMap, sync::Arc};

use im_model::{
    Activity, ConflictStrategy, Direction, Integration, IntegrationId, IntegrationType, Mappings,
    OrganizationId, Secret, Triggers,
};
use im_vendors::{Configuration, Credentials, VendorApi, registry};
use url::Url;

use super::{FieldProblem, ManageError};
use crate::ports::{Attempt, Clock, Ids, IntegrationStore, Vault};

/// What a new integration is made from; each part was parsed already.
#[derive(Debug, Clone)]
pub struct NewIntegration {
    /// Its id.
    pub id: IntegrationId,
    /// Its tenant.
    pub organization: OrganizationId,
    /// Which vendor.
    pub integration_type: IntegrationType,
    /// What people call it.
    pub name: String,
    /// Where the vendor's API is.
    pub base_url: Url,
    /// Who we are there.
    pub credentials: BTreeMap<String, Secret>,
    /// Which way changes may flow.
    pub direction: Direction,
    /// Whether it is in use.
    pub enabled: bool,
    /// Who wins when both sides changed.
    pub strategy: ConflictStrategy,
    /// What only this vendor has.
    pub options: BTreeMap<String, String>,
}

/// What changes of an integration; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct IntegrationChange {
    /// What people call it.
    pub name: Option<String>,
    /// Where the vendor's API is.
    pub base_url: Option<Url>,
    /// Those that are given replace those of the same name.
    pub credentials: BTreeMap<String, Secret>,
    /// Which way changes may flow.
    pub direction: Option<Direction>,
    /// Whether it is in use.
    pub enabled: Option<bool>,
    /// Who wins when both sides changed.
    pub strategy: Option<ConflictStrategy>,
    /// Those that are given replace those of the same name.
    pub options: BTreeMap<String, String>,
    /// The caller has seen this version and wants no other to be changed (`If-Match`).
    pub if_version: Option<u64>,
}

/// The integrations of the platform.
pub struct Integrations {
    /// Where they are.
    pub store: Arc<dyn IntegrationStore>,
    /// Where their credentials are.
    pub vault: Arc<dyn Vault>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Ids of their secrets.
    pub ids: Arc<dyn Ids>,
    /// What the ids of their secrets start with, e.g. `im/prod/`.
    pub secret_prefix: String,
}

impl Integrations {
    /// Creates an integration. Its credentials are stored first: an integration without them could not work.
    pub async fn create(&self, new: NewIntegration) -> Result<Integration, ManageError> {
        let vendor = registry::vendor_api(new.integration_type);
        let given: Vec<_> = new.credentials.keys().map(String::as_str).collect();
        let mut problems = check_names(&vendor.configuration(), &new.options, &given);
        problems.extend(missing(
            &vendor.configuration(),
            &new.options,
            &new.credentials,
        ));
        problems.extend(check_values(vendor, &new.options));
        if !problems.is_empty() {
            return Err(ManageError::Invalid(problems));
        }
        let now = self.clock.now();
        let integration = Integration {
            // A secret of its own for each creation: of two at once, the loser must not overwrite the winner's.
            secret_id: format!(
                "{}integration/{}/{}",
                self.secret_prefix,
                new.id,
                self.ids.ulid(now)
            ),
            id: new.id,
            organization: new.organization,
            integration_type: new.integration_type,
            name: new.name,
            base_url: new.base_url,
            direction: new.direction,
            enabled: new.enabled,
            activity: Activity::Active,
            strategy: new.strategy,
            conflict_window: Integration::CONFLICT_WINDOW,
            mappings: Mappings::default(),
            triggers: Triggers::default(),
            options: new.options,
            ownership: vendor.default_ownership(),
            notes_in_since: BTreeMap::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if self.store.integration(&integration.id).await?.is_some() {
            return Err(ManageError::Exists(format!(
                "integration {}",
                integration.id
            )));
        }
        self.vault
            .keep(&integration.secret_id, &Credentials(new.credentials))
            .await?;
        match self.store.create_integration(&integration).await? {
            Attempt::Done => Ok(integration),
            Attempt::LostRace => {
                self.vault.forget(&integration.secret_id).await?;
                let taken = format!("integration {}", integration.id);
                Err(ManageError::Exists(taken))
            }
        }
    }

    /// One integration of an organization.
    pub async fn get(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<Integration, ManageError> {
        let found = self.store.integration(id).await?;
        found
            .filter(|integration| integration.organization == *organization)
            .ok_or_else(|| ManageError::NotFound(format!("integration {id}")))
    }

    /// The integrations of an organization, by id.
    pub async fn list(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<Integration>, ManageError> {
        let mut all = self.store.integrations_of(organization).await?;
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// Changes an integration.
    pub async fn change(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        change: IntegrationChange,
    ) -> Result<Integration, ManageError> {
        let mut integration = self.get(organization, id).await?;
        let changed_meanwhile = || ManageError::Changed(format!("integration {id}"));
        if change
            .if_version
            .is_some_and(|seen| seen != integration.version)
        {
            return Err(changed_meanwhile());
        }
        let vendor = registry::vendor_api(integration.integration_type);
        let mut problems = check_change(&vendor.configuration(), &integration, &change);
        let mut options = integration.options.clone();
        options.extend(change.options.clone());
        problems.extend(check_values(vendor, &options));
        if !problems.is_empty() {
            return Err(ManageError::Invalid(problems));
        }
        if !change.credentials.is_empty() {
            let kept = self.vault.credentials(&integration.secret_id).await?;
            let mut credentials = kept.unwrap_or_default();
            remember_webhook_secret(&mut credentials, &change.credentials);
            credentials.0.extend(change.credentials);
            self.vault
                .keep(&integration.secret_id, &credentials)
                .await?;
        }
        let before = integration.clone();
        integration.name = change.name.unwrap_or(integration.name);
        integration.base_url = change.base_url.unwrap_or(integration.base_url);
        integration.direction = change.direction.unwrap_or(integration.direction);
        integration.enabled = change.enabled.unwrap_or(integration.enabled);
        integration.strategy = change.strategy.unwrap_or(integration.strategy);
        integration.options.extend(change.options);
        integration.version += 1;
        integration.updated_at = self.clock.now();
        integration.note_flows_since(&before, integration.updated_at);
        match self.store.update_integration(&integration).await? {
            Attempt::Done => Ok(integration),
            Attempt::LostRace => Err(changed_meanwhile()),
        }
    }
}

/// A rotation: until the vendor signs with the new secret, the one before is accepted too.
fn remember_webhook_secret(kept: &mut Credentials, change: &BTreeMap<String, Secret>) {
    if let (Some(new), Some(before)) = (
        change.get("webhook_secret"),
        kept.0.get("webhook_secret").cloned(),
    ) && *new != before
    {
        kept.0.insert("previous_webhook_secret".to_owned(), before);
    }
}

fn check_names(
    configuration: &Configuration,
    options: &BTreeMap<String, String>,
    credentials: &[&str],
) -> Vec<FieldProblem> {
    let unknown = |group: &str, name: &str, known: &[&str]| {
        let problem = format!(
            "unknown; expected one of {}",
            Configuration::names_of(known)
        );
        (!known.contains(&name)).then(|| FieldProblem::new(format!("{group}.{name}"), problem))
    };
    let options = options
        .keys()
        .filter(|name| !configuration.knows_option(name))
        .filter_map(|name| unknown("options", name, configuration.options));
    let credentials = credentials
        .iter()
        .filter_map(|name| unknown("credentials", name, configuration.credentials));
    options.chain(credentials).collect()
}

/// What is wrong with options as they will be together.
fn check_values(
    vendor: &dyn VendorApi,
    options: &BTreeMap<String, String>,
) -> impl Iterator<Item = FieldProblem> {
    let problems = vendor.check_options(options).into_iter();
    problems.map(|(name, problem)| FieldProblem::new(format!("options.{name}"), problem))
}

fn check_change(
    configuration: &Configuration,
    integration: &Integration,
    change: &IntegrationChange,
) -> Vec<FieldProblem> {
    let given: Vec<_> = change.credentials.keys().map(String::as_str).collect();
    let mut problems = check_names(configuration, &change.options, &given);
    let emptied = configuration
        .required_options
        .iter()
        .filter(|name| change.options.get(**name).is_some_and(String::is_empty));
    problems
        .extend(emptied.map(|name| FieldProblem::new(format!("options.{name}"), "is required")));
    let emptied = change.credentials.iter().filter(|(name, secret)| {
        secret.is_empty() && configuration.required_credentials.contains(&name.as_str())
    });
    problems.extend(
        emptied.map(|(name, _)| FieldProblem::new(format!("credentials.{name}"), "is required")),
    );
    let moves = change
        .base_url
        .as_ref()
        .is_some_and(|url| url.origin() != integration.base_url.origin());
    if moves && !configuration.has_login(|name| change.credentials.contains_key(name)) {
        // Else whoever may change the address could have the credentials sent to a server of their own.
        let problem = format!(
            "another server needs the credentials again: {}",
            configuration.logins_in_words()
        );
        problems.push(FieldProblem::new("base_url", problem));
    }
    problems
}

fn missing(
    configuration: &Configuration,
    options: &BTreeMap<String, String>,
    credentials: &BTreeMap<String, Secret>,
) -> Vec<FieldProblem> {
    let required = |field: String| FieldProblem::new(field, "is required");
    let options = configuration
        .required_options
        .iter()
        .filter(|name| options.get(**name).is_none_or(String::is_empty))
        .map(|name| required(format!("options.{name}")));
    let is_given = |name: &str| {
        credentials
            .get(name)
            .is_some_and(|secret| !secret.is_empty())
    };
    let credentials = configuration.missing_credentials(is_given).into_iter();
    let credentials = credentials
        .map(|(name, problem)| FieldProblem::new(format!("credentials.{name}"), problem));
    options.chain(credentials).collect()
}
