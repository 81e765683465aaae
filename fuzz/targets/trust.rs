//! Any head of a mail is judged, and nothing below what Exchange found to be forged makes it better.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::trust::AuthenticationResults;

const FORGED: &str = "Authentication-Results: spf=fail smtp.mailfrom=example.org; dkim=none header.d=none; dmarc=fail action=none header.from=example.org; compauth=fail reason=000\r\n\
    Received: from mail.example.org (192.0.2.25) by AM7.mail.protection.outlook.com with SMTP; x\r\n\
    X-MS-Exchange-Organization-AuthAs: Anonymous\r\n";

fuzz_target!(|head: &str| {
    let read = AuthenticationResults::parse(head);
    let letters: usize = read
        .results
        .iter()
        .map(|one| {
            one.method.len()
                + one.properties.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        })
        .sum();
    // Small letters may be longer than their capitals.
    assert!(letters <= head.len() * 3);
    if let Ok(mail) = mail::parse(format!("{FORGED}{head}\r\n\r\nx\r\n").as_bytes()) {
        assert!(!mail.verdicts.trust.class.is_known(), "{:?}", mail.verdicts.trust);
        assert!(!mail.verdicts.trust.why.is_empty());
    }
});
