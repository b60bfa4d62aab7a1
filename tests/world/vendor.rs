//! The vendor, reached in process, with moments at which a test can step in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use im_model::IntegrationType;
use im_sandbox::{Answer, StandIn, stand_in::Vendor};
use im_vendors::{Transport, TransportError};

use crate::{Io, Witness, WorldClock};

/// When a test steps in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request was sent and has not arrived.
    BeforeArrival,
    /// The vendor has carried it out; its answer has not arrived.
    BeforeAnswer,
}

type Step = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

struct Interlude {
    moment: Moment,
    method: Method,
    /// Part of the path; empty is any.
    path: String,
    step: Step,
    /// Answer with the record as it is after the step: the vendor took its time to put the answer together.
    refreshed: bool,
}

/// Where each vendor's API is: a port of its own, on which nobody listens.
pub fn base_url(vendor: IntegrationType) -> String {
    format!("http://127.0.0.1:{}", port(vendor))
}

fn port(vendor: IntegrationType) -> u16 {
    match vendor {
        IntegrationType::PagerDuty => 9,
        IntegrationType::Jira => 10,
        IntegrationType::ServiceNow => 11,
    }
}

fn vendor_at(wanted: u16) -> Option<IntegrationType> {
    let mut all = IntegrationType::ALL.iter().copied();
    all.find(|vendor| port(*vendor) == wanted)
}

/// One vendor's sandbox, by what it answers.
trait Sandbox: Send + Sync {
    fn answer(&self, request: Request<Bytes>) -> Answer;
    fn answer_without_faults(&self, request: Request<Bytes>) -> Response<Bytes>;
    fn answer_behind(&self, request: Request<Bytes>, behind: usize) -> Response<Bytes>;
}

impl<V: Vendor> Sandbox for StandIn<V> {
    fn answer(&self, request: Request<Bytes>) -> Answer {
        self.handle_with_faults(request)
    }

    fn answer_without_faults(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.handle(request)
    }

    fn answer_behind(&self, request: Request<Bytes>, behind: usize) -> Response<Bytes> {
        self.handle_behind(&request, behind)
    }
}

/// Sends requests to the sandboxes, faults included.
#[derive(Clone)]
pub struct SandboxTransport {
    io: Io,
    sandboxes: BTreeMap<u16, Arc<dyn Sandbox>>,
    interludes: Arc<Mutex<Vec<Interlude>>>,
    late: Arc<Mutex<Late>>,
    witness: Arc<OnceLock<Arc<dyn Witness>>>,
}

/// Reaches the sandboxes without faults, time or trace: for whoever looks on, at what is or was so many changes ago.
pub struct Direct {
    sandboxes: BTreeMap<u16, Arc<dyn Sandbox>>,
    behind: usize,
}

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let port = request.uri().port_u16().unwrap_or_default();
        let sandbox = self.sandboxes.get(&port);
        let sandbox = sandbox.ok_or_else(|| TransportError::Unreachable(format!("port {port}")))?;
        Ok(match self.behind {
            0 => sandbox.answer_without_faults(request),
            behind => sandbox.answer_behind(request, behind),
        })
    }
}

/// Requests that the vendor carries out long after nobody waits for them any more.
#[derive(Default)]
struct Late {
    next: Option<(Method, String)>,
    held: Vec<(u16, Request<Bytes>)>,
}

impl Default for SandboxTransport {
    fn default() -> Self {
        Self::new(Io::new(0, WorldClock::default()))
    }
}

impl SandboxTransport {
    /// How long a caller waits for a vendor (`HttpTransport`).
    const PATIENCE: Duration = Duration::from_secs(3);

    /// No way to anybody yet.
    pub fn new(io: Io) -> Self {
        Self {
            io,
            sandboxes: BTreeMap::new(),
            interludes: Arc::default(),
            late: Arc::default(),
            witness: Arc::default(),
        }
    }

    /// The way past everything that may go wrong.
    pub fn direct(&self) -> Direct {
        self.direct_behind(0)
    }

    /// The same, to records as they were so many changes ago, as a copy of the vendor's that lags shows them.
    pub fn direct_behind(&self, behind: usize) -> Direct {
        let sandboxes = self.sandboxes.clone();
        Direct { sandboxes, behind }
    }

    /// From here on somebody sees every request. Only once.
    pub fn set_witness(&self, witness: Arc<dyn Witness>) {
        assert!(self.witness.set(witness).is_ok(), "there is a witness");
    }

    /// With a way to this sandbox, too.
    #[must_use]
    pub fn with<V: Vendor>(mut self, vendor: IntegrationType, sandbox: &StandIn<V>) -> Self {
        self.sandboxes
            .insert(port(vendor), Arc::new(sandbox.clone()));
        self
    }

    /// Steps in once, at the next request of this method.
    pub fn once<F>(&self, moment: Moment, method: Method, step: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.add(moment, method, "", step, false);
    }

    /// Steps in once, at the next request of this method whose path contains this.
    pub fn once_at<F>(
        &self,
        moment: Moment,
        method: Method,
        path: &str,
        step: impl FnOnce() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.add(moment, method, path, step, false);
    }

