//! `im integration configure`: creates an integration or changes it.

use im_model::{IntegrationId, OrganizationId};
use serde_json::{Map, Value, json};

use super::{PATH, describe, find, id_of};
use crate::{
    cli::{Configure, CredentialFlags, Format, RequestsPerMinute},
    client::Client,
    failure::{Failed, UsageError},
    output::{Console, cell, one_line},
    secret_input::{Origin, Provided, SecretFlag, SecretInput},
};

/// A credential that the API knows.
struct Credential {
    /// Its name in the API.
    name: &'static str,
    flag: &'static str,
    variable: &'static str,
    /// Which vendor has it; every vendor if `None`.
    vendor: Option<&'static str>,
    /// Whether somebody who sees it can do harm.
    is_secret: bool,
    given: fn(&CredentialFlags) -> Option<&SecretFlag>,
}

#[rustfmt::skip]
const CREDENTIALS: [Credential; 11] = [
    Credential { name: "username", flag: "--username", variable: "IM_USERNAME", vendor: Some("servicenow"), is_secret: false, given: |f| f.username.as_ref() },
    Credential { name: "password", flag: "--password", variable: "IM_PASSWORD", vendor: Some("servicenow"), is_secret: true, given: |f| f.password.as_ref() },
    Credential { name: "email", flag: "--email", variable: "IM_EMAIL", vendor: Some("jira"), is_secret: false, given: |f| f.email.as_ref() },
    Credential { name: "api_key", flag: "--api-key", variable: "IM_API_KEY", vendor: Some("jira"), is_secret: true, given: |f| f.api_key.as_ref() },
    Credential { name: "access_token", flag: "--access-token", variable: "IM_ACCESS_TOKEN", vendor: Some("jira"), is_secret: true, given: |f| f.access_token.as_ref() },
    Credential { name: "client_key", flag: "--client-key", variable: "IM_CLIENT_KEY", vendor: Some("jira"), is_secret: false, given: |f| f.client_key.as_ref() },
    Credential { name: "client_id", flag: "--client-id", variable: "IM_CLIENT_ID", vendor: Some("servicenow"), is_secret: false, given: |f| f.client_id.as_ref() },
    Credential { name: "client_secret", flag: "--client-secret", variable: "IM_CLIENT_SECRET", vendor: Some("servicenow"), is_secret: true, given: |f| f.client_secret.as_ref() },
    Credential { name: "token", flag: "--token", variable: "IM_VENDOR_TOKEN", vendor: Some("pagerduty"), is_secret: true, given: |f| f.token.as_ref() },
    Credential { name: "from_email", flag: "--from-email", variable: "IM_FROM_EMAIL", vendor: Some("pagerduty"), is_secret: false, given: |f| f.from_email.as_ref() },
    Credential { name: "webhook_secret", flag: "--webhook-secret", variable: "IM_WEBHOOK_SECRET", vendor: None, is_secret: true, given: |f| f.webhook_secret.as_ref() },
];

/// Functions keep what they have read of an integration for so long.
const TAKES_EFFECT: &str = "the functions act by it after 10 s at most";

type Credentials = Vec<(&'static Credential, Provided)>;

/// Runs the command.
pub async fn run(
    args: &Configure,
    client: &Client,
    secrets: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let mut credentials = read_credentials(&args.credentials, secrets)?;
    let existing = find(client, &args.integration).await?;
    let vendor = existing
        .as_ref()
        .and_then(|existing| existing["integration_type"].as_str());
    let vendor = vendor
        .or(args.integration_type.as_deref())
        .map(str::to_owned);
    keep_those_of(vendor.as_deref(), &mut credentials);
    let integration = match &existing {
        Some(existing) => change(args, existing, &credentials, client).await?,
        None => client.post(&[PATH], &creation(args, &credentials)?).await?,
    };
    tell_about(&credentials, console)?;
    console.result(&integration, describe)?;
    let new_secret = credentials
        .iter()
        .any(|(credential, _)| credential.name == "webhook_secret");
    let is_news = existing.is_none() || new_secret || !args.options.is_empty();
    if console.format == Format::Table && existing.is_some() {
        console.note(TAKES_EFFECT)?;
    }
    if console.format == Format::Table && is_news {
        let steps = at_the_vendor(&integration);
        console.out.write_all(steps.as_bytes())?;
    }
    Ok(console.out.flush()?)
}

/// What is left to do at the vendor; empty if there is nothing to tell.
fn at_the_vendor(integration: &Value) -> String {
    let steps = integration["setup_steps"].as_array().into_iter().flatten();
    let lines = |step: &str| {
        step.lines()
            .map(one_line)
            .collect::<Vec<_>>()
            .join("\n     ")
    };
    let steps: Vec<_> = steps.filter_map(Value::as_str).map(lines).collect();
    if steps.is_empty() {
        return String::new();
    }
    let numbered = (1..)
        .zip(&steps)
        .map(|(n, step)| format!("{n:>3}. {step}\n"));
    let last = format!(
        "Then see whether it works: im integration test {}\n",
        cell(integration, "id")
    );
    format!(
        "\nTo let the vendor send its changes, set up there:\n{}{last}",
        numbered.collect::<String>()
    )
}

fn read_credentials(
    flags: &CredentialFlags,
    secrets: &mut SecretInput<'_>,
) -> anyhow::Result<Credentials> {
    let mut credentials = Vec::new();
    for credential in &CREDENTIALS {
        let provided = secrets.read(
            credential.flag,
            (credential.given)(flags),
            credential.variable,
        )?;
        credentials.extend(provided.map(|provided| (credential, provided)));
    }
    Ok(credentials)
}

/// Drops what the environment holds for another vendor. A flag stays: the API says that it does not belong there.
fn keep_those_of(vendor: Option<&str>, credentials: &mut Credentials) {
    credentials.retain(|(credential, provided)| {
        provided.origin != Origin::Environment
            || credential.vendor.is_none_or(|owner| vendor == Some(owner))
    });
}

/// Says, never showing any, which credentials came from where it is easily overlooked or kept too long.
fn tell_about(credentials: &Credentials, console: &mut Console<'_>) -> anyhow::Result<()> {
    let list = |of: &dyn Fn(&Credential, &Provided) -> Option<&'static str>| {
        let names = credentials
            .iter()
            .filter_map(|(credential, provided)| of(credential, provided));
        names.collect::<Vec<_>>().join(", ")
    };
    let environment = list(&|credential, provided| {
        (provided.origin == Origin::Environment).then_some(credential.variable)
    });
    if !environment.is_empty() {
        console.note(&format!(
            "credentials taken from the environment: {environment}"
        ))?;
    }
    let flags = list(&|credential, provided| {
        (provided.origin == Origin::Flag && credential.is_secret).then_some(credential.flag)
    });
    if !flags.is_empty() {
        console.note(&format!(
            "{flags} may be in your shell's history now; `-` reads a secret from standard input"
        ))?;
    }
    Ok(())
}

