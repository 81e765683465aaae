//! Each thing that may be believed, and each that must not.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::parse;

const BORDER: &str = "Received: from mail.example.org (192.0.2.25) by\r\n AM7EUR03FT032.mail.protection.outlook.com (10.152.16.120) with Microsoft SMTP Server\r\n (version=TLS1_2) id 15.20.1.1 via Frontend Transport; Tue, 24 Nov 2026 09:31:00 +0000\r\n";
const INNER: &str = "Received: from AM0P189CA0001.EURP189.PROD.OUTLOOK.COM (2603:10a6:208:190::14) by\r\n DB8P189MB0001.EURP189.PROD.OUTLOOK.COM (2603:10a6:10:10::1) with HTTPS; Tue, 24 Nov 2026 09:31:02 +0000\r\n";
const PASS: &str = "Authentication-Results: spf=pass (sender IP is 192.0.2.25)\r\n smtp.mailfrom=example.org; dkim=pass (signature was verified)\r\n header.d=example.org;dmarc=pass action=none\r\n header.from=example.org;compauth=pass reason=100\r\n";
const FAIL: &str = "Authentication-Results: spf=fail (sender IP is 198.51.100.66)\r\n smtp.mailfrom=example.org; dkim=none (message not signed)\r\n header.d=none;dmarc=fail action=oreject\r\n header.from=example.org;compauth=fail reason=000\r\n";
const INSIDE: &str = "Authentication-Results: dkim=none (message not signed)\r\n header.d=none;dmarc=none action=none header.from=example.org;\r\n";
const ANONYMOUS: &str = "X-MS-Exchange-Organization-AuthAs: Anonymous\r\n";
const INTERNAL: &str = "X-MS-Exchange-Organization-AuthAs: Internal\r\n";
const FROM: &str = "From: Ada <ada@example.org>\r\n";

fn mail(head: &[&str]) -> Mail {
    parse(format!("{}Subject: s\r\n\r\nx\r\n", head.concat()).as_bytes()).expect("readable")
}

fn trust(head: &[&str]) -> Trust {
    mail(head).verdicts.trust
}

fn trust_by(head: &[&str], settings: &TrustSettings) -> Trust {
    Trust::of(&mail(head), settings)
}

#[test]
fn exchange_is_believed_that_it_verified_the_author() {
    let trust = trust(&[INNER, PASS, BORDER, ANONYMOUS, FROM]);
    assert_eq!(trust.class, TrustClass::Verified);
    assert_eq!(trust.why, "Exchange verified that example.org sent it (compauth=pass reason=100)");
    assert_eq!(trust.evidence.unwrap().name, "Authentication-Results");
    assert_eq!(trust.notes, Vec::<String>::new());
}

#[test]
fn exchange_is_believed_that_the_author_is_forged() {
    let trust = trust(&[INNER, FAIL, BORDER, ANONYMOUS, FROM]);
    assert_eq!(trust.class, TrustClass::Failed);
    assert_eq!(
        trust.why,
        "Exchange found that example.org did not send it (compauth=fail reason=000): DMARC failed, and the domain wants such mail refused"
    );
}

/// The trap: results that the sender wrote himself, below those of Exchange.
#[test]
fn forged_results_below_the_genuine_ones_do_not_count() {
    let forged = trust(&[INNER, FAIL, BORDER, PASS, FROM]);
    assert_eq!(forged.class, TrustClass::Failed);
    assert!(forged.notes[0].contains("further below came with the mail"), "{:?}", forged.notes);
    let unknown = PASS
        .replace("compauth=pass reason=100", "compauth=none reason=301")
        .replace("dmarc=pass", "dmarc=none");
    assert_eq!(trust(&[INNER, &unknown, BORDER, PASS, FROM]).class, TrustClass::Unverified);
}

