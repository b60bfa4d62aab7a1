//! Every call that leaves a function, watched: it takes its time, fails, or is the last thing its caller ever does.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::sync::Notify;

use crate::{Moment, WorldClock};

tokio::task_local! {
    static WORKER: Arc<Worker>;
}

/// One invocation of a function: who calls.
#[derive(Debug)]
pub struct Worker {
    name: String,
    calls: AtomicU32,
    dies: Option<Death>,
    dead: Notify,
}

/// When an invocation is killed: at its n-th call (the first is 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// At which call.
    pub at: u32,
    /// Before the call had its effect, or after.
    pub moment: Moment,
}

impl Worker {
    /// An invocation of this name, which may be killed.
    pub fn new(name: impl Into<String>, dies: Option<Death>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            calls: AtomicU32::new(0),
            dies,
            dead: Notify::new(),
        })
    }

    /// Runs it as Lambda does: killed on time, or when it is to die, it is dropped wherever it stands, and nothing of it
    /// goes on. `None` if it was.
    pub async fn run<T>(
        self: Arc<Self>,
        timeout: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let this = self.clone();
        let work = WORKER.scope(self, work);
        tokio::select! {
            biased;
            () = this.dead.notified() => None,
            done = tokio::time::timeout(timeout, work) => done.ok(),
        }
    }

    /// Who is calling, if it is an invocation.
    pub fn present() -> Option<Arc<Self>> {
        WORKER.try_with(Arc::clone).ok()
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many calls it has made.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// What may go wrong with a call to AWS, in parts of a thousand each.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsWeather {
    /// The service fails, and nothing happened.
    pub fails: u32,
    /// The answer is lost, and the SDK asks again: it happens twice.
    pub twice: u32,
    /// The answer is lost, also of every repetition.
    pub lost: u32,
}

/// How long calls take, and what becomes of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// The longest way to AWS or back.
    pub aws: Duration,
    /// The longest way to a vendor or back.
    pub vendor: Duration,
    /// What goes wrong at AWS.
    pub faults: AwsWeather,
}

/// What an AWS call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsFate {
    /// Nothing.
    Fair,
    /// See [`AwsWeather::fails`].
    Fails,
    /// See [`AwsWeather::twice`].
    Twice,
    /// See [`AwsWeather::lost`].
    Lost,
}

/// The boundary. Clones share it. At first calls take no time and nothing goes wrong.
#[derive(Clone)]
pub struct Io {
    state: Arc<Mutex<State>>,
    clock: WorldClock,
    /// Told whenever somebody may have written something.
    changed: Arc<Notify>,
}

struct State {
    rng: Rng,
    weather: Weather,
    trace: Option<Vec<String>>,
    calls: u64,
    written: bool,
}

impl Io {
    /// A boundary whose weather comes from this seed.
    pub fn new(seed: u64, clock: WorldClock) -> Self {
        let state = State {
            rng: Rng::with_seed(seed),
            weather: Weather::default(),
            trace: None,
            calls: 0,
            written: false,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            clock,
            changed: Arc::default(),
        }
    }

    /// From here on this weather.
    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// From here on everything is written down.
    pub fn start_trace(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// What was written down so far.
    pub fn trace(&self) -> Vec<String> {
        self.state().trace.clone().unwrap_or_default()
    }

    /// True if everything is written down.
    pub fn is_traced(&self) -> bool {
        self.state().trace.is_some()
    }

    /// True if calls take their time.
    pub fn takes_time(&self) -> bool {
        !self.state().weather.vendor.is_zero()
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Writes a line with the time and the caller.
    pub fn note(&self, line: impl fmt::Display) {
        let mut state = self.state();
        if let Some(trace) = &mut state.trace {
            let who = WORKER.try_with(|worker| format!(" {}:", worker.name));
            let at = self.clock.read();
            trace.push(format!("{at}{} {line}", who.unwrap_or_default()));
        }
    }

    /// Waits until somebody may have written something.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// True if a table may have been written since this was asked last.
    pub fn has_written(&self) -> bool {
        std::mem::take(&mut self.state().written)
    }

    /// A table may have been written.
    pub(crate) fn wrote(&self) {
        self.state().written = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// How long a way of a call takes.
    fn way(&self, longest: impl Fn(&Weather) -> Duration) -> Duration {
        let mut state = self.state();
        let longest = u64::try_from(longest(&state.weather).as_millis()).expect("short");
        if longest == 0 {
            return Duration::ZERO;
        }
        // Mostly quick, sometimes as slow as it gets.
        let most = if state.rng.u8(0..8) == 0 {
            longest
        } else {
            longest / 4
        };
        Duration::from_millis(state.rng.u64(0..=most))
    }

    /// What the next AWS call meets. Only those of functions meet anything.
    pub(crate) fn aws_fate(&self) -> AwsFate {
        if WORKER.try_with(|_| ()).is_err() {
            return AwsFate::Fair;
        }
        let mut state = self.state();
        let AwsWeather { fails, twice, lost } = state.weather.faults;
        if fails + twice + lost == 0 {
            return AwsFate::Fair;
        }
        let drawn = state.rng.u32(0..1000);
        if drawn < fails {
            AwsFate::Fails
        } else if drawn < fails + twice {
            AwsFate::Twice
        } else if drawn < fails + twice + lost {
            AwsFate::Lost
        } else {
            AwsFate::Fair
        }
    }

    /// A call is on its way; its number within its caller.
    pub(crate) async fn leaves(&self, to_vendor: bool) -> u32 {
        self.state().calls += 1;
        let number = WORKER.try_with(|worker| worker.calls.fetch_add(1, Ordering::Relaxed) + 1);
        let number = number.unwrap_or_default();
        self.pass(to_vendor).await;
        self.die_if(number, Moment::BeforeArrival).await;
        number
    }

    /// It had its effect; its answer is on its way.
    pub(crate) async fn returns(&self, to_vendor: bool, number: u32) {
        self.changed.notify_one();
        self.die_if(number, Moment::BeforeAnswer).await;
        self.pass(to_vendor).await;
    }

    async fn pass(&self, to_vendor: bool) {
        let way = self.way(|weather| {
            if to_vendor {
                weather.vendor
            } else {
                weather.aws
            }
        });
        if !way.is_zero() {
            tokio::time::sleep(way).await;
        }
    }

    async fn die_if(&self, number: u32, moment: Moment) {
        let here = Death { at: number, moment };
        let dies = WORKER.try_with(|worker| (worker.dies == Some(here)).then(|| worker.clone()));
        if let Ok(Some(worker)) = dies {
            self.note(format_args!("killed at call {number}, {moment:?}"));
            worker.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
