//! All that one worker can see of the outside: what it asks is written down, and the answers come from a list.
//!
//! With the answers it was given before, a worker comes to where it stood; then it stands still at its next question.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
};

use async_trait::async_trait;
use im_engine::{
    CircuitState, DeadLetter, StoreError,
    ports::{
        Attempt, CircuitStore, Clock, ConflictStore, DeadLetterStore, Ids, IntegrationStore, Mark,
        Page, Vault,
    },
};
use im_model::{
    Conflict, ConflictId, ConflictStatus, DeadLetterId, DeadLetterStatus, Integration,
    IntegrationId, OrganizationId, Secret,
};
use im_vendors::Credentials;
use jiff::Timestamp;
use ulid::Ulid;

use super::{
    ask::{Ask, Said},
    http::OURSELVES,
};

/// What is configured: it does not change.
#[derive(Debug)]
pub struct Configured {
    pub integrations: BTreeMap<IntegrationId, Integration>,
    /// Do records show how often they were changed?
    pub counts: bool,
}

/// One worker's outside.
pub struct Outside {
    configured: Arc<Configured>,
    /// Which worker it is: its ids are its own.
    worker: u32,
    script: Mutex<Script>,
}

struct Script {
    now: u32,
    answers: VecDeque<(u32, Said)>,
    asked: Option<Ask>,
    ids: u32,
}

impl Outside {
    pub fn new(configured: Arc<Configured>, worker: u32, now: u32) -> Self {
        let script = Script {
            now,
            answers: VecDeque::new(),
            asked: None,
            ids: 0,
        };
        Self {
            configured,
            worker,
            script: Mutex::new(script),
        }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("one thread")
    }

    /// Adds an answer, and when it was given.
    pub fn tell(&self, now: u32, said: Said) {
        let mut script = self.script();
        script.asked = None;
        script.answers.push_back((now, said));
    }

    /// The question at which the worker stands still.
    pub fn asked(&self) -> Option<Ask> {
        self.script().asked.clone()
    }

    pub fn counts(&self) -> bool {
        self.configured.counts
    }

    pub(super) async fn ask(&self, ask: Ask) -> Said {
        poll_fn(|_| {
            let mut script = self.script();
            if let Some((now, said)) = script.answers.pop_front() {
                script.now = now;
                return Poll::Ready(said);
            }
            assert!(script.asked.is_none(), "a worker asks one thing at a time");
            script.asked = Some(ask.clone());
            Poll::Pending
        })
        .await
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        super::at(self.script().now)
    }
}

impl Ids for Outside {
    fn ulid(&self, _: Timestamp) -> Ulid {
        let mut script = self.script();
        script.ids += 1;
        Ulid(u128::from(self.worker) << 16 | u128::from(script.ids))
    }
}

#[async_trait]
impl IntegrationStore for Outside {
    async fn integration(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        Ok(self.configured.integrations.get(id).cloned())
    }

    async fn integrations_of(&self, _: &OrganizationId) -> Result<Vec<Integration>, StoreError> {
        Ok(self.configured.integrations.values().cloned().collect())
    }

    async fn create_integration(
        &self,
        _: &Integration,
        _: &im_model::AuditEntry,
    ) -> Result<Attempt, StoreError> {
        unreachable!("workers only read it")
    }

    async fn update_integration(
        &self,
        _: &Integration,
        _: &im_model::AuditEntry,
    ) -> Result<Attempt, StoreError> {
        unreachable!("workers only read it")
    }

    async fn delete_integration(
        &self,
        _: &Integration,
        _: &im_model::AuditEntry,
    ) -> Result<Attempt, StoreError> {
        unreachable!("workers only read it")
    }
}

#[async_trait]
impl Vault for Outside {
    async fn credentials(&self, _: &str) -> Result<Option<Credentials>, StoreError> {
        let login = [("username", OURSELVES), ("password", "a-password")];
        let login = login.map(|(name, text)| (name.to_owned(), Secret::new(text)));
        Ok(Some(Credentials(login.into())))
    }

    async fn previous(&self, _: &str) -> Result<Option<Credentials>, StoreError> {
        Ok(None)
    }

    async fn keep(&self, _: &str, _: &Credentials) -> Result<(), StoreError> {
        unreachable!("workers only read it")
    }

    async fn forget(&self, _: &str) -> Result<(), StoreError> {
        unreachable!("workers only read it")
    }
}

/// Nothing is short, and no circuit opens: each worker sees a process of its own.
#[async_trait]
impl CircuitStore for Outside {
    async fn integration_with_circuit(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<(Integration, CircuitState)>, StoreError> {
        let found = self.integration(id).await?;
        Ok(found.map(|found| (found, CircuitState::default())))
    }

    async fn circuit(&self, _: &IntegrationId) -> Result<CircuitState, StoreError> {
        Ok(CircuitState::default())
    }

    async fn put_circuit(
        &self,
        _: &IntegrationId,
        _: &CircuitState,
    ) -> Result<Attempt, StoreError> {
        Ok(Attempt::Done)
    }

    async fn take_requests(
        &self,
        _: &IntegrationId,
        _: i64,
        _: u32,
        _: u32,
    ) -> Result<Attempt, StoreError> {
        Ok(Attempt::Done)
    }
}

/// No job of the model's dies.
#[async_trait]
impl DeadLetterStore for Outside {
    async fn dead_letter(
        &self,
        _: &IntegrationId,
        _: &DeadLetterId,
    ) -> Result<Option<DeadLetter>, StoreError> {
        Ok(None)
    }

    async fn dead_letters(
        &self,
        _: &IntegrationId,
        _: DeadLetterStatus,
        _: Option<&str>,
        _: u16,
    ) -> Result<Page<DeadLetter>, StoreError> {
        unreachable!("workers list nothing")
    }

    async fn put_dead_letter(
        &self,
        _: &DeadLetter,
        _: Mark<'_>,
        _: Option<&im_model::AuditEntry>,
        _: im_engine::Counters,
    ) -> Result<Attempt, StoreError> {
        unreachable!("there is none")
    }
}

#[async_trait]
impl ConflictStore for Outside {
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, StoreError> {
        match self.ask(Ask::Conflict(id.clone())).await {
            Said::Conflict(found) => Ok(found.map(|found| (*found).clone())),
            other => panic!("no answer to a conflict: {other:?}"),
        }
    }

    async fn conflicts(
        &self,
        _: &OrganizationId,
        _: ConflictStatus,
        _: Option<&ConflictId>,
        _: u16,
    ) -> Result<Page<Conflict>, StoreError> {
        unreachable!("workers list nothing")
    }
}
