//! `im-sandbox`: a vendor's stand-in as a process, for end-to-end scripts.

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use im_sandbox::jira::Scheme;
use im_sandbox::servicenow::OauthClient;
use im_sandbox::stand_in::Vendor;
use im_sandbox::{
    Jira, JiraConfig, PagerDuty, PagerDutyConfig, RetryPolicy, ServiceNow, ServiceNowConfig,
    StandIn,
};
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(name = "im-sandbox", about = "Stateful stand-ins for the vendors.")]
struct Arguments {
    #[command(subcommand)]
    vendor: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Jira Cloud with a service project: REST API v3 and webhooks.
    Jira(JiraArguments),
    /// `PagerDuty`: REST API v2 and v3 webhooks.
    Pagerduty(Pagerduty),
    /// `ServiceNow`: the Table API and the Business Rule's webhooks.
    Servicenow(Servicenow),
}

/// What every vendor's stand-in is served with.
#[derive(clap::Args)]
struct Serving {
    /// 0 takes any free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where webhooks go; without it they only queue.
    #[arg(long)]
    webhook_url: Option<String>,
    /// The same seed gives the same ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::Args)]
struct Pagerduty {
    #[command(flatten)]
    serving: Serving,
    /// The API key it accepts.
    #[arg(long, env = "IM_SANDBOX_TOKEN", hide_env_values = true)]
    token: String,
    /// Signs the webhooks; several while a secret is being rotated.
    #[arg(
        long,
        env = "IM_SANDBOX_WEBHOOK_SECRET",
        hide_env_values = true,
        required = true
    )]
    webhook_secret: Vec<String>,
}

/// How Jira signs its webhooks.
#[derive(Clone, Copy, ValueEnum)]
enum Signing {
    /// Atlassian Connect: a JWT with a query string hash.
    Connect,
    /// A dynamic webhook of an OAuth app: a JWT without one.
    Oauth,
    /// An administrator's webhook: `X-Hub-Signature`.
    Hub,
}

#[derive(clap::Args)]
struct JiraArguments {
    #[command(flatten)]
    serving: Serving,
    /// Login of the account it knows.
    #[arg(long, env = "IM_SANDBOX_EMAIL")]
    email: String,
    /// The account's API token.
    #[arg(long, env = "IM_SANDBOX_API_KEY", hide_env_values = true)]
    api_key: String,
    /// Signs the webhooks.
    #[arg(long, env = "IM_SANDBOX_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: String,
    /// How webhooks are signed.
    #[arg(long, value_enum, default_value = "connect")]
    scheme: Signing,
    /// The issuer of the tokens.
    #[arg(long, default_value = "im-sandbox")]
    client_key: String,
    /// The webhook's path below the app's base URL; without it, the path of the webhook's URL.
    #[arg(long)]
    webhook_path: Option<String>,
}

#[derive(clap::Args)]
struct Servicenow {
    #[command(flatten)]
    serving: Serving,
    /// The REST user it knows.
    #[arg(long, default_value = "im.sync")]
    username: String,
    /// That user's password.
    #[arg(long, env = "IM_SANDBOX_PASSWORD", hide_env_values = true)]
    password: String,
    /// Signs the webhooks.
    #[arg(long, env = "IM_SANDBOX_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: String,
    /// An OAuth client that acts as that user.
    #[arg(long, requires = "client_secret")]
    client_id: Option<String>,
    /// The client's secret.
    #[arg(long, env = "IM_SANDBOX_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().vendor {
        Command::Jira(arguments) => jira(arguments).await,
        Command::Pagerduty(arguments) => pagerduty(arguments).await,
        Command::Servicenow(arguments) => servicenow(arguments).await,
    }
}

async fn jira(arguments: JiraArguments) -> anyhow::Result<()> {
    let scheme = match arguments.scheme {
        Signing::Connect => Scheme::Connect {
            client_key: arguments.client_key,
            shared_secret: arguments.webhook_secret,
            path: match (arguments.webhook_path, &arguments.serving.webhook_url) {
                (Some(path), _) => path,
                (None, Some(url)) => path_of(url)?,
                (None, None) => "/".to_owned(),
            },
        },
        Signing::Oauth => Scheme::OAuth {
            client_key: arguments.client_key,
            client_secret: arguments.webhook_secret,
        },
        Signing::Hub => Scheme::HubSignature {
            secret: arguments.webhook_secret,
        },
    };
    let config = JiraConfig::demo(arguments.email, arguments.api_key, scheme);
    let jira = Jira::new(config.seed(arguments.serving.seed));
    serve(jira, arguments.serving).await
}

fn path_of(url: &str) -> anyhow::Result<String> {
    let url = url::Url::parse(url).context("the webhook's URL")?;
    Ok(url.path().to_owned())
}

async fn pagerduty(arguments: Pagerduty) -> anyhow::Result<()> {
    let mut config =
        PagerDutyConfig::demo(arguments.token, String::new()).seed(arguments.serving.seed);
    config.webhook_secrets = arguments.webhook_secret;
    serve(PagerDuty::new(config), arguments.serving).await
}

async fn servicenow(arguments: Servicenow) -> anyhow::Result<()> {
    let user_name = arguments.username;
    let mut config = ServiceNowConfig::demo(
        user_name.clone(),
        arguments.password,
        arguments.webhook_secret,
    )
    .seed(arguments.serving.seed);
    let client = arguments.client_id.zip(arguments.client_secret);
    config.oauth = client.map(|(client_id, client_secret)| OauthClient {
        client_id,
        client_secret,
        user_name,
    });
    serve(ServiceNow::new(config), arguments.serving).await
}

async fn serve<V: Vendor>(stand_in: StandIn<V>, serving: Serving) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", serving.port)).await?;
    let address = listener.local_addr()?;
    println!("{}", json!({"listening": format!("http://{address}")}));
    if let Some(url) = serving.webhook_url {
        let delivery = stand_in
            .clone()
            .deliver_webhooks_to(url, RetryPolicy::default());
        tokio::spawn(delivery);
    }
    stand_in.serve(listener).await?;
    Ok(())
}