/// Where Exchange wrote nothing (a server of one's own), the topmost field may be the sender's.
#[rstest]
#[case("Received: from mail.evil.example (192.0.2.66) by mail.contoso.test with SMTP; x\r\n")]
#[case(
    "Received: from x.outlook.com (192.0.2.66) by mail.contoso.test; x\r\nReceived: from a by b.prod.outlook.com; x\r\n"
)]
fn results_below_a_foreign_server_do_not_count(#[case] received: &str) {
    let trust = trust(&[received, PASS, FROM]);
    assert_eq!(trust.class, TrustClass::Unverified);
    assert!(trust.notes[0].contains("came with the mail"), "{:?}", trust.notes);
}

#[test]
fn results_that_somebody_signed_are_not_exchanges() {
    let signed = PASS.replace("spf=pass", "mx.evil.example; spf=pass");
    let trust = trust(&[INNER, &signed, BORDER, FROM]);
    assert_eq!(trust.class, TrustClass::Unverified);
    assert!(trust.notes[0].contains("mx.evil.example"), "{:?}", trust.notes);
}

#[test]
fn seals_of_others_do_not_count() {
    let arc = "ARC-Authentication-Results: i=1; mx.microsoft.com 1; spf=pass smtp.mailfrom=example.org; dmarc=pass header.from=example.org\r\n";
    assert_eq!(trust(&[arc, FROM]).class, TrustClass::Unverified);
    // Exchange let a mail pass for a seal: only where the settings say so.
    let sealed = FAIL.replace("compauth=fail reason=000", "compauth=pass reason=130");
    assert_eq!(trust(&[INNER, &sealed, BORDER, FROM]).class, TrustClass::Unverified);
    let settings = TrustSettings { arc: true, ..TrustSettings::default() };
    assert_eq!(trust_by(&[INNER, &sealed, BORDER, FROM], &settings).class, TrustClass::Verified);
}

#[rstest]
#[case("compauth=pass reason=101", TrustClass::Verified)]
#[case("compauth=pass reason=109", TrustClass::Verified)]
#[case("compauth=pass", TrustClass::Verified)]
#[case("compauth=pass reason=103", TrustClass::Unverified)]
#[case("compauth=pass reason=116", TrustClass::Unverified)]
#[case("compauth=pass reason=703", TrustClass::Unverified)]
#[case("compauth=softpass reason=201", TrustClass::Unverified)]
#[case("compauth=none reason=405", TrustClass::Unverified)]
#[case("compauth=fail reason=601", TrustClass::Failed)]
#[case("compauth=pass reason=100;compauth=fail reason=000", TrustClass::Failed)]
#[case("compauth=pass reason=100;compauth=none", TrustClass::Unverified)]
#[case("", TrustClass::Unverified)]
fn the_summary_of_exchange_decides(#[case] compauth: &str, #[case] class: TrustClass) {
    let results = PASS.replace("compauth=pass reason=100", compauth).replace("dmarc=pass", "dmarc=none");
    assert_eq!(trust(&[INNER, &results, BORDER, FROM]).class, class);
}

#[rstest]
#[case("pass", "none reason=905", TrustClass::Verified)]
#[case("bestguesspass", "pass reason=109", TrustClass::Verified)]
#[case("fail", "none reason=905", TrustClass::Failed)]
#[case("fail", "pass reason=100", TrustClass::Unverified)]
#[case("temperror", "none reason=451", TrustClass::Unverified)]
fn dmarc_stands_in_for_the_summary(#[case] dmarc: &str, #[case] compauth: &str, #[case] class: TrustClass) {
    let results = PASS
        .replace("compauth=pass reason=100", &format!("compauth={compauth}"))
        .replace("dmarc=pass", &format!("dmarc={dmarc}"));
    assert_eq!(trust(&[INNER, &results, BORDER, FROM]).class, class);
}

