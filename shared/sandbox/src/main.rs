//! `im-sandbox`: a vendor's stand-in as a process, for end-to-end scripts.

use clap::{Parser, Subcommand};
use im_sandbox::{PagerDuty, PagerDutyConfig, RetryPolicy};
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(name = "im-sandbox", about = "Stateful stand-ins for the vendors.")]
struct Arguments {
    #[command(subcommand)]
    vendor: Vendor,
}

#[derive(Subcommand)]
enum Vendor {
    /// `PagerDuty`: REST API v2 and v3 webhooks.
    Pagerduty(Pagerduty),
}

#[derive(clap::Args)]
struct Pagerduty {
    /// 0 takes any free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The API key it accepts.
    #[arg(long, env = "IM_SANDBOX_TOKEN", hide_env_values = true)]
    token: String,
    /// Where webhooks go; without it they only queue.
    #[arg(long)]
    webhook_url: Option<String>,
    /// Signs the webhooks; several while a secret is being rotated.
    #[arg(
        long,
        env = "IM_SANDBOX_WEBHOOK_SECRET",
        hide_env_values = true,
        required = true
    )]
    webhook_secret: Vec<String>,
    /// The same seed gives the same ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().vendor {
        Vendor::Pagerduty(arguments) => pagerduty(arguments).await,
    }
}

async fn pagerduty(arguments: Pagerduty) -> anyhow::Result<()> {
    let mut config = PagerDutyConfig::demo(arguments.token, String::new()).seed(arguments.seed);
    config.webhook_secrets = arguments.webhook_secret;
    let pagerduty = PagerDuty::new(config);
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let address = listener.local_addr()?;
    println!("{}", json!({"listening": format!("http://{address}")}));
    if let Some(url) = arguments.webhook_url {
        let delivery = pagerduty
            .clone()
            .deliver_webhooks_to(url, RetryPolicy::default());
        tokio::spawn(delivery);
    }
    pagerduty.serve(listener).await?;
    Ok(())
}
