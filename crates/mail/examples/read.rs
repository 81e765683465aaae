//! Shows what becomes of mail files: `cargo run -p mail --example read -- FILE…`. Pages (`.html`) are read as bodies.
#![allow(clippy::print_stdout, reason = "showing is what this is for")]

use mail::{Rich, parse};

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        println!("==== {path}");
        if std::path::Path::new(&path).extension().is_some_and(|e| e == "html") {
            println!("{}", Rich::from_html(&String::from_utf8_lossy(&bytes)).to_text());
            continue;
        }
        match parse(&bytes) {
            Err(reason) => println!("unreadable: {reason}"),
            Ok(mail) => {
                println!("from {:?}\nsubject {:?}\nid {:?}", mail.from, mail.subject, mail.message_id);
                println!("automatic {:?}", mail.verdicts.automatic);
                for a in &mail.attachments {
                    println!("attachment {:?} {} {} inline={}", a.name, a.content_type, a.size, a.inline);
                }
                for problem in &mail.problems {
                    println!("problem: {}: {}", problem.place, problem.text);
                }
                println!("----\n{}", mail.rich().to_text());
            }
        }
    }
    Ok(())
}
