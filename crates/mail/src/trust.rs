//! Whether the author of a mail is who the mail says: from what the receiving Exchange stamped, and from nothing else.
//!
//! What counts, in this order:
//!
//! 1. `X-MS-Exchange-Organization-AuthAs: Internal`: the sender was signed in to the same organisation. Exchange takes every
//!    `X-MS-Exchange-Organization-…` field out of mail that comes from strangers (its *header firewall*), so that the field can be
//!    believed in a mailbox of Exchange; a connector that calls its partner internal makes partners internal. It is not believed
//!    where it stands more than once with different values, where Exchange says beside it that the mail came from the internet, or
//!    where the author's domain is none of the organisation's. `X-MS-Exchange-CrossTenant-AuthAs` tells how the sender stood in *his*
//!    organisation, and says nothing here.
//! 2. The results of a gateway in front of Exchange, where the settings name one: Exchange itself sees only the gateway then.
//! 3. The topmost `Authentication-Results`, where Exchange Online wrote it: it has no authserv-id, and only Exchange's own servers
//!    stand in the `Received` fields above it. `compauth` is Exchange's summary and decides; DMARC where there is none. Fields
//!    further below came with the mail, and are a stranger's word. So is ARC (`ARC-Authentication-Results`).
//!
//! Sources: RFC 8601, RFC 7489, and Microsoft's pages on message headers and header firewalls.

mod network;
mod received;
mod results;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::network::{Network, NoNetwork};
use self::received::Received;
pub use self::results::{AuthenticationResults, MethodResult};
use crate::{Address, Header, Mail};

/// Most fields of one name that are looked at.
const MAX_FIELDS: usize = 50;

const AUTH_AS: &str = "X-MS-Exchange-Organization-AuthAs";
const FROM_ENTITY: &str = "X-MS-Exchange-CrossTenant-FromEntityHeader";
const RESULTS: &str = "Authentication-Results";

/// How far the author of a mail is known to be who the mail says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustClass {
    /// Shown not to be.
    Failed,
    /// Not known.
    #[default]
    Unverified,
    /// The author's domain sent it.
    Verified,
    /// Signed in to the organisation that the mailbox is of.
    Internal,
}

impl TrustClass {
    /// Every class, least trusted first.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Unverified, Self::Verified, Self::Internal];

    /// As rules and traces name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Failed => "failed",
        }
    }

    /// Whether the author's address may be acted on.
    pub fn is_known(self) -> bool {
        matches!(self, Self::Internal | Self::Verified)
    }
}

/// The class of a mail's author, with its reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// The class.
    pub class: TrustClass,
    /// Why, in words, without a full stop.
    pub why: String,
    /// The header field that decided, where one did.
    pub evidence: Option<Header>,
    /// What else was noticed, a sentence each without a full stop: what was not believed, and who sent on the author's behalf.
    pub notes: Vec<String>,
}

/// What may be believed beyond Exchange's own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrustSettings {
    /// The organisation's own domains. Where any is named, mail counts as internal only with an author of one of them.
    pub domains: Vec<String>,
    /// Mail gateways in front of Exchange whose results count.
    pub gateways: Vec<Gateway>,
    /// Whether Exchange's word that a sender was signed in counts. To be turned off where a connector calls outsiders internal.
    pub internal: bool,
    /// Whether a chain of seals (ARC) counts that Exchange found good enough to pass a mail whose own checks failed.
    pub arc: bool,
}

impl Default for TrustSettings {
    fn default() -> Self {
        Self { domains: Vec::new(), gateways: Vec::new(), internal: true, arc: false }
    }
}

/// A mail gateway in front of Exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// The name it signs `Authentication-Results` with (its authserv-id), such as `mx.example.net`.
    pub name: String,
    /// The addresses from which it hands mail to Exchange. Where any is named, its results count only in mail that Exchange got from
    /// there, so that mail sent around the gateway cannot bring results of its own.
    pub addresses: Vec<Network>,
}

impl Trust {
    /// The trust in a mail's author by these settings. [`crate::Verdicts::trust`] is the same by the default settings.
    pub fn of(mail: &Mail, settings: &TrustSettings) -> Self {
        let authors =
            if mail.verdicts.several_authors { Authors::Several } else { Authors::of(mail.from.as_ref()) };
        Self::judge(&mail.headers, &authors, mail.sender.as_ref(), settings)
    }

