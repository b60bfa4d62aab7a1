//! `im dev`: the whole system on this machine, with a stand-in for each vendor beside it.

mod accounts;
mod demo;
mod round_trip;
mod sandboxes;
mod views;
mod whats_next;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use im_local::{
    DataFolder, LocalSettings, LocalSystem, OpenWork, ScaledClock, Unannounced, serve_http,
};
use im_runtime::{HttpTransport, RandomIds, Reach, Settings, policy_from};
use tokio::{net::TcpListener, task::JoinSet};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::FilterFn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use demo::Demo;

/// Flags of `im dev`.
#[derive(clap::Args)]
pub struct Args {
    /// The port of the management API and the webhooks, on loopback; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Keep everything in this folder instead of in memory, the sandboxes too; started again, it goes on
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Run the clock this many times as fast, so that waits of minutes can be watched
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    time_scale: u32,
    /// Decide who may do what by the Rego files of this folder instead of the built-in policy; infra/policies says how
    #[arg(long, value_name = "DIR")]
    policy_dir: Option<PathBuf>,
    /// Exit after the round trip; fails if it failed or a hop took more than 5 s
    #[arg(long)]
    once: bool,
}

/// Runs the system until it is interrupted, or with `--once` until the round trip is over.
pub async fn run(args: Args) -> anyhow::Result<()> {
    start_logging();
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .await
        .with_context(|| {
            format!(
                "port {} cannot be used; choose another with --port",
                args.port
            )
        })?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let folder = args.data_dir.map(DataFolder::hold).transpose()?;
    let clock = match &folder {
        Some(folder) => ScaledClock::kept_in(folder, args.time_scale)?,
        None => ScaledClock::new(args.time_scale),
    };
    let system = LocalSystem::start(LocalSettings {
        data_dir: folder.clone(),
        time_scale: args.time_scale,
        clock: Arc::new(clock),
        ids: Arc::new(RandomIds),
        transport: Arc::new(HttpTransport::from_settings(
            Reach::PublicAndThisMachine,
            &Settings::default(),
        )?),
        // Here everybody waits for it.
        configuration_age: jiff::SignedDuration::ZERO,
        announcer: Arc::new(Unannounced),
        public_base_url: Some(base_url.clone()),
        local_organization: Some(demo::ORGANIZATION.parse()?),
        policy: policy_from(args.policy_dir.as_deref())?,
    })
    .await?;
    let mappings = system.mappings().await?;
    // What an earlier run left undone, before anything new comes in: everything else arrives by the streams.
    let open_work = system.open_work().await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(system.gateway.clone(), listener));
    let demo = Demo::start(
        base_url,
        clock,
        folder.as_ref().map(DataFolder::path),
        &mut tasks,
    )
    .await?;
    let _running = mappings.run();
    demo.print_start(args.time_scale);
    let goes_on = demo.sandboxes.go_on;
    if goes_on {
        print_left(&open_work);
    }
    tasks.spawn(open_work.bring());
    // Who starts it again wants to go on with what is there, not to see the demo once more.
    let ids = if goes_on && !args.once {
        views::some_incident(&demo).await?
    } else {
        Some(round_trip::play(&demo, &system).await?)
    };
    if args.once {
        return Ok(());
    }
    whats_next::print(&demo, ids.as_ref());
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
}

fn print_left(open_work: &OpenWork) {
    println!("It goes on with what is in the folder.");
    let (deliveries, incidents) = (open_work.deliveries(), open_work.incidents());
    if deliveries + incidents > 0 {
        println!(
            "Left undone, and worked on now: {deliveries} accepted webhooks, {incidents} changed incidents."
        );
    }
    println!();
}

async fn serve(gateway: im_local::Gateway, listener: TcpListener) {
    if let Err(error) = serve_http(gateway, listener).await {
        tracing::error!(%error, "the HTTP server stopped");
    }
}

/// To standard error, and only what went wrong unless `IM_LOG` asks for more.
fn start_logging() {
    let (filter, is_told) = im_runtime::telemetry::filter_from_env(LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = lines.with_filter(FilterFn::new(im_runtime::telemetry::may_be_told));
    let traces = im_runtime::trace::Traces::from_env();
    let (traces, wrong) = match traces {
        Ok(traces) => (traces, None),
        Err(wrong) => (None, Some(wrong)),
    };
    let spans = traces.as_ref().map(im_runtime::trace::Traces::layer);
    let lines = lines.with_filter(filter);
    // A layer that is `None` would have a say in which spans are made, and wants all.
    let mut layers = vec![lines.boxed()];
    layers.extend(spans.map(Layer::boxed));
    let subscriber = tracing_subscriber::registry().with(layers);
    let _ = subscriber.try_init();
    if let Err(wrong) = is_told {
        tracing::error!(wrong, "the log is as without it");
    }
    if let Some(traces) = traces {
        traces.install();
    }
    if let Some(wrong) = wrong {
        tracing::error!(wrong, "no traces: the OTEL_ variables cannot be read");
    }
}