fn creation(args: &Configure, credentials: &Credentials) -> anyhow::Result<Value> {
    let Some(integration_type) = &args.integration_type else {
        let problem = format!("there is no integration {:?}", args.integration);
        let hint = "give --type to create it; `im integration list` shows what there is";
        return Err(Failed::new(problem, hint).into());
    };
    let mut body = given(args, credentials);
    let mut or_else = |member: &str, default: Value| {
        body.entry(member).or_insert(default);
    };
    or_else("name", json!(args.integration));
    or_else("integration_type", json!(integration_type));
    if let Some(org) = &args.org {
        or_else("organization_id", json!(org.as_str()));
    }
    match IntegrationId::parse(&args.integration) {
        Ok(id) => or_else("id", json!(id.as_str())),
        // It is a display name; the API makes an id of it.
        Err(_) if args.name.is_none() => {}
        Err(error) => return Err(UsageError(error.to_string()).into()),
    }
    Ok(Value::Object(body))
}

async fn change(
    args: &Configure,
    existing: &Value,
    credentials: &Credentials,
    client: &Client,
) -> anyhow::Result<Value> {
    let id = id_of(existing, client)?;
    let fixed = [
        (
            "integration_type",
            "--type",
            args.integration_type.as_deref(),
        ),
        (
            "organization_id",
            "--org",
            args.org.as_ref().map(OrganizationId::as_str),
        ),
    ];
    for (member, flag, wanted) in fixed {
        let Some(wanted) = wanted.filter(|wanted| existing[member] != *wanted) else {
            continue;
        };
        let is = existing[member].as_str().unwrap_or_default();
        let problem =
            format!("integration {id} exists with {flag} {is}, which cannot become {wanted}");
        return Err(Failed::new(problem, format!("leave {flag} out, or choose another id")).into());
    }
    let body = given(args, credentials);
    if body.is_empty() {
        return Err(UsageError(format!("nothing to change of integration {id}")).into());
    }
    Ok(client
        .patch(&[PATH, id], &Value::Object(body), None)
        .await?)
}

/// What flags, standard input and environment give, as the API names it.
fn given(args: &Configure, credentials: &Credentials) -> Map<String, Value> {
    let mut body = Map::new();
    let texts = [
        ("name", &args.name),
        ("base_url", &args.base_url),
        ("sync_direction", &args.direction),
        ("conflict_strategy", &args.conflict_strategy),
        ("conflict_window", &args.conflict_window),
        ("mode", &args.mode),
    ];
    for (member, value) in texts {
        body.extend(
            value
                .as_ref()
                .map(|value| (member.to_owned(), json!(value))),
        );
    }
    body.extend(
        args.enabled
            .map(|enabled| ("enabled".to_owned(), json!(enabled))),
    );
    if let Some(RequestsPerMinute(limit)) = args.requests_per_minute {
        body.insert("requests_per_minute".to_owned(), json!(limit));
    }
    let brake = [
        ("percent", args.brake_percent.map(u32::from)),
        ("at_least", args.brake_at_least),
    ];
    let brake = brake.into_iter();
    let brake: Map<_, _> = brake
        .filter_map(|(member, value)| Some((member.to_owned(), json!(value?))))
        .collect();
    if !brake.is_empty() {
        body.insert("brake".to_owned(), Value::Object(brake));
    }
    if !args.options.is_empty() {
        let options = args
            .options
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)));
        body.insert("options".to_owned(), Value::Object(options.collect()));
    }
    if !credentials.is_empty() {
        let revealed = credentials.iter().map(|(credential, provided)| {
            (credential.name.to_owned(), json!(provided.secret.reveal()))
        });
        body.insert("credentials".to_owned(), Value::Object(revealed.collect()));
    }
    body
}