/// Exchange checked another author than the one that is read here.
#[test]
fn a_mail_made_to_be_read_in_two_ways_is_not_verified() {
    let other = trust(&[INNER, PASS, BORDER, "From: boss@contoso.test\r\n"]);
    assert_eq!(other.class, TrustClass::Unverified);
    assert!(other.why.contains("example.org") && other.why.contains("contoso.test"), "{}", other.why);
    for from in ["From: a@example.org\r\nFrom: b@contoso.test\r\n", "From: a@example.org, b@contoso.test\r\n"]
    {
        let several = trust(&[INNER, PASS, BORDER, from]);
        assert_eq!(several.class, TrustClass::Unverified, "{from}");
        assert!(several.why.contains("several authors"), "{}", several.why);
        assert_eq!(trust(&[INTERNAL, from]).class, TrustClass::Unverified);
    }
    // The same address twice is one author, and letter case makes no other one.
    let twice = trust(&[INNER, PASS, BORDER, "From: a@example.org\r\nFrom: <A@Example.ORG>\r\n"]);
    assert_eq!(twice.class, TrustClass::Verified);
    assert_eq!(trust(&[INNER, PASS, BORDER, "From: nobody\r\n"]).class, TrustClass::Unverified);
    assert_eq!(trust(&[INNER, PASS, BORDER]).class, TrustClass::Unverified);
}

#[test]
fn a_domain_is_the_same_in_either_spelling() {
    let results = PASS.replace("example.org", "xn--bcher-kva.example");
    assert_eq!(
        trust(&[INNER, &results, BORDER, "From: a@B\u{fc}cher.example\r\n"]).class,
        TrustClass::Verified
    );
}

#[test]
fn somebody_who_sends_for_the_author_is_told() {
    let trust = trust(&[INNER, PASS, BORDER, FROM, "Sender: desk@other.example\r\n"]);
    assert_eq!(trust.class, TrustClass::Verified);
    assert_eq!(
        trust.notes,
        ["desk@other.example sent it on behalf of ada@example.org; the class is the author's"]
    );
}

#[test]
fn mail_from_inside_is_internal() {
    let trust = trust(&[INNER, INSIDE, FROM, INTERNAL]);
    assert_eq!(trust.class, TrustClass::Internal);
    assert_eq!(trust.evidence.unwrap().name, "X-MS-Exchange-Organization-AuthAs");
}

#[rstest]
#[case::forged_beside_the_genuine_one(&[INNER, PASS, BORDER, ANONYMOUS, FROM, INTERNAL], TrustClass::Verified, "different values")]
#[case::forged_above(&[INTERNAL, INNER, FAIL, BORDER, FROM, ANONYMOUS], TrustClass::Failed, "different values")]
#[case::failed_check(&[INNER, FAIL, BORDER, FROM, INTERNAL], TrustClass::Failed, "beside a failed check")]
#[case::from_the_internet(
    &[INNER, PASS, BORDER, FROM, INTERNAL, "X-MS-Exchange-CrossTenant-FromEntityHeader: Internet\r\n"],
    TrustClass::Verified, "came from the internet"
)]
fn forged_auth_as_does_not_count(#[case] head: &[&str], #[case] class: TrustClass, #[case] note: &str) {
    let trust = trust(head);
    assert_eq!(trust.class, class);
    assert!(trust.notes.iter().any(|told| told.contains(note)), "{:?}", trust.notes);
}

/// How the sender stood in his own organisation says nothing in this one.
#[test]
fn internal_to_another_tenant_is_not_internal() {
    let theirs = "X-MS-Exchange-CrossTenant-AuthAs: Internal\r\n";
    assert_eq!(trust(&[INNER, theirs, FROM]).class, TrustClass::Unverified);
    assert_eq!(trust(&[INNER, PASS, BORDER, ANONYMOUS, FROM, theirs]).class, TrustClass::Verified);
}

#[test]
fn settings_bound_what_is_internal() {
    let head = [INNER, INSIDE, FROM, INTERNAL];
    let domains = |domain: &str| TrustSettings { domains: vec![domain.into()], ..TrustSettings::default() };
    assert_eq!(trust_by(&head, &domains("Example.org")).class, TrustClass::Internal);
    let other = trust_by(&head, &domains("contoso.test"));
    assert_eq!(other.class, TrustClass::Unverified);
    assert!(other.notes[0].contains("none of the organisation's"), "{:?}", other.notes);
    let off = TrustSettings { internal: false, ..TrustSettings::default() };
    assert_eq!(trust_by(&head, &off).class, TrustClass::Unverified);
}

