//! Names are resolved here, so that what is connected to is what was looked at: a name that led to a public address when
//! it was configured may lead into the account an hour later.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use im_vendors::Reach;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses that a name leads to.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks whom this machine asks.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A host may not be connected to: in words that follow its name.
#[derive(Debug, Clone)]
pub(crate) struct NotAllowed(pub(crate) String);

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAllowed {}

/// Resolves names for connections, and fails where one leads out of reach.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    pub(crate) reach: Reach,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl GuardedResolver {
    /// Names as this machine has them.
    pub(crate) fn by_system(reach: Reach) -> Self {
        let lookup = Arc::new(SystemLookup);
        Self { reach, lookup }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let addresses = this.lookup.addresses(name.as_str()).await?;
            if let Some(why) = this.reach.refuses_resolved(&addresses) {
                return Err(NotAllowed(why).into());
            }
            // Port 0 stands for the URL's.
            let addresses = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
