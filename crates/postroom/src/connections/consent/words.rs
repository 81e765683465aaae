//! What is said while an administrator's approval is missing. Pure.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What is known of somebody who waits.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// Microsoft's code.
    pub code: &'a str,
    /// The person's address; empty where it is not known.
    pub who: &'a str,
    /// Client id.
    pub client_id: &'a str,
    /// The consent link.
    pub link: &'a str,
    /// What is asked for, in words.
    pub asked: &'a [String],
    /// Whether the approval is watched for.
    pub is_watched: bool,
    /// Who asks: the user of the console.
    pub asked_by: &'a str,
}

/// What is said to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened.
    pub what: String,
    /// What to do, in this order.
    pub steps: Vec<String>,
    /// What happens by itself.
    pub then: String,
    /// The mail's subject.
    pub subject: String,
    /// The mail's text.
    pub mail: String,
}

impl Words {
    /// The mail as an address that a mail program opens.
    pub fn mailto(&self) -> String {
        let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        format!("mailto:?subject={}&body={}", part(&self.subject), part(&self.mail.replace('\n', "\r\n")))
    }
}

/// The words for somebody who waits. 90095: the tenant takes requests, and its reviewers have it or can get it. 90094: it takes none,
/// and the link is the only way. 65001: nobody has consented, whoever may.
pub fn words(known: &Known<'_>) -> Words {
    let who = if known.who.is_empty() { "This account".to_owned() } else { known.who.to_owned() };
    let (what, mut steps) = match known.code {
        "AADSTS90095" => (
            format!("{who} may not consent: this tenant takes requests for approval, and its reviewers decide."),
            vec![
                "If you sent the request on Microsoft's page, its reviewers have it: they get a mail and find it in the portal.".to_owned(),
                "If you did not, sign in again and send it there, or send the link below to an administrator.".to_owned(),
            ],
        ),
        "AADSTS90094" => (
            format!("{who} may not consent: in this tenant only an administrator can, and there is no way to ask from Microsoft's page."),
            vec!["Send the link below to an administrator of the tenant. One visit is enough.".to_owned()],
        ),
        "AADSTS65004" | "access_denied" => (
            format!("{who} turned back at Microsoft's page. It asks for consent, or says that an administrator has to approve."),
            vec![
                "If the page asked for your consent, sign in again and accept.".to_owned(),
                "If it said that approval is needed, send the link below to an administrator of the tenant.".to_owned(),
            ],
        ),
        _ => (
            format!("Nobody has consented yet to what Postroom asks for as {who}."),
            vec!["Send the link below to an administrator of the tenant. One visit is enough.".to_owned()],
        ),
    };
    steps.push("An administrator can open the link right here, too.".to_owned());
    let then = if known.is_watched {
        "Postroom looks once a minute, and at once when the administrator comes back from the link. You need not sign in again."
    } else {
        "Not even the basic sign-in was let through, so there is nothing to look with. When the administrator comes back from the \
         link, this page says so: then sign in."
    };
    let asked: String = known.asked.iter().flat_map(|line| ["- ", line, "\n"]).collect();
    let mail = format!(
        "Hello,\n\n\
         I would like to use Postroom, our mail handler for Jira, with the mailbox {mailbox}. Microsoft says that an administrator \
         has to approve it ({code}).\n\n\
         It asks for:\n{asked}\n\
         Approving is one visit to this page at Microsoft:\n{link}\n\n\
         It approves these permissions for everybody in the tenant who signs in to Postroom (application id {client_id}). Each of \
         them still signs in with their own account, and Postroom reads only the mailboxes that they connect.\n\n\
         Asked for by {by}.\n",
        mailbox = if known.who.is_empty() { "that I want to connect" } else { known.who },
        code = if known.code.is_empty() { "approval needed" } else { known.code },
        link = known.link,
        client_id = known.client_id,
        by = known.asked_by,
    );
    Words {
        what,
        steps,
        then: then.to_owned(),
        subject: "Approval for Postroom in our Microsoft 365 tenant".to_owned(),
        mail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known<'a>(code: &'a str, asked: &'a [String]) -> Known<'a> {
        Known {
            code,
            who: "support@contoso.com",
            client_id: "c-1",
            link: "https://login.example.com/t/v2.0/adminconsent?state=s&scope=a+b",
            asked,
            is_watched: true,
            asked_by: "owner@contoso.com",
        }
    }

    /// Promise: 90094 and 90095 lead to different next steps, and each word for the administrator stands in the mail.
    #[test]
    fn each_code_has_its_next_steps() {
        let asked = ["read this mailbox (Mail.ReadWrite)".to_owned()];
        let [none, request, nobody, turned] = ["AADSTS90094", "AADSTS90095", "AADSTS65001", "AADSTS65004"]
            .map(|code| words(&known(code, &asked)));
        assert!(none.what.contains("no way to ask") && !none.steps[0].contains("reviewers"), "{none:?}");
        assert!(
            request.steps[0].contains("reviewers") && request.steps[1].contains("sign in again"),
            "{request:?}"
        );
        assert!(nobody.what.contains("Nobody has consented"), "{nobody:?}");
        assert!(turned.steps[0].contains("accept"), "{turned:?}");
        for part in [
            "support@contoso.com",
            "c-1",
            "Mail.ReadWrite",
            "AADSTS90094",
            "owner@contoso.com",
            "adminconsent?state=s",
        ] {
            assert!(none.mail.contains(part), "{part}: {}", none.mail);
        }
    }

    /// Promise: the mail opens in a mail program whole, whatever stands in it.
    #[test]
    fn the_mail_opens_whole() {
        let asked = ["a & b?".to_owned()];
        let words = words(&known("AADSTS90094", &asked));
        let url = url::Url::parse(&words.mailto()).expect("an address");
        let body = url.query_pairs().find(|(name, _)| name == "body").expect("a body").1.into_owned();
        assert_eq!(body.replace("\r\n", "\n"), words.mail);
        assert!(!words.mailto().contains('+'), "mail programs show a plus as a plus");
    }

    /// Promise: it is not said that somebody looks where nobody can.
    #[test]
    fn nothing_is_promised_that_cannot_be_kept() {
        let asked: [String; 0] = [];
        let words = words(&Known { is_watched: false, who: "", ..known("AADSTS90094", &asked) });
        assert!(
            words.then.contains("then sign in") && !words.then.contains("once a minute"),
            "{}",
            words.then
        );
    }
}
