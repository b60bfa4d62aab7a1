//! Integrations: create, get, list, change. Credentials go to the vault and never come back.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

use im_model::{
    Activity, ActorId, Brake, ConflictStrategy, Direction, Integration, IntegrationId,
    IntegrationType, Mappings, Mode, OrganizationId, Secret, TaskKind, Triggers,
};
use im_vendors::{Configuration, Credentials, VendorApi, registry};
use jiff::SignedDuration;
use url::Url;

use super::{FieldProblem, ManageError, VendorAccess, rules::refuse_errors};
use crate::{
    StoreError,
    audit::Auditor,
    ports::{Attempt, AuditStore, Clock, Ids, IntegrationStore, TaskStore, Vault},
    sweep::{ask_to_catch_up, ask_to_measure, ask_to_poll},
};

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
    /// How close two people's edits must be to count as a conflict although only one changed since both sides agreed.
    pub conflict_window: SignedDuration,
    /// The most requests that the vendor is sent within a minute; not limited if `None`.
    pub requests_per_minute: Option<NonZeroU32>,
    /// How the vendor's changes come in.
    pub mode: Mode,
    /// When a reconciliation run is taken to be a mistake.
    pub brake: Brake,
    /// What only this vendor has.
    pub options: BTreeMap<String, String>,
}

/// What changes of a [`Brake`]; `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BrakeChange {
    /// The share of the links, in percent.
    pub percent: Option<u8>,
    /// How many are always let through.
    pub at_least: Option<u32>,
}

impl BrakeChange {
    /// The brake with this change.
    pub fn of(self, brake: Brake) -> Brake {
        Brake {
            percent: self.percent.unwrap_or(brake.percent),
            at_least: self.at_least.unwrap_or(brake.at_least),
        }
    }
}

/// A new limit of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestLimit {
    /// So many a minute at most.
    PerMinute(NonZeroU32),
    /// None but the vendor's own.
    Lifted,
}

impl RequestLimit {
    /// How many, if they are limited.
    pub fn per_minute(self) -> Option<NonZeroU32> {
        match self {
            Self::PerMinute(limit) => Some(limit),
            Self::Lifted => None,
        }
    }
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
    /// How close two people's edits must be to count as a conflict although only one changed since both sides agreed.
    pub conflict_window: Option<SignedDuration>,
    /// The most requests that the vendor is sent within a minute.
    pub requests_per_minute: Option<RequestLimit>,
    /// How the vendor's changes come in.
    pub mode: Option<Mode>,
    /// When a reconciliation run is taken to be a mistake.
    pub brake: BrakeChange,
    /// Those that are given replace those of the same name.
    pub options: BTreeMap<String, String>,
    /// The caller has seen this version and wants no other to be changed (`If-Match`).
    pub if_version: Option<u64>,
}

/// The integrations of the platform.
pub struct Integrations {
    /// Where they are.
    pub store: Arc<dyn IntegrationStore>,
    /// Where it is kept who changed what.
    pub audit: Arc<dyn AuditStore>,
    /// Where their credentials are.
    pub vault: Arc<dyn Vault>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Ids of their secrets.
    pub ids: Arc<dyn Ids>,
    /// Where it is asked for that one be brought up to date that works again.
    pub tasks: Arc<dyn TaskStore>,
    /// The way to their vendors.
    pub vendors: Arc<VendorAccess>,
    /// What the ids of their secrets start with, e.g. `im/prod/`.
    pub secret_prefix: String,
}

