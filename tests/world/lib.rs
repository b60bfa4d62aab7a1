#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on has failed"
)]

mod announcements;
mod aws;
mod calls;
mod clock;
mod drive;
mod event_bus;
mod given_up;
mod io;
mod reconcile;
mod vendor;
mod witness;
mod world;

pub use announcements::Announcements;
pub use aws::WatchedAws;
pub use calls::Calls;
pub use clock::{SeededIds, WorldClock};
pub use event_bus::EventBus;
pub use given_up::Shard;
pub use io::{AwsWeather, Death, Io, Weather, Worker};
pub use reconcile::Report;
pub use vendor::{Direct, Moment, SandboxTransport, base_url};
pub use witness::{Shown, Vendors, Witness};
pub use world::{INTEGRATION, JIRA, SERVICENOW, World, by_itself};