    pub(crate) fn judge(
        headers: &[Header],
        authors: &Authors<'_>,
        sender: Option<&Address>,
        settings: &TrustSettings,
    ) -> Self {
        let stamped = Stamped { headers, settings };
        let mut notes = Vec::new();
        let mut trust = match authors {
            Authors::None => Self::new(TrustClass::Unverified, "the mail names no author", None),
            Authors::Several => {
                let trust = stamped.find("", &mut notes);
                let why = "the mail names several authors, and nobody vouches for more than one";
                match trust.class {
                    TrustClass::Failed => trust,
                    _ => Self::new(TrustClass::Unverified, why, trust.evidence),
                }
            }
            Authors::One(from) => match domain(&from.address) {
                Some(domain) => stamped.find(&domain, &mut notes),
                None => Self::new(TrustClass::Unverified, "the author's address has no domain", None),
            },
        };
        if let (Authors::One(from), Some(sender)) = (authors, sender) {
            notes.push(format!(
                "{} sent it on behalf of {}; the class is the author's",
                shown(&sender.address),
                shown(&from.address)
            ));
        }
        trust.notes = notes;
        trust
    }

    fn new(class: TrustClass, why: impl Into<String>, evidence: Option<Header>) -> Self {
        Self { class, why: why.into(), evidence, notes: Vec::new() }
    }
}

/// Who a mail says it is from.
pub(crate) enum Authors<'a> {
    None,
    One(&'a Address),
    Several,
}

impl<'a> Authors<'a> {
    fn of(from: Option<&'a Address>) -> Self {
        from.map_or(Self::None, Self::One)
    }

    /// `named` are the addresses of all `From` fields, `from` is the one that counts. Words without a domain are no authors: a
    /// name with a comma in it is told so by an API.
    pub(crate) fn among(named: &[Address], from: Option<&'a Address>) -> Self {
        let mut authors = named.iter().filter(|one| one.address.contains('@'));
        let first = authors.next();
        let other = authors.any(|one| first.is_some_and(|first| !crate::parts::same(one, first)));
        if other { Self::Several } else { Self::of(from) }
    }

    pub(crate) fn are_several(&self) -> bool {
        matches!(self, Self::Several)
    }
}

/// What was stamped on a mail on its way in.
struct Stamped<'a> {
    headers: &'a [Header],
    settings: &'a TrustSettings,
}

