//! What goes wrong on the way, and how it is told from what a client library says.

use std::error::Error;
use std::io;

use crate::{Class, Entry, NetworkKind, Retry, Who};

pub(crate) static DNS: Entry = Entry {
    id: "network.dns",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    cause: "The name of the other side cannot be resolved",
    mend: "Check the address in the settings and the name servers of this machine.",
    ..Entry::BLANK
};
pub(crate) static CONNECT: Entry = Entry {
    id: "network.connect",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    cause: "The other side cannot be reached",
    mend: "Check the network, a firewall and the address in the settings.",
    ..Entry::BLANK
};
pub(crate) static REFUSED: Entry = Entry {
    id: "network.refused",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    cause: "The other side refuses the connection: nothing listens there, or a firewall turns it away",
    mend: "Check the address and the port in the settings, and the firewall.",
    ..Entry::BLANK
};
pub(crate) static TLS: Entry = Entry {
    id: "network.tls",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The other side's certificate is not trusted, or the encryption failed",
    mend: "Name your company's authority with ca_file, or mend the certificate.",
    ..Entry::BLANK
};
pub(crate) static PROXY: Entry = Entry {
    id: "network.proxy",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "A proxy stands in the way and wants a sign-in",
    mend: "Set HTTPS_PROXY with user and password, or let this server through without one.",
    ..Entry::BLANK
};
/// A proxy's answer to CONNECT that is neither a yes nor 407. Which one it was (403, 502, 504 …) the client library does not tell: what
/// can pass by itself is taken to.
pub(crate) static TUNNEL: Entry = Entry {
    id: "network.tunnel",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    cause: "A proxy on the way did not bring the connection about: it does not reach the server, or bars it",
    mend: "Wait: Postroom tries again by itself. If it stays, have the proxy let this server through.",
    ..Entry::BLANK
};
pub(crate) static PORTAL: Entry = Entry {
    id: "network.portal",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    cause: "A web page came in place of an answer: a proxy or a sign-in page of the network stands in between",
    mend: "Open the address in a browser on this machine and see what comes; let this server through.",
    ..Entry::BLANK
};
pub(crate) static TIMEOUT: Entry = Entry {
    id: "network.timeout",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The other side did not answer in time",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static RESET: Entry = Entry {
    id: "network.reset",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The connection broke",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static BODY: Entry = Entry {
    id: "network.body",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The answer was cut off or cannot be read",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};

/// All of this page.
pub(crate) static ALL: &[&Entry] =
    &[&DNS, &CONNECT, &REFUSED, &TLS, &PROXY, &TUNNEL, &PORTAL, &TIMEOUT, &RESET, &BODY];

/// What a firewall or a proxy has to let through for Microsoft 365, and for Jira Cloud.
pub(crate) const ADDRESSES: [(&str, &str, &[&str]); 2] = [
    (
        "Addresses of Microsoft 365",
        "https://learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges",
        &[
            "microsoft.com",
            "microsoftonline.com",
            "microsoftonline.us",
            "microsoftonline.cn",
            "microsoft.us",
            "office365.com",
            "office365.us",
            "office.com",
            "chinacloudapi.cn",
            "partner.outlook.cn",
        ],
    ),
    (
        "Addresses of Jira Cloud",
        "https://support.atlassian.com/organization-administration/docs/ip-addresses-and-domains-for-atlassian-cloud-products/",
        &["atlassian.net", "atlassian.com", "jira.com"],
    ),
];

/// Where the addresses of a host's service are listed; none for a server of one's own.
pub(crate) fn addresses_of(host: &str) -> Option<&'static str> {
    let is_of =
        |domain: &&str| host.strip_suffix(*domain).is_some_and(|name| name.is_empty() || name.ends_with('.'));
    ADDRESSES.iter().find(|(_, _, domains)| domains.iter().any(is_of)).map(|found| found.1)
}

/// What a client library tells of a request that failed on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure<'a> {
    /// There was no answer in time.
    pub is_timeout: bool,
    /// There was no connection yet; the encryption is part of it.
    pub is_connect: bool,
    /// The answer's body broke off, or cannot be decoded.
    pub is_body: bool,
    /// What the operating system said, as [`innermost_io`] finds it.
    pub io: Option<io::ErrorKind>,
    /// The library's words, with those of its sources.
    pub words: &'a str,
}

impl NetworkKind {
    /// What went wrong. Names, certificates and proxies libraries tell apart in words only.
    pub fn of(failure: &Failure<'_>) -> Self {
        let lower = failure.words.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if failure.is_timeout {
            return Self::Timeout;
        }
        if !failure.is_connect {
            return if failure.is_body { Self::Body } else { Self::Reset };
        }
        if says(&["dns error", "lookup address", "name or service"]) {
            Self::Dns
        } else if says(&["certificate", "fatal alert", "peer is incompatible"]) {
            // A handshake that merely broke off is no judgement on a certificate, and passes.
            Self::Tls
        } else if says(&["proxy auth"]) {
            Self::Proxy
        } else if says(&["proxy", "tunnel"]) {
            Self::Tunnel
        } else if failure.io == Some(io::ErrorKind::ConnectionRefused) || says(&["connection refused"]) {
            Self::Refused
        } else if failure.io.is_some_and(breaks_off)
            || says(&["handshake eof", "unexpected eof", "reset", "closed"])
        {
            Self::Reset
        } else {
            Self::Connect
        }
    }
}

/// Whether a connection that was there ended under it.
fn breaks_off(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// What the operating system, or the encryption in its place, said at the bottom of an error. Errors of I/O are wrapped into each
/// other, where `source` steps over the inner one.
pub fn innermost_io(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        let mut level = error.downcast_ref::<io::Error>();
        while let Some(io) = level {
            found = Some(io.kind());
            level = io.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
        }
        next = error.source();
    }
    found
}
