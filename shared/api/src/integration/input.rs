//! What a body may say of an integration.

use std::{collections::BTreeMap, num::NonZeroU32};

use im_engine::manage::{BrakeChange, IntegrationChange, NewIntegration, RequestLimit};
use im_model::{
    Brake, ConflictStrategy, Direction, Integration, IntegrationId, Mode, OrganizationId, Secret,
};
use jiff::SignedDuration;
use url::Url;

use super::{address, output::READ_ONLY, vendor};
use crate::{
    Problem,
    body::{ObjectReader, shortened},
};

/// Every name that the body of a new integration may have: what is fixed later, then what can be changed.
pub(crate) const NAMES: [&str; 14] = {
    let [id, organization, kind] = FIXED;
    let [
        name,
        url,
        credentials,
        direction,
        enabled,
        strategy,
        window,
        requests,
        mode,
        brake,
        options,
    ] = CHANGEABLE;
    [
        id,
        organization,
        kind,
        name,
        url,
        credentials,
        direction,
        enabled,
        strategy,
        window,
        requests,
        mode,
        brake,
        options,
    ]
};

/// What an integration keeps for good.
const FIXED: [&str; 3] = ["id", "organization_id", "integration_type"];

/// What can be changed.
pub(crate) const CHANGEABLE: [&str; 11] = [
    "name",
    "base_url",
    "credentials",
    "sync_direction",
    "enabled",
    "conflict_strategy",
    "conflict_window",
    "requests_per_minute",
    "mode",
    "brake",
    "options",
];

const LONGEST_NAME: usize = 128;
const LONGEST_OPTION: usize = 1024;
const LONGEST_CREDENTIAL: usize = 8192;

/// An integration to be created; its organization is the caller's unless it names another.
pub(super) fn new_integration(
    mut body: ObjectReader,
    organization: &OrganizationId,
    allow_loopback: bool,
) -> Result<NewIntegration, Problem> {
    body.require(&["integration_type", "name", "base_url"]);
    let integration_type = body.parsed("integration_type");
    if let Some(integration_type) = integration_type {
        vendor::check(&mut body, integration_type);
    }
    let given_id = body.has("id");
    let id = body.parsed("id");
    let named = body.parsed("organization_id");
    let change = changed(&mut body, None, allow_loopback);
    let id = match &change.name {
        Some(name) if !given_id => slug_of(&mut body, name),
        _ => id,
    };
    let problems = body.finish(&NAMES, &[(&READ_ONLY, "is read-only")]);
    match (id, integration_type, change.name, change.base_url) {
        (Some(id), Some(integration_type), Some(name), Some(base_url)) if problems.is_empty() => {
            Ok(NewIntegration {
                id,
                organization: named.unwrap_or_else(|| organization.clone()),
                integration_type,
                name,
                base_url,
                credentials: change.credentials,
                direction: change.direction.unwrap_or(Direction::Bidirectional),
                enabled: change.enabled.unwrap_or(true),
                strategy: change.strategy.unwrap_or(ConflictStrategy::LastWriteWins),
                conflict_window: change
                    .conflict_window
                    .unwrap_or(Integration::CONFLICT_WINDOW),
                requests_per_minute: change
                    .requests_per_minute
                    .and_then(RequestLimit::per_minute),
                mode: change.mode.unwrap_or(Mode::Webhook),
                brake: change.brake.of(Brake::default()),
                options: change.options,
            })
        }
        _ => Err(Problem::invalid(problems)),
    }
}

/// What is to change of an integration.
pub(super) fn change(
    mut body: ObjectReader,
    if_version: Option<u64>,
    allow_loopback: bool,
) -> Result<IntegrationChange, Problem> {
    let change = changed(&mut body, if_version, allow_loopback);
    let fixed: [(&[&str], _); 2] = [(&FIXED, "cannot be changed"), (&READ_ONLY, "is read-only")];
    let problems = body.finish(&CHANGEABLE, &fixed);
    if problems.is_empty() {
        Ok(change)
    } else {
        Err(Problem::invalid(problems))
    }
}

