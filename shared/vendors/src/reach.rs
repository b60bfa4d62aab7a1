//! Where a request may go. An integration's address is typed in by somebody, and a function stands inside an account: of
//! what is reachable from there, only the public internet is any business of an integration's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// How far requests may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the public internet.
    Public,
    /// These, and this machine's own loopback: for a vendor's stand-in beside the system.
    PublicAndThisMachine,
}

/// Names that mean this machine or its network, whatever they resolve to at the time.
const INSIDE: [&str; 3] = ["internal", "local", "localdomain"];

impl Reach {
    /// May a connection be made to this address?
    pub fn allows(self, address: IpAddr) -> bool {
        let is_this_machine = self == Self::PublicAndThisMachine && address.is_loopback();
        is_this_machine || is_public(address)
    }

    /// Why a URL must not be asked, as far as it shows without resolving its host's name: in words that follow the URL.
    pub fn refuses(self, url: &Url) -> Option<String> {
        match url.host()? {
            Host::Domain(name) => self
                .refuses_name(name)
                .then(|| format!("names a host that is not public ({name})")),
            Host::Ipv4(address) => self.refuses_address(address.into()),
            Host::Ipv6(address) => self.refuses_address(address.into()),
        }
    }

    /// Why a host must not be connected to that leads to these addresses. One that is not allowed is enough: which of
    /// them a connection takes is chance, or an attacker's choice.
    pub fn refuses_resolved(self, addresses: &[IpAddr]) -> Option<String> {
        let mut all = addresses.iter();
        all.find_map(|address| self.refuses_address(*address))
    }

    fn refuses_address(self, address: IpAddr) -> Option<String> {
        (!self.allows(address))
            .then(|| format!("leads to an address that is not public ({address})"))
    }

    fn refuses_name(self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let last = name.rsplit('.').next().unwrap_or_default();
        match last {
            "localhost" => self != Self::PublicAndThisMachine,
            _ => INSIDE.contains(&last),
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// All but IANA's special-purpose addresses, multicast and what is reserved.
#[expect(
    clippy::unnested_or_patterns,
    reason = "a range is read as it is written"
)]
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback; multicast, reserved and broadcast.
        (0 | 10 | 127 | 224.., _, _)
        // Carrier-grade NAT.
        | (100, 64..=127, _)
        // Link-local: instance metadata, credentials of tasks.
        | (169, 254, _)
        // Private.
        | (172, 16..=31, _) | (192, 168, _)
        // Protocol assignments, 6to4 relays, benchmarking.
        | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _)
        // Documentation.
        | (192, 0, 2) | (198, 51, 100) | (203, 0, 113)
    )
}

/// Global unicast (`2000::/3`) less what is special within it. So loopback, unspecified, link-local, site-local, unique
/// local, multicast, discard, IPv4-mapped and IPv4-compatible addresses are refused without being named. Those that
/// wrap an IPv4 address lead there, and are judged by it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64, by which a network without IPv4 reaches a public address, and 6to4. `64:ff9b:1::/48` is for a network's
        // own.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocol assignments, Teredo among them (`2001::/32`), which wraps two addresses, one of them disguised; then
        // documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