const GATEWAY: &str = "Authentication-Results: mx.gate.example; dmarc=pass (p=reject)\r\n header.from=example.org; spf=pass smtp.mailfrom=example.org\r\n";
/// What Exchange makes of a mail that a gateway handed on.
const BEHIND: &str = "Authentication-Results: spf=fail (sender IP is 203.0.113.9)\r\n smtp.mailfrom=example.org; dkim=fail header.d=example.org;dmarc=fail action=none header.from=example.org;compauth=none reason=451\r\n";
const HANDED: &str = "Received: from mx.gate.example (203.0.113.9) by AM7.mail.protection.outlook.com with Microsoft SMTP Server; x\r\n";

fn gate(addresses: &[&str]) -> TrustSettings {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    TrustSettings {
        gateways: vec![Gateway { name: "MX.gate.example".into(), addresses }],
        ..TrustSettings::default()
    }
}

#[test]
fn a_gateway_counts_where_the_settings_name_it() {
    let head = [INNER, BEHIND, HANDED, GATEWAY, FROM];
    assert_eq!(trust(&head).class, TrustClass::Failed, "Exchange sees the gateway only");
    for settings in [gate(&[]), gate(&["203.0.113.0/24"])] {
        let trust = trust_by(&head, &settings);
        assert_eq!(trust.class, TrustClass::Verified);
        assert_eq!(trust.why, "the gateway mx.gate.example verified that example.org sent it (DMARC passed)");
    }
    let failed = GATEWAY.replace("dmarc=pass", "dmarc=fail");
    assert_eq!(trust_by(&[INNER, BEHIND, HANDED, &failed, FROM], &gate(&[])).class, TrustClass::Failed);
    let other = GATEWAY.replace("header.from=example.org", "header.from=evil.example");
    assert_eq!(trust_by(&[INNER, BEHIND, HANDED, &other, FROM], &gate(&[])).class, TrustClass::Unverified);
}

/// The trap: mail sent past the gateway, with results in its name and a hop that looks like the one from it.
#[test]
fn mail_around_the_gateway_cannot_bring_its_results() {
    let head = [INNER, FAIL, BORDER, HANDED, GATEWAY, FROM];
    let trust = trust_by(&head, &gate(&["203.0.113.0/24"]));
    assert_eq!(trust.class, TrustClass::Failed);
    assert!(trust.notes.iter().any(|note| note.contains("192.0.2.25")), "{:?}", trust.notes);
}

/// The trap: mail that came through the gateway and brought results in its name, which the gateway did not take out.
#[rstest]
#[case::from_a_stranger("Received: from x (192.0.2.66) by mx.gate.example; x\r\n")]
#[case::called_by("Received: from by (192.0.2.66) by mx.gate.example; x\r\n")]
#[case::without_an_address("Received: from x by mx.gate.example; x\r\n")]
fn results_in_the_gateways_name_that_came_with_the_mail_do_not_count(#[case] taken: &str) {
    let settings = gate(&["203.0.113.0/24"]);
    let inside = "Received: from f.gate.example (203.0.113.10) by mx.gate.example; x\r\nReceived: by f.gate.example with local; x\r\n";
    let trust = trust_by(&[INNER, BEHIND, HANDED, inside, taken, GATEWAY, FROM], &settings);
    assert!(!trust.class.is_known(), "{trust:?}");
    assert!(trust.notes.iter().any(|note| note.contains("came with it")), "{:?}", trust.notes);
    let own = trust_by(&[INNER, BEHIND, HANDED, inside, GATEWAY, taken, FROM], &settings);
    assert_eq!(own.class, TrustClass::Verified);
}

/// A pass that does not say about whom says nothing of the author.
#[test]
fn a_pass_without_the_domain_that_was_checked_is_not_enough() {
    for results in [
        "spf=pass smtp.mailfrom=evil.example; compauth=pass reason=100",
        "spf=pass smtp.mailfrom=evil.example; dmarc=pass action=none; compauth=pass reason=100",
        "dmarc=pass action=none",
    ] {
        let field = format!("Authentication-Results: {results}\r\n");
        let trust = trust(&[INNER, &field, BORDER, FROM]);
        assert_eq!(trust.class, TrustClass::Unverified, "{results}");
    }
}