impl<'a> Stamped<'a> {
    fn all(&self, name: &'a str) -> impl Iterator<Item = (usize, &'a Header)> + use<'a> {
        self.headers
            .iter()
            .enumerate()
            .filter(move |(_, header)| header.name.eq_ignore_ascii_case(name))
            .take(MAX_FIELDS)
    }

    /// The trust in an author of this domain.
    fn find(&self, domain: &str, notes: &mut Vec<String>) -> Trust {
        let exchange = self.of_exchange(notes);
        let outside = exchange
            .as_ref()
            .map(|(_, header, results)| weigh_exchange(header, results, domain, self.settings));
        if let Some(trust) = self.internal(domain, outside.as_ref(), notes) {
            return trust;
        }
        let at = exchange.as_ref().map(|(at, _, _)| *at);
        if let Some(trust) = self.of_gateway(at, domain, notes) {
            return trust;
        }
        outside.unwrap_or_else(|| {
            let why = "no results of Exchange's own checks stand in the mail";
            Trust::new(TrustClass::Unverified, why, None)
        })
    }

    /// Whether the sender was signed in to the organisation.
    fn internal(&self, domain: &str, outside: Option<&Trust>, notes: &mut Vec<String>) -> Option<Trust> {
        let told: Vec<&Header> = self.all(AUTH_AS).map(|(_, header)| header).collect();
        let says_internal = |header: &&Header| header.value.trim().eq_ignore_ascii_case("internal");
        let first = told.iter().find(|header| says_internal(header))?;
        let evidence = Some(shortened(first));
        let refused = if !self.settings.internal {
            "the settings say that it does not count here"
        } else if !told.iter().all(says_internal) {
            "it stands in the mail more than once, with different values"
        } else if self
            .all(FROM_ENTITY)
            .any(|(_, header)| header.value.trim().eq_ignore_ascii_case("internet"))
        {
            "Exchange says beside it that the mail came from the internet"
        } else if !self.settings.domains.is_empty() && !self.is_own(domain) {
            "the author's domain is none of the organisation's"
        } else {
            match outside {
                Some(failed) if failed.class == TrustClass::Failed => {
                    notes.push(format!(
                        "{AUTH_AS} says Internal, which is not believed beside a failed check"
                    ));
                    return Some(failed.clone());
                }
                _ => {
                    let why = "the sender was signed in to this organisation when Exchange took the mail (AuthAs: Internal)";
                    return Some(Trust::new(TrustClass::Internal, why, evidence));
                }
            }
        };
        notes.push(format!("{AUTH_AS} says Internal, which is not believed: {refused}"));
        None
    }

    fn is_own(&self, domain: &str) -> bool {
        self.settings.domains.iter().filter_map(|own| plain(own)).any(|own| own == domain)
    }

    /// The results that Exchange Online wrote, and where they stand.
    fn of_exchange(&self, notes: &mut Vec<String>) -> Option<(usize, &'a Header, AuthenticationResults)> {
        let mut all = self.all(RESULTS);
        let (at, header) = all.next()?;
        let results = AuthenticationResults::parse(&header.value);
        if let Some(writer) = &results.authserv_id {
            notes.push(format!("the topmost {RESULTS} is signed by {}, not by Exchange", shown(writer)));
            return None;
        }
        let foreign = self
            .all("Received")
            .filter(|(received, _)| *received < at)
            .find(|(_, header)| !Received::parse(&header.value).is_of_exchange_online());
        if foreign.is_some() {
            notes.push(format!(
                "the topmost {RESULTS} stands below a server that is not Exchange Online's: it came with the mail, and is not believed"
            ));
            return None;
        }
        if all.next().is_some() {
            notes.push(format!("{RESULTS} further below came with the mail, and were not read"));
        }
        Some((at, header, results))
    }

    /// The results of a gateway that the settings name. `exchange` is where Exchange's own results stand.
    fn of_gateway(&self, exchange: Option<usize>, domain: &str, notes: &mut Vec<String>) -> Option<Trust> {
        if self.settings.gateways.is_empty() {
            return None;
        }
        for (at, header) in self.all(RESULTS) {
            let results = AuthenticationResults::parse(&header.value);
            let Some(id) = &results.authserv_id else { continue };
            let Some(gateway) =
                self.settings.gateways.iter().find(|one| one.name.trim().eq_ignore_ascii_case(id))
            else {
                continue;
            };
            if !gateway.addresses.is_empty() {
                let is_its = |address| gateway.addresses.iter().any(|own| own.holds(address));
                let border = self.border(exchange);
                let handed = border.filter(|(_, address)| is_its(*address));
                let Some((border, _)) = handed else {
                    let from = border
                        .map_or_else(|| "nobody knows where".to_owned(), |(_, address)| address.to_string());
                    notes.push(format!(
                        "{RESULTS} signed by {} are not believed: Exchange got the mail from {from}, which is none of that gateway's addresses",
                        shown(id)
                    ));
                    return None;
                };
                // Where the gateway took the mail from a stranger: what stands below that came with the mail.
                let outside = self.all("Received").find(|(received, header)| {
                    let hop = Received::parse(&header.value);
                    let is_inside = match hop.address {
                        Some(address) => received::is_private(address) || is_its(address),
                        None => !hop.has_from,
                    };
                    *received > border && !is_inside
                });
                if outside.is_some_and(|(received, _)| received < at) {
                    notes.push(format!(
                        "{RESULTS} signed by {} are not believed: they stand below the server that the gateway took the mail from, and came with it",
                        shown(id)
                    ));
                    return None;
                }
            }
            return Some(weigh_gateway(header, &results, id, domain));
        }
        None
    }

    /// Where the server stands that handed the mail to Exchange, and its address: in the first `Received` below Exchange's own
    /// results; without those, in the topmost one that names an address of the open internet. One without an address ends the
    /// search: what stands below it may have come with the mail.
    fn border(&self, exchange: Option<usize>) -> Option<(usize, std::net::IpAddr)> {
        let mut hops = self.all("Received").map(|(at, header)| (at, Received::parse(&header.value)));
        match exchange {
            Some(results) => {
                let (at, hop) = hops.find(|(at, _)| *at > results)?;
                Some((at, hop.address?))
            }
            None => {
                let (at, hop) = hops.find(|(_, hop)| !hop.address.is_some_and(received::is_private))?;
                Some((at, hop.address?))
            }
        }
    }
}

