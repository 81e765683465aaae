//! Shows how replies are taken apart: `cargo run -p mail --example cut -- FILE…`. Pages (`.html`) and texts (`.txt`) are read
//! as bodies, everything else as mail.
#![allow(clippy::print_stdout, reason = "showing is what this is for")]

use mail::{Cutting, Occasion, Reply, parse};

fn main() -> std::io::Result<()> {
    let cutting = Cutting::default();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        let kind = std::path::Path::new(&path).extension().and_then(|kind| kind.to_str());
        println!("==== {path}");
        let reply = match kind {
            Some("html") => Reply::of_html(&text(), Occasion::Unknown, &cutting),
            Some("txt") => Reply::of_text(&text()),
            _ => match parse(&bytes) {
                Ok(mail) => Reply::of(&mail, &cutting),
                Err(reason) => {
                    println!("unreadable: {reason}");
                    continue;
                }
            },
        };
        println!("{}", reply.kept);
        if let Some(stays) = reply.stays {
            println!("---- {}", stays.words());
        }
        for piece in &reply.cut {
            println!("---- {} by {}\n{}", piece.kind.words(), piece.rule, piece.text);
        }
        if !reply.cut_images.is_empty() {
            println!("---- images only in what was cut: {:?}", reply.cut_images);
        }
    }
    Ok(())
}
