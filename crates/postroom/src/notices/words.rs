//! What a notice says. Pure.

use fault::Fault;
use jiff::Timestamp;

use super::decide::Kind;
use crate::web::times::counted;

/// Title and text of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) title: String,
    pub(super) text: String,
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// A trouble: what happened, who must act, what to do.
pub(super) fn trouble(kind: Kind, name: &str, fault: Option<&Fault>) -> Words {
    let title = match kind {
        Kind::ApprovalNeeded => format!("{name} waits for an administrator's approval"),
        Kind::Degraded => format!("{name} has been trying again for half an hour"),
        Kind::Silence => format!("{name}: no mail for an unusual time"),
        Kind::Push => push(name).title,
        Kind::Marks => format!("{name}: handled mail cannot be marked"),
        _ => format!("{name} is offline"),
    };
    let mut text = match fault {
        Some(fault) => sentence(&fault.sentence()),
        None => String::new(),
    };
    if kind == Kind::Marks {
        text.push_str(
            " Mail is read and handled as before; what is to be marked is marked as soon as the mailbox takes it.",
        );
    }
    Words { title, text }
}

/// Silence of a source.
pub(super) fn silence(name: &str, hours: i64, since: Timestamp) -> Words {
    Words {
        title: format!("{name}: no mail for {}", counted(hours, "hour", "hours")),
        text: format!(
            "The newest mail is of {}. The connection answers; look whether mail is forwarded elsewhere, moved by a rule, or \
             lies in Junk.",
            since.strftime("%Y-%m-%d %H:%M UTC")
        ),
    }
}

/// A subscription announces nothing.
pub(super) fn push(name: &str) -> Words {
    Words {
        title: format!("{name}: new mail is not announced any more"),
        text: "Microsoft kept the subscription and announced none of the last mails. The folder is polled instead, as without push: \
               no mail is lost, it only comes a little later. Look whether requests from the internet still reach /push/ of the \
               public address; then press Try push again on the source's page. Postroom tries by itself once a day."
            .to_owned(),
    }
}

/// It announces again.
pub(super) fn push_works(name: &str) -> Words {
    Words {
        title: format!("{name}: new mail is announced again"),
        text: "Microsoft announces new mail again; the folder is read at once.".to_owned(),
    }
}

/// A source was silent, and is not any more.
pub(super) fn mail_comes(name: &str) -> Words {
    Words {
        title: format!("{name}: mail comes again"),
        text: "The silence is over: new mail has come. The alarm goes on listening.".to_owned(),
    }
}

/// Marks are taken again.
pub(super) fn marks_work(name: &str) -> Words {
    Words {
        title: format!("{name}: handled mail is marked again"),
        text: "The mailbox takes the marks again; what had waited is marked now.".to_owned(),
    }
}

/// It is over.
pub(super) fn over(kind: Kind, name: &str, waited: Option<u64>) -> Words {
    let title = match kind {
        Kind::ApprovalGiven => format!("{name}: the approval is given"),
        _ => format!("{name} is back"),
    };
    let text = match waited {
        None => "It works again.".to_owned(),
        Some(0) => "It works again; no mail had waited.".to_owned(),
        Some(1) => "It works again. 1 mail had waited and is handled now.".to_owned(),
        Some(many) => {
            let mails = counted(many, "mail", "mails");
            format!("It works again. {mails} had waited and are handled now, oldest first.")
        }
    };
    Words { title, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every fault of the catalogue gives a notice that says what to do.
    #[test]
    fn every_fault_can_be_told() {
        for entry in fault::catalogue() {
            let words = trouble(Kind::Offline, "support@contoso.test", Some(&Fault::own(entry.id, "")));
            assert!(words.text.contains(entry.mend.trim_end_matches('.')), "{}: {}", entry.id, words.text);
            assert!(!words.text.contains('!') && words.title.contains("support@contoso.test"));
        }
    }

    /// Promise: who is told that it is back is told how many mails waited.
    #[test]
    fn back_says_how_many_waited() {
        assert!(over(Kind::Back, "a", Some(41)).text.contains("41 mails"));
        assert!(over(Kind::Back, "a", Some(1)).text.contains("1 mail had"));
    }

    /// Promise: the silence that a notice names is counted in the noun that fits.
    #[test]
    fn silence_is_named_by_its_hours() {
        let title = |hours| silence("a", hours, Timestamp::UNIX_EPOCH).title;
        assert_eq!([1, 2].map(title), ["a: no mail for 1 hour", "a: no mail for 2 hours"]);
    }
}
