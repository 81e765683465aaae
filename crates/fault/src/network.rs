//! What goes wrong on the way.

use crate::{Class, Entry, Retry, Who};

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
    cause: "A proxy stands in the way and wants a sign-in, or does not let the connection through",
    mend: "Set HTTPS_PROXY with user and password, or let this server through without one.",
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
    &[&DNS, &CONNECT, &REFUSED, &TLS, &PROXY, &PORTAL, &TIMEOUT, &RESET, &BODY];