#[test]
fn a_gateway_counts_in_front_of_a_server_of_ones_own() {
    let inner =
        "Received: from edge.contoso.test (10.0.0.4) by mail.contoso.test (10.0.0.5) with SMTP; x\r\n";
    let handed = "Received: from mx.gate.example (203.0.113.9) by edge.contoso.test (10.0.0.4); x\r\n";
    let around = "Received: from mx.gate.example (192.0.2.66) by edge.contoso.test (10.0.0.4); x\r\n";
    let settings = gate(&["203.0.113.9"]);
    assert_eq!(trust_by(&[inner, handed, GATEWAY, FROM], &settings).class, TrustClass::Verified);
    assert_eq!(trust_by(&[inner, around, handed, GATEWAY, FROM], &settings).class, TrustClass::Unverified);
    // A hop that cannot be read is not passed over.
    for odd in ["from by (192.0.2.66) by edge.contoso.test; x", "from x by edge.contoso.test; x"] {
        let odd = format!("Received: {odd}\r\n");
        let trust = trust_by(&[inner, &odd, handed, GATEWAY, FROM], &settings);
        assert_eq!(trust.class, TrustClass::Unverified, "{odd}");
    }
}

#[rstest]
#[case("dkim=pass header.d=example.org", TrustClass::Verified)]
#[case("dkim=pass header.i=@example.org", TrustClass::Verified)]
#[case("dkim=pass header.d=org", TrustClass::Unverified)]
#[case("dmarc=pass", TrustClass::Unverified)]
#[case("dmarc=pass; dkim=pass header.d=example.org", TrustClass::Verified)]
#[case("dkim=pass header.d=evil.example", TrustClass::Unverified)]
#[case("dkim=fail header.d=example.org", TrustClass::Unverified)]
#[case("spf=pass smtp.mailfrom=bounce@example.org", TrustClass::Verified)]
#[case("spf=pass smtp.mailfrom=evil.example", TrustClass::Unverified)]
#[case("none", TrustClass::Unverified)]
fn a_gateway_without_dmarc_is_read_by_domain(#[case] results: &str, #[case] class: TrustClass) {
    let field = format!("Authentication-Results: mx.gate.example; {results}\r\n");
    assert_eq!(trust_by(&[HANDED, &field, FROM], &gate(&[])).class, class);
}

fn results(value: &str) -> Vec<(String, String)> {
    let read = AuthenticationResults::parse(value);
    read.results.into_iter().map(|result| (result.method, result.value)).collect()
}

#[test]
fn the_field_is_read_as_the_rfc_has_it() {
    let read = AuthenticationResults::parse(
        "example.com 1;\r\n\tdkim/1 = pass (a (nested \\) ; spf=fail) comment) reason=\"good; signature=fine\"\r\n\theader.d = example.org header.i=\"@example.org\";\r\n spf=pass smtp.mailfrom=prvs=12=a@example.org",
    );
    assert_eq!(read.authserv_id.as_deref(), Some("example.com"));
    assert!(read.complete);
    assert_eq!(read.results.len(), 2);
    let dkim = &read.results[0];
    assert_eq!((dkim.method.as_str(), dkim.value.as_str()), ("dkim", "pass"));
    assert_eq!(dkim.reason.as_deref(), Some("good; signature=fine"));
    assert_eq!(
        (dkim.property("header.d"), dkim.property("header.i")),
        (Some("example.org"), Some("@example.org"))
    );
    assert_eq!(read.results[1].property("smtp.mailfrom"), Some("prvs=12=a@example.org"));
    assert_eq!(AuthenticationResults::parse("example.org 1; none").results, []);
}

#[test]
fn the_field_is_read_as_exchange_writes_it() {
    let value = "spf=none (sender IP is 192.0.2.1) smtp.mailfrom=example.net; contoso.test; dkim=none (message not signed) header.d=none;contoso.test; dmarc=none action=none header.from=example.net;compauth=fail reason=001";
    let read = AuthenticationResults::parse(value);
    assert_eq!(read.authserv_id, None);
    let all = results(value);
    assert_eq!(all.len(), 4);
    assert_eq!(all[3], ("compauth".into(), "fail".into()));
    assert_eq!(read.results[3].reason.as_deref(), Some("001"));
    assert_eq!(read.results[2].property("header.from"), Some("example.net"));
}

