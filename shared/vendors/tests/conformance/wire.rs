//! The way to the sandbox: remembers what was sent, and fails on request.

use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use im_sandbox::Answer;
use im_vendors::{Transport, TransportError};

use crate::rig::Rig;

/// Longer than this the first attempt waits for nobody (design section 5).
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// The vendor answers this, and does nothing.
    Refuse {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// The vendor does as asked, and answers 200 with this.
    Garble(&'static str),
    /// It does not arrive, and nobody says so.
    TimeoutBeforeCommit,
    /// The vendor does as asked; its answer does not arrive.
    TimeoutAfterCommit,
    /// The vendor does as asked; the connection breaks off.
    BreakOff,
    /// There is no connection.
    Unreachable,
}

/// Which request a [`Trouble`] meets: the next of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meets {
    Read,
    Write,
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: Method,
    pub path: String,
    pub write: bool,
    pub authorization: Option<String>,
    /// Whether the vendor did as asked, answered or not.
    pub accepted: bool,
    /// Whether it met the trouble.
    pub troubled: bool,
}

impl Sent {
    /// As an error names it.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A transport to a rig's sandbox.
pub struct Wire<R> {
    pub rig: R,
    trouble: Mutex<Option<(Meets, Trouble)>>,
    unfiltered: AtomicBool,
    sent: Mutex<Vec<Sent>>,
}

impl<R: Rig> Wire<R> {
    pub fn new(rig: R) -> Self {
        Self {
            rig,
            trouble: Mutex::default(),
            unfiltered: AtomicBool::new(false),
            sent: Mutex::default(),
        }
    }

    /// Makes the next such request fail.
    pub fn trouble(&self, meets: Meets, trouble: Trouble) {
        let before = locked(&self.trouble).replace((meets, trouble));
        assert!(before.is_none(), "no request met the trouble: {before:?}");
    }

    /// From now on, or no more, the vendor ignores what a listing is filtered by.
    pub fn ignore_filters(&self, ignore: bool) {
        self.unfiltered.store(ignore, Ordering::Relaxed);
    }

    /// What was sent since this was last asked.
    pub fn take_sent(&self) -> Vec<Sent> {
        let trouble = &*locked(&self.trouble);
        assert!(trouble.is_none(), "no request met the trouble: {trouble:?}");
        std::mem::take(&mut locked(&self.sent))
    }

    fn met(&self, write: bool) -> Option<Trouble> {
        let mut trouble = locked(&self.trouble);
        let meets = if write { Meets::Write } else { Meets::Read };
        let (_, met) = trouble.take_if(|(next, _)| *next == meets)?;
        Some(met)
    }

    /// The sandbox's answer, and whether it did as asked.
    fn arrive(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match self.rig.answer(request) {
            Answer::Response(response) => Ok(response),
            Answer::Delayed(wait, response) if wait <= PATIENCE => Ok(response),
            Answer::NoAnswer | Answer::Delayed(..) => Err(TransportError::Timeout),
        }
    }

    fn carry(
        &self,
        request: Request<Bytes>,
        trouble: Option<Trouble>,
    ) -> (Result<Response<Bytes>, TransportError>, bool) {
        let arrives = |request| {
            let answer = self.arrive(request);
            let accepted = answer.as_ref().is_ok_and(|it| it.status().is_success());
            (answer, accepted)
        };
        let instead = |answer| (answer, arrives(request.clone()).1);
        match trouble {
            None => arrives(request),
            Some(Trouble::Refuse {
                status,
                headers,
                body,
            }) => {
                let answer = headers
                    .iter()
                    .fold(
                        Response::builder().status(status),
                        |answer, (name, value)| answer.header(*name, value),
                    )
                    .body(Bytes::from(body));
                (Ok(answer.expect("an answer")), false)
            }
            Some(Trouble::Garble(body)) => {
                instead(Ok(Response::new(Bytes::from_static(body.as_bytes()))))
            }
            Some(Trouble::TimeoutBeforeCommit) => (Err(TransportError::Timeout), false),
            Some(Trouble::TimeoutAfterCommit) => instead(Err(TransportError::Timeout)),
            Some(Trouble::BreakOff) => {
                instead(Err(TransportError::BrokenOff("reset by peer".to_owned())))
            }
            Some(Trouble::Unreachable) => {
                let refused = TransportError::Unreachable("connection refused".to_owned());
                (Err(refused), false)
            }
        }
    }
}

#[async_trait]
impl<R: Rig> Transport for Wire<R> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let write = R::is_write(&request);
        let trouble = self.met(write);
        let authorization = request.headers().get(header::AUTHORIZATION);
        let mut sent = Sent {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            write,
            authorization: authorization.map(|value| {
                let text = value.to_str().expect("ASCII");
                text.to_owned()
            }),
            accepted: false,
            troubled: trouble.is_some(),
        };
        let request = match self.unfiltered.load(Ordering::Relaxed) {
            true => R::unfiltered(request),
            false => request,
        };
        let (answer, accepted) = self.carry(request, trouble);
        sent.accepted = accepted;
        locked(&self.sent).push(sent);
        answer
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("not poisoned")
}