    /// Steps in once before the answer; the answer shows what the step has changed.
    pub fn once_and_show<F>(&self, method: Method, step: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.add(Moment::BeforeAnswer, method, "", step, true);
    }

    /// The vendor takes its time with the next request of this method whose path ends so: the caller gives up.
    pub fn hold_next(&self, method: Method, path_ends: &str) {
        self.late.lock().expect("not poisoned").next = Some((method, path_ends.to_owned()));
    }

    /// Now the vendor carries out what it held; returns how many.
    pub fn release_held(&self) -> usize {
        let held = std::mem::take(&mut self.late.lock().expect("not poisoned").held);
        let count = held.len();
        for (port, request) in held {
            self.sandboxes[&port].answer_without_faults(request);
        }
        count
    }

    /// Takes the request if it is the one to hold.
    fn hold(&self, port: u16, request: Request<Bytes>) -> Option<Request<Bytes>> {
        let mut late = self.late.lock().expect("not poisoned");
        let is_it = late.next.as_ref().is_some_and(|(method, path_ends)| {
            request.method() == method && request.uri().path().ends_with(path_ends)
        });
        if !is_it {
            return Some(request);
        }
        late.next = None;
        late.held.push((port, request));
        None
    }

    fn add<F>(
        &self,
        moment: Moment,
        method: Method,
        path: &str,
        step: impl FnOnce() -> F + Send + 'static,
        refreshed: bool,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let step: Step = Box::new(move || Box::pin(step()));
        let interlude = Interlude {
            moment,
            method,
            path: path.to_owned(),
            step,
            refreshed,
        };
        self.interludes
            .lock()
            .expect("not poisoned")
            .push(interlude);
    }

    /// True if a test waits for a moment that has not come.
    pub fn has_interludes(&self) -> bool {
        !self.interludes.lock().expect("not poisoned").is_empty()
    }

    fn take(&self, moment: Moment, method: &Method, path: &str) -> Option<Interlude> {
        let mut interludes = self.interludes.lock().expect("not poisoned");
        let index = interludes.iter().position(|interlude| {
            interlude.moment == moment
                && interlude.method == *method
                && path.contains(&interlude.path)
        })?;
        Some(interludes.remove(index))
    }
}

#[async_trait]
impl Transport for SandboxTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let told = self.io.is_traced().then(|| tell(&request));
        let number = self.io.leaves(true).await;
        let answer = self.carry(request).await;
        if let Some(told) = told {
            let answer = match &answer {
                Ok(response) => format!(
                    "{} {}",
                    response.status().as_u16(),
                    String::from_utf8_lossy(response.body())
                ),
                Err(error) => error.to_string(),
            };
            self.io.note(format_args!("{number} {told} -> {answer}"));
        }
        if matches!(answer, Err(TransportError::Timeout)) && self.io.takes_time() {
            tokio::time::sleep(Self::PATIENCE).await;
        }
        self.io.returns(true, number).await;
        answer
    }
}

impl SandboxTransport {
    async fn carry(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let method = request.method().clone();
        let path = request.uri().clone();
        let headers = request.headers().clone();
        if let Some(interlude) = self.take(Moment::BeforeArrival, &method, path.path()) {
            (interlude.step)().await;
        }
        let port = request.uri().port_u16().unwrap_or_default();
        let sandbox = self.sandboxes.get(&port);
        let sandbox = sandbox.ok_or_else(|| TransportError::Unreachable(format!("port {port}")))?;
        let Some(request) = self.hold(port, request) else {
            return Err(TransportError::Timeout);
        };
        let witness = self.witness.get().zip(vendor_at(port));
        if let Some((witness, vendor)) = witness {
            witness.arrives(vendor, &request);
        }
        let mut answer = sandbox.answer(request);
        if let Some((witness, vendor)) = witness {
            let told = match &answer {
                Answer::Response(response) | Answer::Delayed(_, response) => response.body(),
                Answer::NoAnswer => &Bytes::new(),
            };
            witness.carried_out(vendor, told);
        }
        if let (Answer::Delayed(by, _), true) = (&answer, self.io.takes_time()) {
            if *by >= Self::PATIENCE {
                return Err(TransportError::Timeout);
            }
            tokio::time::sleep(*by).await;
        }
        if let Some(interlude) = self.take(Moment::BeforeAnswer, &method, path.path()) {
            (interlude.step)().await;
            if interlude.refreshed {
                let mut again = Request::get(path).body(Bytes::new()).expect("a request");
                *again.headers_mut() = headers;
                answer = Answer::Response(sandbox.answer_without_faults(again));
            }
        }
        match answer {
            Answer::Response(response) | Answer::Delayed(_, response) => Ok(response),
            Answer::NoAnswer => Err(TransportError::Timeout),
        }
    }
}

fn tell(request: &Request<Bytes>) -> String {
    let body = String::from_utf8_lossy(request.body());
    format!("{} {} {body}", request.method(), request.uri())
}
