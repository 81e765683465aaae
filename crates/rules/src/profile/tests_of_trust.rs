//! The `[trust]` table, read and refused, and what it makes of a mail.

use mail::{Mail, TrustClass, TrustSettings};

use crate::facts::{Destination, Facts};
use crate::threads::{Question, ThreadFacts};
use crate::view::{Origin, Received};

use super::*;

fn trust(table: &str) -> TrustSettings {
    let document = format!("profile = \"p\"\n{table}");
    Profile::parse(&document).unwrap_or_else(|refusals| panic!("{refusals:#?}")).trust
}

/// Promise: what the table says is what counts, and what it does not say stays as it was.
#[test]
fn the_table_is_read() {
    assert_eq!(trust(""), TrustSettings::default());
    assert_eq!(trust("[trust]"), TrustSettings::default());
    let read = trust(
        "[trust]\ndomains = ['Contoso.com']\ninternal = false\narc = true\n\
         [[trust.gateway]]\nname = 'mx.gate.example'\naddresses = ['203.0.113.0/24', '2001:db8::7']",
    );
    assert_eq!(read.domains, ["contoso.com"]);
    assert!(!read.internal && read.arc);
    let [gateway] = &read.gateways[..] else { panic!("{read:?}") };
    assert_eq!(gateway.name, "mx.gate.example");
    let addresses: Vec<String> = gateway.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["203.0.113.0/24", "2001:db8::7/128"]);
}

/// Promise: a table that would let strangers in, or could not work, is refused with line, column and mend.
#[test]
fn every_mistake_is_told_with_its_place() {
    for (table, line, column, what, mend) in [
        ("trust = 3", 2, 9, "no table", "[trust]"),
        ("[trust]\ndomain = ['a']", 3, 1, "`domain` is not known", "`domains`"),
        ("[trust]\ndomains = 'a.example'", 3, 11, "no list", "domains = ["),
        ("[trust]\ndomains = ['a@b.example']", 3, 12, "no domain", "behind the @"),
        ("[trust]\ninternal = 'no'", 3, 12, "not yes or no", "`false`"),
        ("[trust]\ngateway = 3", 3, 11, "no list", "[[trust.gateway]]"),
        ("[[trust.gateway]]\nname = 'mx.a.example'", 2, 1, "`addresses` is missing", "sends past it"),
        ("[[trust.gateway]]\nname = 'mx.a.example'\naddresses = []", 4, 13, "names none", "sends past it"),
        (
            "[[trust.gateway]]\nname = 'mx.a.example'\naddresses = ['mx.a.example']",
            4,
            14,
            "neither an address nor a range",
            "192.0.2.0/24",
        ),
        ("[[trust.gateway]]\naddresses = ['192.0.2.7']", 2, 1, "`name` is missing", "stands first"),
        ("[[trust.gateway]]\nname = 'a b'\naddresses = ['192.0.2.7']", 3, 8, "no name", "stands first"),
    ] {
        let document = format!("profile = \"p\"\n{table}");
        let refusals = Profile::parse(&document).expect_err(table);
        let refusal = refusals
            .iter()
            .find(|refusal| refusal.what.contains(what))
            .unwrap_or_else(|| panic!("{table}: {refusals:?}"));
        assert!(refusal.mend.contains(mend), "{table}: {refusal:?}");
        assert_eq!((refusal.line, refusal.column), (line, column), "{table}: {refusal:?}");
    }
}

/// What a mail is that a gateway verified and handed on: Exchange sees the gateway only.
const BEHIND: &str = "Authentication-Results: spf=fail (sender IP is 203.0.113.9) smtp.mailfrom=example.org; dkim=fail \
     header.d=example.org; dmarc=fail action=none header.from=example.org; compauth=fail reason=001\r\n\
     Received: from mx.gate.example (203.0.113.9) by AM7.mail.protection.outlook.com; x\r\n\
     Authentication-Results: mx.gate.example; dmarc=pass header.from=example.org\r\n\
     From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: [SUP-12] Printer\r\n\r\nIt burns.\r\n";
const GATEWAY: &str = "[[trust.gateway]]\nname = 'mx.gate.example'\naddresses = ['203.0.113.9']\n";

fn read(source: &str) -> Mail {
    mail::parse(source.as_bytes()).expect("readable")
}

fn facts() -> Facts {
    Facts {
        destination: Destination {
            project_key: "SUP".into(),
            issue_type_id: "10001".into(),
            issue_type_name: "Task".into(),
        },
        parents: Vec::new(),
        upload_limit: None,
        body_is_cut: false,
        source: Origin::default(),
        received: Received::default(),
        projects: Vec::new(),
        threads: ThreadFacts::default(),
    }
}

/// Promise: whom a gateway verified is verified everywhere: in the trace, for keys, and in conditions; and nobody without the
/// setting, or past the gateway.
#[test]
fn a_gateway_counts_in_everything_that_asks_for_trust() {
    let rule = "[[rule]]\nname = 'known'\nwhen = 'mail.trust == \"verified\"'\nlabels = ['known']\n";
    let profile =
        |table: &str| Profile::parse(&format!("profile = \"p\"\n{table}{rule}")).expect("a profile");
    let around = BEHIND.replace("(203.0.113.9) by", "(192.0.2.66) by");
    for (source, table, class) in [
        (BEHIND, "", TrustClass::Failed),
        (BEHIND, GATEWAY, TrustClass::Verified),
        (&around, GATEWAY, TrustClass::Failed),
    ] {
        let (mail, profile) = (read(source), profile(table));
        assert_eq!(profile.believing(&mail).verdicts.trust.class, class);
        let asks = crate::threads::question(&mail, &profile, &facts());
        let is_verified = class == TrustClass::Verified;
        assert_eq!(asks == Some(Question::Issue("SUP-12".into())), is_verified, "a key is looked up");
        let said = crate::said(&mail, &mail.rich(), &profile, &Origin::default(), &Received::default());
        assert_eq!(said.matched == ["known"], is_verified);
        let decision = crate::decide(&mail, &mail.rich(), &profile, &facts());
        let sender = decision.trace.lines.iter().find(|line| line.rule == "sender").expect("a line");
        assert!(sender.why.starts_with(class.name()), "{sender:?}");
        assert_eq!(sender.matched, is_verified);
    }
}