fn changed(
    body: &mut ObjectReader,
    if_version: Option<u64>,
    allow_loopback: bool,
) -> IntegrationChange {
    IntegrationChange {
        name: name(body),
        base_url: base_url(body, allow_loopback),
        credentials: credentials(body),
        direction: body.parsed("sync_direction"),
        enabled: body.boolean("enabled"),
        strategy: body.parsed("conflict_strategy"),
        conflict_window: window(body),
        requests_per_minute: requests_per_minute(body),
        mode: body.parsed("mode"),
        brake: brake(body),
        options: body.texts("options", LONGEST_OPTION),
        if_version,
    }
}

/// A length of time as people write it.
fn window(body: &mut ObjectReader) -> Option<SignedDuration> {
    let text = body.text("conflict_window")?;
    let problem = "must be a length of time with its unit, from 0s to 10m, e.g. 5s, 250ms, 1m";
    let window = text.parse::<SignedDuration>();
    window
        .map_err(|_| body.refuse("conflict_window", problem))
        .ok()
}

/// A whole number, or null for no limit.
fn requests_per_minute(body: &mut ObjectReader) -> Option<RequestLimit> {
    const MOST: u32 = 1_000_000;
    const NAME: &str = "requests_per_minute";
    let value = body.take(NAME)?;
    if value.is_null() {
        return Some(RequestLimit::Lifted);
    }
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| *number <= MOST);
    let limit = number.and_then(NonZeroU32::new);
    if limit.is_none() {
        body.refuse(
            NAME,
            format!("must be a whole number from 1 to {MOST}, or null for no limit"),
        );
    }
    limit.map(RequestLimit::PerMinute)
}

/// What the brake may say.
const BRAKE: [&str; 2] = ["percent", "at_least"];

/// Parts of it may be left out.
fn brake(body: &mut ObjectReader) -> BrakeChange {
    let mut given = ObjectReader::new(body.object("brake"));
    let [percent, at_least] = BRAKE;
    let (least, most) = (Brake::PERCENT.start(), Brake::PERCENT.end());
    let change = BrakeChange {
        percent: given.whole(percent, *least, *most),
        at_least: given.whole(at_least, 0, u32::MAX),
    };
    for problem in given.finish(&BRAKE, &[]) {
        body.refuse(format!("brake.{}", problem.field), problem.problem);
    }
    change
}

fn name(body: &mut ObjectReader) -> Option<String> {
    let name = body.text("name")?.trim().to_owned();
    let problem = if name.is_empty() {
        "must not be blank".to_owned()
    } else if name.chars().any(char::is_control) {
        "must be one line without control characters".to_owned()
    } else if name.chars().count() > LONGEST_NAME {
        format!("must be at most {LONGEST_NAME} characters")
    } else {
        return Some(name);
    };
    body.refuse("name", problem);
    None
}

fn base_url(body: &mut ObjectReader, allow_loopback: bool) -> Option<Url> {
    let text = body.text("base_url")?;
    address::base_url(&text, allow_loopback)
        .map_err(|problem| body.refuse("base_url", problem))
        .ok()
}

fn credentials(body: &mut ObjectReader) -> BTreeMap<String, Secret> {
    let given = body.texts("credentials", LONGEST_CREDENTIAL);
    let mut credentials = BTreeMap::new();
    for (name, text) in given {
        if text.is_empty() {
            body.refuse(
                format!("credentials.{}", shortened(&name)),
                "must not be empty",
            );
        } else {
            credentials.insert(name, Secret::new(text));
        }
    }
    credentials
}

/// The id that a name stands for.
fn slug_of(body: &mut ObjectReader, name: &str) -> Option<IntegrationId> {
    let slug = slug(name);
    IntegrationId::parse(&slug)
        .map_err(|_| body.refuse("id", "cannot be made from this name: choose one"))
        .ok()
}

fn slug(name: &str) -> String {
    const MOST: usize = 63;
    let words = name.to_lowercase();
    let words = words.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    slug.truncate(MOST);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for (name, expected) in [
            ("Production PagerDuty", "production-pagerduty"),
            ("  --Prod__SNOW (EU)!", "prod-snow-eu"),
            ("Zürich", "z-rich"),
            ("日本", ""),
        ] {
            assert_eq!(slug(name), expected);
        }
        let long = format!("{} {}", "a".repeat(62), "b".repeat(10));
        assert_eq!(slug(&long), "a".repeat(62), "no dash is left at the cut");
    }
}