impl Integrations {
    /// Creates an integration. Its credentials are stored first: an integration without them could not work.
    pub async fn create(
        &self,
        new: NewIntegration,
        actor: &ActorId,
    ) -> Result<Integration, ManageError> {
        let vendor = registry::vendor_api(new.integration_type);
        let given: Vec<_> = new.credentials.keys().map(String::as_str).collect();
        let mut problems = check_names(&vendor.configuration(), &new.options, &given);
        problems.extend(missing(
            &vendor.configuration(),
            &new.options,
            &new.credentials,
        ));
        problems.extend(check_values(vendor, &new.options));
        problems.extend(check_window(new.conflict_window));
        problems.extend(check_brake(new.brake));
        problems.extend(self.vendors.check_address(&new.base_url).await);
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
            paused_because: None,
            strategy: new.strategy,
            conflict_window: new.conflict_window,
            requests_per_minute: new.requests_per_minute,
            mode: new.mode,
            brake: new.brake,
            mappings: Mappings::default(),
            triggers: Triggers::default(),
            options: new.options,
            ownership: vendor.default_ownership(),
            notes_in_since: BTreeMap::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if integration.enabled {
            refuse_errors(&integration, &vendor.usual_rules(&integration))?;
        }
        if self.store.integration(&integration.id).await?.is_some() {
            return Err(ManageError::Exists(format!(
                "integration {}",
                integration.id
            )));
        }
        let auditor = Auditor::new(self.ids.as_ref(), Some(actor), now);
        let audit = auditor.created(&integration, new.credentials.keys());
        self.vault
            .keep(&integration.secret_id, &Credentials(new.credentials))
            .await?;
        // Before it is there: whoever dies in between leaves a task that ends itself.
        ask_to_measure(self.tasks.as_ref(), &integration.id, now).await?;
        if integration.mode == Mode::Polling {
            ask_to_poll(self.tasks.as_ref(), &integration.id, now).await?;
        }
        match self.store.create_integration(&integration, &audit).await? {
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
        actor: &ActorId,
        id: &IntegrationId,
        change: IntegrationChange,
    ) -> Result<Integration, ManageError> {
        let integration = self.get(organization, id).await?;
        let changed_meanwhile = || ManageError::Changed(format!("integration {id}"));
        if change
            .if_version
            .is_some_and(|seen| seen != integration.version)
        {
            return Err(changed_meanwhile());
        }
        let before = integration.clone();
        let vendor = registry::vendor_api(integration.integration_type);
        let mut problems = check_change(&vendor.configuration(), &integration, &change);
        let mut options = integration.options.clone();
        options.extend(change.options.clone());
        problems.extend(check_values(vendor, &options));
        if let Some(base_url) = &change.base_url {
            problems.extend(self.vendors.check_address(base_url).await);
        }
        if !problems.is_empty() {
            return Err(ManageError::Invalid(problems));
        }
        let (is_enabled, credentials) = (change.enabled == Some(true), change.credentials.clone());
        let is_moved = change.base_url.is_some() || !credentials.is_empty();
        let changed = changed(integration, change, self.clock.now());
        if is_enabled {
            // Credentials go to no server that they were not given for, and these are not stored yet.
            let rules = if is_moved {
                vendor.usual_rules(&changed)
            } else {
                self.vendors.rules(&changed).await?.rules
            };
            refuse_errors(&changed, &rules)?;
        }
        if !credentials.is_empty() {
            let kept = self.vault.credentials(&changed.secret_id).await?;
            let mut kept = kept.unwrap_or_default();
            remember_webhook_secret(&mut kept, &credentials);
            let auditor = Auditor::new(self.ids.as_ref(), Some(actor), changed.updated_at);
            let replaced = auditor.replaced(&changed, &kept, credentials.keys());
            self.audit.record(&replaced).await?;
            kept.0.extend(credentials);
            self.vault.keep(&changed.secret_id, &kept).await?;
        }
        match self.put(&before, &changed, actor).await? {
            Attempt::Done => Ok(changed),
            Attempt::LostRace => Err(changed_meanwhile()),
        }
    }

    /// Stores the next version of an integration. One that works again is brought up to date: that is asked for first, so
    /// that nobody who dies between leaves one that works and stays behind. So is polling; whoever polls looks first whether
    /// it is still wanted.
    pub(super) async fn put(
        &self,
        before: &Integration,
        after: &Integration,
        actor: &ActorId,
    ) -> Result<Attempt, StoreError> {
        if after.is_working() && !before.is_working() {
            ask_to_catch_up(self.tasks.as_ref(), &after.id, after.updated_at).await?;
        }
        if after.mode == Mode::Polling && before.mode != Mode::Polling {
            ask_to_poll(self.tasks.as_ref(), &after.id, after.updated_at).await?;
        }
        let auditor = Auditor::new(self.ids.as_ref(), Some(actor), after.updated_at);
        let audit = auditor.changed(before, after);
        let stored = self.store.update_integration(after, &audit).await?;
        if stored == Attempt::Done && after.mode != Mode::Polling && before.mode == Mode::Polling {
            self.tasks.drop_task(TaskKind::Poll, &after.id).await?;
        }
        Ok(stored)
    }
}

/// The next version of an integration.
fn changed(
    integration: Integration,
    change: IntegrationChange,
    now: jiff::Timestamp,
) -> Integration {
    let before = integration.clone();
    let mut options = integration.options;
    options.extend(change.options);
    let mut changed = Integration {
        name: change.name.unwrap_or(integration.name),
        base_url: change.base_url.unwrap_or(integration.base_url),
        direction: change.direction.unwrap_or(integration.direction),
        enabled: change.enabled.unwrap_or(integration.enabled),
        strategy: change.strategy.unwrap_or(integration.strategy),
        conflict_window: change
            .conflict_window
            .unwrap_or(integration.conflict_window),
        requests_per_minute: change
            .requests_per_minute
            .map_or(integration.requests_per_minute, RequestLimit::per_minute),
        mode: change.mode.unwrap_or(integration.mode),
        brake: change.brake.of(integration.brake),
        options,
        version: integration.version + 1,
        updated_at: now,
        ..integration
    };
    changed.note_flows_since(&before, now);
    changed
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
pub(super) fn check_values(
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
    problems.extend(change.conflict_window.and_then(check_window));
    problems.extend(check_brake(change.brake.of(integration.brake)));
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

/// The longest conflict window.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_mins(10);

fn check_window(window: SignedDuration) -> Option<FieldProblem> {
    let is_fine = (SignedDuration::ZERO..=LONGEST_WINDOW).contains(&window);
    (!is_fine).then(|| FieldProblem::new("conflict_window", "must be from 0s to 10m"))
}

fn check_brake(brake: Brake) -> Option<FieldProblem> {
    let (least, most) = (Brake::PERCENT.start(), Brake::PERCENT.end());
    let problem = format!("must be a whole number from {least} to {most}");
    (!Brake::PERCENT.contains(&brake.percent)).then(|| FieldProblem::new("brake.percent", problem))
}

/// Who speaks the API of an integration's vendor.
pub(super) fn vendor_of(integration: &Integration) -> &'static dyn VendorApi {
    registry::vendor_api(integration.integration_type)
}