/// What Exchange found out about an author of this domain.
fn weigh_exchange(
    header: &Header,
    results: &AuthenticationResults,
    domain: &str,
    settings: &TrustSettings,
) -> Trust {
    let trust = |class, why: String| Trust::new(class, why, Some(shortened(header)));
    let named = shown(domain);
    let summaries: Vec<&MethodResult> = results.of("compauth").collect();
    let dmarc: Vec<&MethodResult> = results.of("dmarc").collect();
    if let Some(failed) = summaries.iter().find(|summary| summary.value == "fail") {
        let why = compauth_words(failed.reason.as_deref()).unwrap_or("its checks failed");
        let reason = reason_words(failed);
        return trust(
            TrustClass::Failed,
            format!("Exchange found that {named} did not send it (compauth=fail{reason}): {why}"),
        );
    }
    if summaries.len() > 1 || dmarc.len() > 1 || !results.complete {
        let why =
            "Exchange's results are broken or say two things at once, so that nothing follows from them";
        return trust(TrustClass::Unverified, why.to_owned());
    }
    let dmarc = dmarc.first().copied();
    // Whose domain was checked is what Exchange read as the author. Where that is not what is read here, the mail is made to be
    // read in two ways.
    let checked = dmarc.and_then(|dmarc| dmarc.property("header.from"));
    if let Some(other) = checked.filter(|checked| plain(checked).as_deref() != Some(domain)) {
        return trust(
            TrustClass::Unverified,
            format!("Exchange checked {}, but the author is of {named}", shown(other)),
        );
    }
    // Without it nobody knows whom a pass is about.
    let passed = dmarc.is_some_and(|dmarc| matches!(dmarc.value.as_str(), "pass" | "bestguesspass"))
        || summaries.iter().any(|summary| summary.value == "pass");
    if passed && checked.is_none() {
        let why = format!("Exchange does not say whether what it let pass was checked as sent by {named}");
        return trust(TrustClass::Unverified, why);
    }
    let dmarc_passed = dmarc.is_some_and(|dmarc| matches!(dmarc.value.as_str(), "pass" | "bestguesspass"));
    let dmarc_failed = dmarc.is_some_and(|dmarc| dmarc.value == "fail");
    let Some(summary) = summaries.first() else {
        return match (dmarc_passed, dmarc_failed) {
            (true, _) => {
                trust(TrustClass::Verified, format!("Exchange verified that {named} sent it (DMARC passed)"))
            }
            (_, true) => trust(
                TrustClass::Failed,
                format!("Exchange found that {named} did not send it (DMARC failed)"),
            ),
            _ => trust(TrustClass::Unverified, format!("Exchange could not tell whether {named} sent it")),
        };
    };
    let reason = reason_words(summary);
    let said = format!("compauth={}{reason}", shown(&summary.value));
    match summary.value.as_str() {
        "pass" => match weak_pass(summary.reason.as_deref(), settings.arc) {
            None if dmarc_failed && !settings.arc => trust(
                TrustClass::Unverified,
                format!("Exchange let it pass as sent by {named}, although DMARC failed ({said})"),
            ),
            None => trust(TrustClass::Verified, format!("Exchange verified that {named} sent it ({said})")),
            Some(why) => trust(
                TrustClass::Unverified,
                format!("Exchange let it pass as sent by {named}, but only because {why} ({said})"),
            ),
        },
        // Not checked, or checked without an end: DMARC may have passed all the same.
        _ if dmarc_passed => trust(
            TrustClass::Verified,
            format!("Exchange verified that {named} sent it (DMARC passed, {said})"),
        ),
        _ if dmarc_failed => trust(
            TrustClass::Failed,
            format!("Exchange found that {named} did not send it (DMARC failed, {said})"),
        ),
        _ => {
            let why =
                compauth_words(summary.reason.as_deref()).map(|why| format!(": {why}")).unwrap_or_default();
            trust(
                TrustClass::Unverified,
                format!("Exchange could not tell whether {named} sent it ({said}){why}"),
            )
        }
    }
}

/// ` reason=…` as it goes behind a result.
fn reason_words(result: &MethodResult) -> String {
    result.reason.as_deref().map(|reason| format!(" reason={}", shown(reason))).unwrap_or_default()
}

/// Why a pass is not enough to act in the author's name: it does not rest on SPF, DKIM or DMARC of his domain.
fn weak_pass(reason: Option<&str>, arc: bool) -> Option<&'static str> {
    match reason? {
        "103" | "104" | "116" => Some("the name of the sending server fits the domain"),
        "108" | "112" => Some("an earlier server is known"),
        "130" if !arc => Some("another server vouched for it (ARC)"),
        reason if reason.len() == 3 && reason.starts_with('7') => {
            Some("mail of this domain has come from the same servers before; its own check failed")
        }
        _ => None,
    }
}