#[rstest]
#[case("spf=pass (open; compauth=pass", false)]
#[case("spf=pass reason=\"open; compauth=pass", false)]
#[case("spf=pass; ;; compauth=none", true)]
fn what_stays_open_hides_what_follows(#[case] value: &str, #[case] complete: bool) {
    let read = AuthenticationResults::parse(value);
    assert_eq!(read.complete, complete);
    assert!(!read.of("compauth").any(|result| result.value == "pass"));
}

#[rstest]
#[case("192.0.2.0/24", "192.0.2.200", true)]
#[case("192.0.2.0/24", "192.0.3.1", false)]
#[case("192.0.2.7", "192.0.2.7", true)]
#[case("192.0.2.7", "::ffff:192.0.2.7", true)]
#[case("2001:db8::/32", "2001:db8:1::1", true)]
#[case("2001:db8::/32", "2001:db9::1", false)]
#[case("0.0.0.0/0", "203.0.113.1", true)]
#[case("0.0.0.0/0", "2001:db8::1", false)]
#[case("::/0", "2001:db8::1", true)]
fn ranges_hold_their_addresses(
    #[case] network: Network,
    #[case] address: std::net::IpAddr,
    #[case] holds: bool,
) {
    assert_eq!(network.holds(address), holds);
    assert_eq!(network.to_string().parse::<Network>(), Ok(network));
}

#[rstest]
#[case("mx.gate.example")]
#[case("192.0.2.0/33")]
#[case("192.0.2.0/x")]
#[case("")]
fn what_is_no_range_is_refused_with_the_mend(#[case] text: &str) {
    assert!(text.parse::<Network>().unwrap_err().to_string().contains("Write it like"));
}

const PIECES: [&str; 14] = [
    INNER,
    BORDER,
    PASS,
    FAIL,
    INSIDE,
    ANONYMOUS,
    INTERNAL,
    FROM,
    GATEWAY,
    BEHIND,
    HANDED,
    "From: b@contoso.test\r\n",
    "Sender: c@other.example\r\n",
    "ARC-Authentication-Results: i=1; x; dmarc=pass header.from=example.org\r\n",
];

proptest! {
    /// Whatever an attacker puts below what Exchange stamped, he gets no higher class than without it.
    #[test]
    fn nothing_below_the_stamp_raises_the_class(
        stamp in prop::sample::select(&[FAIL, BEHIND][..]),
        below in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12),
    ) {
        let mut head = vec![INNER, stamp, BORDER, ANONYMOUS];
        head.extend(below);
        head.push(FROM);
        prop_assert!(!trust(&head).class.is_known(), "{:?}", trust(&head));
        let settings = gate(&["203.0.113.9"]);
        prop_assert!(!trust_by(&head, &settings).class.is_known(), "{:?}", trust_by(&head, &settings));
    }

    #[test]
    fn any_field_is_read(value in "[a-z=;.()\"\\\\ \r\n\t/]{0,200}") {
        let read = AuthenticationResults::parse(&value);
        let letters: usize = read
            .results
            .iter()
            .map(|one| one.method.len() + one.value.len() + one.reason.as_ref().map_or(0, String::len)
                + one.properties.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>())
            .sum();
        prop_assert!(letters <= value.len());
    }

    #[test]
    fn any_header_is_judged(head in prop::collection::vec(("[A-Za-z-]{1,20}|Authentication-Results|Received|From", any::<String>()), 0..8)) {
        let headers: Vec<Header> = head.into_iter().map(|(name, value)| Header { name, value }).collect();
        let from = Address { name: None, address: "a@example.org".into() };
        let trust = Trust::judge(&headers, &Authors::One(&from), None, &TrustSettings::default());
        prop_assert!(!trust.why.is_empty());
    }
}
