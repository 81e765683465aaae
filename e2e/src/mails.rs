//! Mail for the kill test: conversations with replies, replies to replies, and attachments. Small, and each with a body that
//! names it, so that the ground truth can be compared.

use std::fmt::Write as _;

use rand::Rng;
use rand::seq::IndexedRandom;

/// A mail and what should become of it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its number; its body says `mail number N.`
    pub number: usize,
    /// Its Message-ID without brackets.
    pub message_id: String,
    /// The mail that it answers.
    pub parent: Option<usize>,
    /// Attachments: name and content.
    pub files: Vec<(String, String)>,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// `count` mails, a third of them replies (to issues and to replies), a quarter with attachments.
pub fn conversation(count: usize, run: &str, rng: &mut impl Rng) -> Vec<Sent> {
    let mut sent: Vec<Sent> = Vec::with_capacity(count);
    for number in 0..count {
        let numbers: Vec<usize> = (number.saturating_sub(40)..number).collect();
        let parent = if number > 0 && rng.random_bool(0.35) { numbers.choose(rng).copied() } else { None };
        let files: Vec<(String, String)> = if rng.random_bool(0.25) {
            (0..rng.random_range(1..=3))
                .map(|n| {
                    // The same name and content twice in one mail is part of the test.
                    let name = if n == 2 { "file-0.txt".to_owned() } else { format!("file-{n}.txt") };
                    let content = format!("content of {number} {}\n", if n == 2 { 0 } else { n });
                    (name, content)
                })
                .collect()
        } else {
            Vec::new()
        };
        let message_id = format!("{run}-{number}@customer.example");
        let mut raw = format!(
            "From: Customer {} <customer{}@customer.example>\r\nTo: support@contoso.test\r\nSubject: {}case {number} of {run}\r\n\
             Message-ID: <{message_id}>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n",
            number % 7,
            number % 7,
            if parent.is_some() { "Re: " } else { "" },
        );
        if let Some(parent) = parent {
            let parent = &sent[parent].message_id;
            let _ = write!(raw, "In-Reply-To: <{parent}>\r\nReferences: <{parent}>\r\n");
        }
        let text = format!("mail number {number}.\r\n");
        if files.is_empty() {
            let _ = write!(raw, "Content-Type: text/plain; charset=utf-8\r\n\r\n{text}");
        } else {
            raw.push_str("Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
            raw.push_str(&text);
            for (name, content) in &files {
                let _ = write!(
                    raw,
                    "--b\r\nContent-Type: text/plain; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n{content}\r\n"
                );
            }
            raw.push_str("--b--\r\n");
        }
        sent.push(Sent { number, message_id, parent, files, raw: raw.into_bytes() });
    }
    sent
}