/// What Exchange's reasons mean.
fn compauth_words(reason: Option<&str>) -> Option<&'static str> {
    let reason = reason.filter(|reason| reason.len() == 3)?;
    Some(match reason {
        "000" => "DMARC failed, and the domain wants such mail refused",
        "001" => "the domain publishes nothing that the mail could be checked by",
        "002" => "the organisation forbids this sender to use this domain",
        "010" => "DMARC failed for one of the organisation's own domains",
        "601" => "a stranger used one of the organisation's own domains",
        _ => match reason.as_bytes()[0] {
            b'2' => "it fits what is known of the domain, but was not proven",
            b'3' => "it was not checked",
            b'4' | b'9' => "the check was passed over by a setting of the organisation",
            b'6' => "it could not be proven for one of the organisation's own domains",
            _ => return None,
        },
    })
}

/// What a gateway found out about an author of this domain.
fn weigh_gateway(header: &Header, results: &AuthenticationResults, gateway: &str, domain: &str) -> Trust {
    let trust = |class, why: String| Trust::new(class, why, Some(shortened(header)));
    let (named, gateway) = (shown(domain), shown(gateway));
    let aligned = |told: Option<&str>| {
        let told = told.map(|told| told.rsplit_once('@').map_or(told, |(_, domain)| domain));
        told.and_then(plain).is_some_and(|told| {
            told == domain || (told.contains('.') && domain.ends_with(&format!(".{told}")))
        })
    };
    let dmarc: Vec<&MethodResult> = results.of("dmarc").collect();
    if dmarc.len() > 1 || !results.complete {
        let why = format!("the results of {gateway} are broken or say two things at once");
        return trust(TrustClass::Unverified, why);
    }
    if let Some(dmarc) = dmarc.first() {
        let checked = dmarc.property("header.from");
        if let Some(other) = checked.filter(|checked| plain(checked).as_deref() != Some(domain)) {
            let why = format!("{gateway} checked {}, but the author is of {named}", shown(other));
            return trust(TrustClass::Unverified, why);
        }
        match dmarc.value.as_str() {
            // Whom it is about is not said: what else was checked decides.
            "pass" | "bestguesspass" if checked.is_none() => {}
            "pass" | "bestguesspass" => {
                let why = format!("the gateway {gateway} verified that {named} sent it (DMARC passed)");
                return trust(TrustClass::Verified, why);
            }
            "fail" => {
                let why = format!("the gateway {gateway} found that {named} did not send it (DMARC failed)");
                return trust(TrustClass::Failed, why);
            }
            _ => {}
        }
    }
    // Without DMARC, a signature or a server of the author's own domain. A parent domain of one label is a registry's.
    let signed = results.of("dkim").any(|dkim| {
        dkim.value == "pass" && (aligned(dkim.property("header.d")) || aligned(dkim.property("header.i")))
    });
    if signed {
        let why = format!("the gateway {gateway} verified that {named} signed it (DKIM passed)");
        return trust(TrustClass::Verified, why);
    }
    let sent = results.of("spf").any(|spf| {
        spf.value == "pass"
            && spf.property("smtp.mailfrom").and_then(|from| plain(after_at(from))).as_deref() == Some(domain)
    });
    if sent {
        let why = format!("the gateway {gateway} verified that a server of {named} sent it (SPF passed)");
        return trust(TrustClass::Verified, why);
    }
    trust(TrustClass::Unverified, format!("the gateway {gateway} could not tell whether {named} sent it"))
}

fn after_at(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

/// The domain of an address, in one spelling.
fn domain(address: &str) -> Option<String> {
    plain(address.rsplit_once('@')?.1)
}

/// A domain in one spelling: lower case, without a dot at its end, in the letters that DNS has.
fn plain(domain: &str) -> Option<String> {
    let domain = domain.trim().trim_end_matches('.');
    if domain.is_empty() || domain.len() > 255 {
        return None;
    }
    match url::Host::parse(domain) {
        Ok(host) => Some(host.to_string()),
        Err(_) => Some(domain.to_lowercase()),
    }
}

/// A stranger's text within a sentence.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn shortened(header: &Header) -> Header {
    Header { name: header.name.clone(), value: header.value.chars().take(600).collect() }
}
