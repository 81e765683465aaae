//! Keeps addresses that people typed out of the private network: a host is looked up, and every address that it has must be
//! a public one, unless the operator allows the host (`[notices] allow_hosts`). The connection goes to the addresses that
//! were looked at, so a name that changes its mind in between gains nothing. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why an address is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is a private address.
    #[error(
        "{host} is {address}, an address of a private network. If it is meant, have whoever runs Postroom add the host to \
         [notices] allow_hosts"
    )]
    Private {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// It is not encrypted.
    #[error(
        "{host} is reached without TLS: use https, or have whoever runs Postroom add the host to [notices] allow_hosts"
    )]
    Plain {
        /// The host.
        host: String,
    },
    /// It is no address of the web.
    #[error("this is no web address: write one that begins with https:// and holds no user name")]
    NoAddress,
}

/// Which hosts may be reached.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Arc<[String]>,
}

impl Guard {
    /// Hosts that may be private, as the settings name them.
    pub fn new(allowed: &[String]) -> Self {
        Self { allowed: allowed.iter().map(|host| plain(host)).collect() }
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed.contains(&plain(host))
    }

    /// Judges an address before a name is looked up.
    pub fn judge(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host().ok_or(Refused::NoAddress)?;
        let is_web = matches!(url.scheme(), "http" | "https");
        if !is_web || !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::NoAddress);
        }
        let name = host.to_string();
        if self.allows(&name) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Refused::Plain { host: name });
        }
        match host {
            Host::Ipv4(address) => public(&name, IpAddr::V4(address)),
            Host::Ipv6(address) => public(&name, IpAddr::V6(address)),
            Host::Domain(_) => Ok(()),
        }
    }

    /// Judges the addresses that a name has.
    pub fn judge_found(&self, host: &str, found: &[SocketAddr]) -> Result<(), Refused> {
        if self.allows(host) {
            return Ok(());
        }
        found.iter().try_for_each(|address| public(host, address.ip()))
    }
}

fn plain(host: &str) -> String {
    host.trim().trim_end_matches('.').trim_matches(['[', ']']).to_ascii_lowercase()
}

fn public(host: &str, address: IpAddr) -> Result<(), Refused> {
    if is_public(address) { Ok(()) } else { Err(Refused::Private { host: host.to_owned(), address }) }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            guard.judge_found(name.as_str(), &found)?;
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

/// Whether an address is one of the public internet (IANA special-purpose registries; addresses that carry an IPv4 address
/// are judged by it).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113);
    !(special
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // IPv4-mapped, NAT64, and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        // Only 2000::/3 is handed out as global unicast; in it lie Teredo and other protocol assignments, and documentation.
        [first, second, ..] => {
            let special = (first == 0x2001 && (second < 0x200 || second == 0xdb8)) || first == 0x3fff;
            (0x2000..0x4000).contains(&first) && !special
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Promise: what is not of the public internet is refused, in whatever form it is written.
    #[rstest]
    #[case("127.0.0.1", false)]
    #[case("10.1.2.3", false)]
    #[case("172.16.0.1", false)]
    #[case("192.168.1.1", false)]
    #[case("169.254.169.254", false)]
    #[case("100.64.0.1", false)]
    #[case("0.0.0.0", false)]
    #[case("224.0.0.1", false)]
    #[case("255.255.255.255", false)]
    #[case("198.18.0.1", false)]
    #[case("::1", false)]
    #[case("::", false)]
    #[case("fe80::1", false)]
    #[case("fd00::1", false)]
    #[case("::ffff:10.0.0.1", false)]
    #[case("64:ff9b::a00:1", false)]
    #[case("2002:a00:1::", false)]
    #[case("2001::1", false)]
    #[case("2001:db8::1", false)]
    #[case("ff02::1", false)]
    #[case("8.8.8.8", true)]
    #[case("172.32.0.1", true)]
    #[case("2606:4700::1111", true)]
    #[case("::ffff:8.8.8.8", true)]
    fn private_addresses_are_known(#[case] address: IpAddr, #[case] expected: bool) {
        assert_eq!(is_public(address), expected);
    }

    /// Promise: addresses are judged before and after the look-up; what the operator allows passes.
    #[rstest]
    #[case("https://hooks.example.com/x", true)]
    #[case("http://hooks.example.com/x", false)]
    #[case("https://127.0.0.1/x", false)]
    #[case("https://2130706433/x", false)]
    #[case("https://0x7f.1/x", false)]
    #[case("https://[::ffff:127.0.0.1]/x", false)]
    #[case("https://user:word@hooks.example.com/x", false)]
    #[case("file:///etc/passwd", false)]
    #[case("http://inside.contoso.test:8080/x", true)]
    #[case("http://10.0.0.5/x", true)]
    fn addresses_are_judged(#[case] url: Url, #[case] good: bool) {
        let guard = Guard::new(&["Inside.contoso.test".to_owned(), "10.0.0.5".to_owned()]);
        assert_eq!(guard.judge(&url).is_ok(), good, "{:?}", guard.judge(&url));
    }

    /// Promise: one private address among several is enough to refuse a name.
    #[test]
    fn every_address_of_a_name_counts() {
        let guard = Guard::new(&["inside.contoso.test".to_owned()]);
        let found: Vec<SocketAddr> = vec!["8.8.8.8:0".parse().unwrap(), "10.0.0.9:0".parse().unwrap()];
        assert!(guard.judge_found("evil.example.com", &found).is_err());
        assert!(guard.judge_found("inside.contoso.test", &found).is_ok());
        assert!(guard.judge_found("good.example.com", &found[..1]).is_ok());
    }

    proptest! {
        /// Promise: an IPv4 address is judged the same in its IPv6 clothes.
        #[test]
        fn clothes_do_not_matter(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(is_public(IpAddr::V4(address)), is_public(IpAddr::V6(address.to_ipv6_mapped())));
        }
    }
}
