//! What goes wrong on the way: a row for each kind, and how a client library's words are told apart.

use super::codes::reads_well;
use super::*;
use Class::{Configuration, Transient};
use Retry::{Slow, Soon};
use Who::{Nobody, Operator};

/// What goes wrong on the way, by its kind and the words that are shown as its code.
pub(super) const NETWORK: &[(NetworkKind, &str, &str, Class, Who, Retry)] = &[
    (NetworkKind::Dns, "DNS", "network.dns", Transient, Operator, Soon),
    (NetworkKind::Connect, "connect", "network.connect", Transient, Operator, Soon),
    (NetworkKind::Refused, "connection refused", "network.refused", Transient, Operator, Soon),
    (NetworkKind::Proxy, "proxy", "network.proxy", Configuration, Operator, Slow),
    (NetworkKind::Tunnel, "proxy tunnel", "network.tunnel", Transient, Operator, Soon),
    (NetworkKind::Tls, "TLS", "network.tls", Configuration, Operator, Slow),
    (NetworkKind::Timeout, "time-out", "network.timeout", Transient, Nobody, Soon),
    (NetworkKind::Reset, "connection reset", "network.reset", Transient, Nobody, Soon),
    (NetworkKind::Body, "answer cut off", "network.body", Transient, Nobody, Soon),
];

pub(super) fn of_network(kind: NetworkKind) -> Fault {
    Fault::network(&Network { kind, host: "graph.microsoft.com", detail: "" })
}

/// Promise: whatever goes wrong on the way has its entry; a new kind does not compile without a look at this table.
#[test]
fn every_fault_of_the_network_has_its_entry() {
    for (kind, code, id, class, who, retry) in NETWORK {
        match kind {
            NetworkKind::Dns
            | NetworkKind::Connect
            | NetworkKind::Refused
            | NetworkKind::Proxy
            | NetworkKind::Tunnel
            | NetworkKind::Tls
            | NetworkKind::Timeout
            | NetworkKind::Reset
            | NetworkKind::Body => {}
        }
        let fault = of_network(*kind);
        let entry = fault.entry;
        assert_eq!((entry.id, entry.class, entry.who, entry.retry), (*id, *class, *who, *retry), "{kind:?}");
        reads_well(&fault, code);
    }
    let told = |entry: &&Entry| NETWORK.iter().any(|row| row.2 == entry.id);
    let untold: Vec<&str> =
        crate::network::ALL.iter().filter(|entry| !told(entry)).map(|entry| entry.id).collect();
    assert_eq!(untold, ["network.portal"], "a page in place of an answer is told by its body, not by a kind");
}

/// Promise: a certificate that is refused and a proxy that wants a sign-in need a person; a handshake that merely broke off, a proxy that
/// does not reach the server for a moment, a name that is not found and a port where nobody listens pass by themselves, and each is told
/// as what it is.
#[test]
fn what_a_library_says_of_a_failure_is_told_apart() {
    use std::io::ErrorKind;
    let connect = |io, words| Failure { is_connect: true, io, words, ..Failure::default() };
    for (failure, kind) in [
        (
            connect(None, "client error (Connect): dns error: failed to lookup address information"),
            NetworkKind::Dns,
        ),
        (
            connect(
                Some(ErrorKind::InvalidData),
                "client error (Connect): invalid peer certificate: UnknownIssuer",
            ),
            NetworkKind::Tls,
        ),
        (connect(Some(ErrorKind::InvalidData), "received fatal alert: HandshakeFailure"), NetworkKind::Tls),
        (
            connect(Some(ErrorKind::InvalidData), "peer is incompatible: ServerDoesNotSupportTls12Or13"),
            NetworkKind::Tls,
        ),
        (
            connect(Some(ErrorKind::UnexpectedEof), "client error (Connect): tls handshake eof"),
            NetworkKind::Reset,
        ),
        (connect(None, "tls handshake eof"), NetworkKind::Reset),
        (
            connect(Some(ErrorKind::ConnectionReset), "tls: Connection reset by peer (os error 104)"),
            NetworkKind::Reset,
        ),
        (connect(Some(ErrorKind::BrokenPipe), "handshake"), NetworkKind::Reset),
        (connect(Some(ErrorKind::ConnectionAborted), ""), NetworkKind::Reset),
        (connect(None, "connection closed before the handshake was over"), NetworkKind::Reset),
        (
            connect(
                Some(ErrorKind::ConnectionRefused),
                "tcp connect error: Connection refused (os error 111)",
            ),
            NetworkKind::Refused,
        ),
        (connect(None, "tunnel error: unsuccessful"), NetworkKind::Tunnel),
        (
            connect(Some(ErrorKind::UnexpectedEof), "tunnel error: unexpected end of file"),
            NetworkKind::Tunnel,
        ),
        (connect(None, "tunnel error: proxy authorization required"), NetworkKind::Proxy),
        (
            connect(Some(ErrorKind::NetworkUnreachable), "Network is unreachable (os error 101)"),
            NetworkKind::Connect,
        ),
        (
            connect(Some(ErrorKind::InvalidData), "received corrupt message of type InvalidContentType"),
            NetworkKind::Connect,
        ),
        (
            Failure { is_timeout: true, ..connect(Some(ErrorKind::TimedOut), "tls handshake timed out") },
            NetworkKind::Timeout,
        ),
        (Failure { is_timeout: true, is_body: true, ..Failure::default() }, NetworkKind::Timeout),
        (
            Failure {
                is_body: true,
                words: "end of file before message length reached",
                ..Failure::default()
            },
            NetworkKind::Body,
        ),
        (Failure { io: Some(ErrorKind::ConnectionReset), ..Failure::default() }, NetworkKind::Reset),
        (
            Failure { words: "connection closed before message completed", ..Failure::default() },
            NetworkKind::Reset,
        ),
    ] {
        assert_eq!(NetworkKind::of(&failure), kind, "{failure:?}");
    }
}

/// Promise: what the operating system said is found however often it was wrapped.
#[test]
fn the_innermost_error_of_the_system_is_found() {
    use std::io::{Error, ErrorKind};
    let eof = Error::new(ErrorKind::UnexpectedEof, "tls handshake eof");
    assert_eq!(innermost_io(&Error::other(Error::other(eof))), Some(ErrorKind::UnexpectedEof));
    assert_eq!(innermost_io(&Error::from(ErrorKind::ConnectionReset)), Some(ErrorKind::ConnectionReset));
    assert_eq!(innermost_io(&of_network(NetworkKind::Dns)), None);
}

/// Promise: what goes wrong on the way leads to the addresses that have to be let through for that service, and for a server of one's own to
/// nobody else's.
#[test]
fn the_addresses_of_a_service_are_where_it_lists_them() {
    let of =
        |host| Fault::network(&Network { kind: NetworkKind::Dns, host, detail: "no such name" }).read_more();
    for host in ["graph.microsoft.com", "login.microsoftonline.us", "outlook.office365.com"] {
        assert!(of(host).is_some_and(|link| link.contains("learn.microsoft.com")), "{host}");
    }
    for host in ["contoso.atlassian.net", "api.atlassian.com"] {
        assert!(of(host).is_some_and(|link| link.contains("support.atlassian.com")), "{host}");
    }
    for host in ["jira.contoso.test", "127.0.0.1", "notmicrosoft.com", "atlassian.net.contoso.test", ""] {
        assert_eq!(of(host), None, "{host}");
    }
}
