//! What goes wrong on the way.

use crate::{Class, Entry, Who};

pub(crate) static DNS: Entry = Entry {
    id: "network.dns",
    cause: "The name of the other side cannot be resolved",
    class: Class::Transient,
    who: Who::Operator,
    mend: "Check the address in the settings and the name servers of this machine.",
    link: None,
};
pub(crate) static CONNECT: Entry = Entry {
    id: "network.connect",
    cause: "The other side cannot be reached",
    class: Class::Transient,
    who: Who::Operator,
    mend: "Check the network, a firewall and the address in the settings.",
    link: None,
};
pub(crate) static TLS: Entry = Entry {
    id: "network.tls",
    cause: "The other side's certificate is not trusted, or the encryption failed",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Name your company's authority with ca_file, or mend the certificate.",
    link: None,
};
pub(crate) static TIMEOUT: Entry = Entry {
    id: "network.timeout",
    cause: "The other side did not answer in time",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};
pub(crate) static RESET: Entry = Entry {
    id: "network.reset",
    cause: "The connection broke",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};
pub(crate) static BODY: Entry = Entry {
    id: "network.body",
    cause: "The answer was cut off or cannot be read",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[&DNS, &CONNECT, &TLS, &TIMEOUT, &RESET, &BODY];
