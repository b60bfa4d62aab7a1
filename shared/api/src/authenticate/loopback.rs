//! A caller without a token, on the machine that the system runs on.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use axum::http::HeaderValue;
use im_model::{ActorId, OrganizationId};

use super::{Authenticator, Unauthenticated};
use crate::caller::{ADMINISTRATOR, Caller};

/// For a system that only its own machine can reach: whoever sends no token is a local administrator. A token is
/// verified like everywhere else.
pub struct LoopbackAdministrator {
    inner: Arc<dyn Authenticator>,
    administrator: Caller,
}

impl LoopbackAdministrator {
    /// Who the local administrator says to be.
    pub const SUBJECT: &'static str = "local-administrator";

    /// Asks `inner` about tokens; the local administrator belongs to this organization.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the subject is a constant, and a test builds it"
    )]
    pub fn new(inner: Arc<dyn Authenticator>, organization: OrganizationId) -> Self {
        let subject = ActorId::parse(Self::SUBJECT).expect("is a valid actor");
        let roles = BTreeSet::from([ADMINISTRATOR.to_owned()]);
        let administrator = Caller {
            subject,
            organization,
            roles,
            scopes: BTreeSet::new(),
        };
        Self {
            inner,
            administrator,
        }
    }
}

#[async_trait]
impl Authenticator for LoopbackAdministrator {
    async fn authenticate(
        &self,
        authorization: Option<&HeaderValue>,
    ) -> Result<Caller, Unauthenticated> {
        match authorization {
            None => Ok(self.administrator.clone()),
            Some(_) => self.inner.authenticate(authorization).await,
        }
    }
}
