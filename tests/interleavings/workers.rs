//! Workers of the real engine as step machines.
//!
//! A worker's next question follows from its job and the answers so far, so it is asked of the engine once and remembered:
//! states share the workers' lives, and a state holds the number of a life.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use im_engine::{CredentialCache, IntegrationCache, Job, Outcome, Pace, SyncEngine, SyncError};
use im_model::{Field, Incident};
use im_vendors::Memory;
use jiff::SignedDuration;

use super::{
    ask::{Ask, LinkVersion, Said},
    outside::{Configured, Outside},
    shared::{Mark, Marker, Shared},
};

/// How a worker begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Beginning {
    pub job: Shared<Job>,
    pub image: Option<Shared<Incident>>,
    /// Which worker it is: it names claims.
    pub worker: u32,
    pub now: u32,
}

/// What a worker does next.
#[derive(Debug, Clone)]
pub enum Next {
    Asks(Ask),
    Ends(Result<Outcome, SyncError>),
}

/// The number of a worker's life up to a question.
pub type Life = u32;

type Work = Pin<Box<dyn Future<Output = Result<Outcome, SyncError>>>>;

struct Lived {
    beginning: Arc<Beginning>,
    /// Where it came from, and what it was told there, and when.
    told: Option<(Life, u32, Said)>,
    next: Arc<Next>,
    /// The worker itself, until it is told how it goes on.
    at_work: Option<(Work, Arc<Outside>)>,
}

/// All lives of workers so far.
pub struct Workers {
    configured: Arc<Configured>,
    lives: Vec<Lived>,
    known: HashMap<Mark, Life>,
    /// How often a worker had to be brought to where it stood.
    pub repeated: usize,
}

impl Workers {
    pub fn new(configured: Arc<Configured>) -> Self {
        Self {
            configured,
            lives: Vec::new(),
            known: HashMap::new(),
            repeated: 0,
        }
    }

    pub fn count(&self) -> usize {
        self.lives.len()
    }

    pub fn next(&self, life: Life) -> Arc<Next> {
        self.lives[life as usize].next.clone()
    }

    /// What a worker has been told so far, the last first.
    pub fn told(&self, life: Life) -> impl Iterator<Item = &Said> {
        let mut at = Some(life);
        std::iter::from_fn(move || {
            let (before, _, said) = self.lives[at? as usize].told.as_ref()?;
            at = Some(*before);
            Some(said)
        })
    }

    pub fn beginning(&self, life: Life) -> &Beginning {
        &self.lives[life as usize].beginning
    }

    /// The incident as the worker has loaded it last.
    fn loaded(&self, life: Life) -> Option<Shared<Incident>> {
        let mut told = self.told(life);
        let loaded = told.find_map(|said| match said {
            Said::Incident(found) => found.clone(),
            _ => None,
        });
        loaded.or_else(|| self.beginning(life).image.clone())
    }

    /// Which version of its link the worker has seen last.
    pub fn link_seen(&self, life: Life) -> Option<LinkVersion> {
        let incident = self.loaded(life)?;
        let integration = self.beginning(life).job.hint.integration();
        let link = incident.links.get(integration)?;
        Some((incident.id.clone(), integration.clone(), link.version))
    }

    /// The versions of the fields as the worker has loaded them last.
    pub fn versions(&self, life: Life) -> BTreeMap<Field, u64> {
        let loaded = self.loaded(life);
        let fields = loaded.iter().flat_map(|incident| &incident.fields);
        fields
            .map(|(field, state)| (field.clone(), state.version))
            .collect()
    }

    pub fn begin(&mut self, beginning: &Beginning) -> Life {
        let mark = Marker::of(beginning);
        if let Some(known) = self.known.get(&mark) {
            return *known;
        }
        let beginning = Arc::new(beginning.clone());
        let worker = self.employ(&beginning);
        self.live(mark, beginning, None, worker)
    }

    pub fn go_on(&mut self, life: Life, now: u32, said: Said) -> Life {
        let mark = Marker::of(&(life, now, &said));
        if let Some(known) = self.known.get(&mark) {
            return *known;
        }
        let worker = self.lives[life as usize].at_work.take();
        let worker = worker.unwrap_or_else(|| self.again(life));
        worker.1.tell(now, said.clone());
        let beginning = self.lives[life as usize].beginning.clone();
        self.live(mark, beginning, Some((life, now, said)), worker)
    }

    fn live(
        &mut self,
        mark: Mark,
        beginning: Arc<Beginning>,
        told: Option<(Life, u32, Said)>,
        worker: (Work, Arc<Outside>),
    ) -> Life {
        let (mut work, outside) = worker;
        let next = match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(end) => Next::Ends(end),
            Poll::Pending => Next::Asks(outside.asked().expect("it waits for an answer")),
        };
        let at_work = matches!(next, Next::Asks(_)).then_some((work, outside));
        let life = Life::try_from(self.lives.len()).expect("fewer lives");
        self.lives.push(Lived {
            beginning,
            told,
            next: Arc::new(next),
            at_work,
        });
        self.known.insert(mark, life);
        life
    }

    /// Brings a new worker to where another one stood.
    fn again(&mut self, life: Life) -> (Work, Arc<Outside>) {
        self.repeated += 1;
        let mut answers = Vec::new();
        let mut at = life;
        while let Some((before, now, said)) = &self.lives[at as usize].told {
            answers.push((*now, said.clone()));
            at = *before;
        }
        let beginning = self.lives[life as usize].beginning.clone();
        let (mut work, outside) = self.employ(&beginning);
        for (now, said) in answers.into_iter().rev() {
            outside.tell(now, said);
        }
        let end = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(end.is_pending(), "the same worker does the same");
        (work, outside)
    }

    fn employ(&self, beginning: &Beginning) -> (Work, Arc<Outside>) {
        let Beginning {
            job,
            image,
            worker,
            now,
        } = beginning;
        let outside = Outside::new(self.configured.clone(), *worker, *now);
        let outside = Arc::new(outside);
        let age = SignedDuration::from_secs(10);
        let memory = Arc::new(Memory::default());
        let engine = SyncEngine {
            announcer: Arc::new(im_local::Unannounced),
            store: outside.clone(),
            conflicts: outside.clone(),
            integrations: Arc::new(IntegrationCache::new(outside.clone(), outside.clone(), age)),
            credentials: Arc::new(CredentialCache::new(outside.clone(), outside.clone())),
            transport: outside.clone(),
            clock: outside.clone(),
            ids: outside.clone(),
            pace: Arc::new(Pace::new(outside.clone(), memory.clone(), outside.clone())),
            letters: outside.clone(),
            memory,
        };
        let (job, image) = (job.clone(), image.clone());
        let image = image.map(|image| (*image).clone());
        let work = Box::pin(async move { engine.sync(&job, image, None).await });
        (work, outside)
    }
}
