//! What Entra grants an application beside its fence. Exchange's roles fence it, but whatever Entra grants it for mail adds up with them
//! and reaches every mailbox, unless an application access policy restricts it. A check only reads; what the application could send as
//! everybody stands in its token.

use fault::Fault;
use microsoft::signin;
use uuid::Uuid;

use super::Connections;
use super::application::Fence;
use super::goal::Way;
use crate::web::times::counted;

/// What is known of what Entra grants it for mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// The token does not tell.
    Unknown,
    /// Nothing: Exchange's roles alone count.
    Nothing,
    /// These, and an access policy restricts them: the mailbox outside could be read with them, and was refused.
    Restricted(Vec<String>),
    /// These, which nothing restricts as far as is known.
    Open(Vec<String>),
}

/// Whether a permission is one for mail.
fn is_for_mail(role: &str) -> bool {
    role.starts_with("Mail.") || is_whole(role)
}

/// Whether it opens everything over EWS.
fn is_whole(role: &str) -> bool {
    role.eq_ignore_ascii_case("full_access_as_app")
}

/// Whether the inbox of a mailbox could be counted with it.
fn reads(role: &str) -> bool {
    role.starts_with("Mail.Read") || is_whole(role)
}

/// What the roles of a token say, beside what came of reading the mailbox outside.
pub fn judge(read: Fence, roles: Option<&[String]>) -> (Fence, Granted) {
    let Some(roles) = roles else { return (read, Granted::Unknown) };
    let mail: Vec<String> = roles.iter().filter(|role| is_for_mail(role)).cloned().collect();
    if mail.is_empty() {
        return (read, Granted::Nothing);
    }
    match read {
        // A policy restricts the application in all that Entra grants it.
        Fence::Holds if mail.iter().any(|role| reads(role)) => (read, Granted::Restricted(mail)),
        // Whether there is one, a mailbox that exists would tell.
        Fence::Unclear if mail.iter().any(|role| reads(role)) => (read, Granted::Unknown),
        _ => (Fence::Open, Granted::Open(mail)),
    }
}

impl Granted {
    /// What is said beside a refusal that proves the fence for reading.
    pub fn words(&self) -> String {
        match self {
            Self::Unknown => "Sending was not tried, and the token does not tell what Entra grants for it.".to_owned(),
            Self::Nothing => {
                "Sending was not tried. Entra grants the application nothing for mail, so Exchange's roles alone count."
                    .to_owned()
            }
            Self::Restricted(roles) | Self::Open(roles) => format!(
                "Sending was not tried. What Entra grants it ({}) is restricted by an application access policy.",
                roles.join(", ")
            ),
        }
    }

    /// What is wrong, where reading was refused and something else is open.
    pub fn fault(&self, control: &str) -> Option<Fault> {
        let Self::Open(roles) = self else { return None };
        let text = format!(
            "{control} cannot be read, but Entra grants the application {}, which counts for every mailbox of the tenant",
            roles.join(", ")
        );
        Some(Fault::own("own.fence", &text))
    }
}

/// The fence's line in a check: a refusal with its proof, or what is wrong.
pub fn told(control: &str, outcome: Result<u64, Fault>, granted: &Granted) -> Result<String, Fault> {
    let read = Fence::of(&outcome);
    let refusal = match outcome {
        Ok(count) => {
            let mails = counted(count, "mail", "mails");
            return Err(Fault::own(
                "own.fence",
                &format!("{control} can be read, with {mails} in its inbox"),
            ));
        }
        Err(fault) => fault,
    };
    match granted.fault(control) {
        Some(open) => Err(open),
        None if read == Fence::Holds => {
            let code = if refusal.code.starts_with("HTTP") {
                refusal.code.clone()
            } else {
                format!("HTTP {} {}", refusal.status.unwrap_or_default(), refusal.code)
            };
            let request = refusal.ids.trace.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
            Ok(format!(
                "{control} is refused, as it should be: the fence holds for reading. Microsoft's answer: {code}{request}. {}",
                granted.words()
            ))
        }
        None => Err(refusal),
    }
}

/// The permissions that a new token of the application names; none where it gives none, or cannot be read.
pub async fn roles(connections: &Connections, account: Uuid, way: &Way) -> Option<Vec<String>> {
    let asked = async {
        let tokens = connections.tokens_over(way.over, account, &way.ews_url).await?;
        let held = tokens.get().await?;
        // What was granted or taken back meanwhile stands in a new one only.
        tokens.refused(&held).await
    };
    signin::roles(&asked.await.ok()?)
}

/// Whether Entra lets the application into everything over EWS, where it is not used over EWS.
pub async fn opens_ews(connections: &Connections, account: Uuid) -> Option<String> {
    roles(connections, account, &Way::ews("")).await?.into_iter().find(|role| is_whole(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(read: Fence, roles: &[&str]) -> (Fence, Granted) {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        judge(read, Some(&roles))
    }

    /// Promise: a permission of Entra to send opens the fence, however well reading is refused, and is named; one to read that is refused
    /// all the same shows that a policy restricts them; what is not for mail counts for nothing.
    #[test]
    fn what_entra_grants_opens_the_fence() {
        let (fence, granted) = judged(Fence::Holds, &["Mail.Send", "User.Read.All"]);
        assert_eq!((fence, &granted), (Fence::Open, &Granted::Open(vec!["Mail.Send".to_owned()])));
        let fault = granted.fault("ceo@contoso.test").expect("a fault");
        assert!(
            fault.detail.contains("Mail.Send") && fault.detail.contains("ceo@contoso.test"),
            "{}",
            fault.detail
        );
        assert_eq!(fault.entry.id, "own.fence");

        let (fence, granted) = judged(Fence::Holds, &["Mail.ReadWrite", "Mail.Send"]);
        assert_eq!(fence, Fence::Holds);
        assert!(granted.fault("").is_none() && granted.words().contains("access policy"), "{granted:?}");
        assert_eq!(judged(Fence::Holds, &["full_access_as_app"]).0, Fence::Holds);

        assert_eq!(judged(Fence::Holds, &["Application.Read.All"]), (Fence::Holds, Granted::Nothing));
        assert_eq!(judge(Fence::Holds, None), (Fence::Holds, Granted::Unknown));
        // A mailbox that is not found proves nothing of what a policy may restrict.
        assert_eq!(judged(Fence::Unclear, &["Mail.Read"]).0, Fence::Unclear);
        assert_eq!(judged(Fence::Open, &["Mail.Read"]).0, Fence::Open);
        assert_eq!(judged(Fence::Unclear, &[]).0, Fence::Unclear);
        for granted in [Granted::Unknown, Granted::Nothing] {
            assert!(granted.words().contains("Sending was not tried"), "{granted:?}");
        }
    }
}
