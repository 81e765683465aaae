//! The mail mix: fixed, so that numbers of different days can be compared. Plain mails as a support mailbox gets them: seven of
//! ten are HTML as Outlook and web mailers write it (1 to 4 KB), three are plain text; none has an attachment.

/// The `n`-th mail of the mix.
pub fn mail(n: usize) -> Vec<u8> {
    let words = [
        "printer", "invoice", "password", "network", "screen", "order", "delivery", "licence", "phone",
        "door",
    ];
    let word = |k: usize| words[(n * 7 + k * 3) % words.len()];
    let subject = format!("{} and {} do not work ({n})", word(0), word(1));
    let head = format!(
        "From: Person {p} <person{p}@customer{d}.example>\r\nTo: support@contoso.test\r\nSubject: {subject}\r\n\
         Message-ID: <bench-{n}@customer.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n",
        p = n % 97,
        d = n % 13,
    );
    let sentences = 4 + n % 9;
    if n % 10 < 3 {
        let body: String = (0..sentences)
            .map(|k| format!("The {} beside the {} has stopped since Monday.\r\n\r\n", word(k), word(k + 1)))
            .collect();
        format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\n{body}Regards\r\n")
            .into_bytes()
    } else {
        let body: String = (0..sentences)
            .map(|k| {
                format!(
                    "<p class=\"MsoNormal\"><span style=\"font-family:Calibri\">The <b>{}</b> beside the <a href=\"https://intranet.example/{k}\">{}</a> has stopped since <i>Monday</i>.</span></p>\r\n",
                    word(k),
                    word(k + 1)
                )
            })
            .collect();
        format!(
            "{head}Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><style>p.MsoNormal {{margin:0}}</style></head><body>\r\n<p>Hello,</p>\r\n{body}<ul><li>first</li><li>second</li></ul><p>Regards</p></body></html>\r\n"
        )
        .into_bytes()
    }
}
