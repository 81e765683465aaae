//! Writes every page of the console, filled with samples, as files to look at: `cargo run -p postroom --example gallery`.
//!
//! They land in `target/gallery` (or the folder named first on the command line) with style sheet, script and icon beside
//! them; `index.html` lists them. The samples are in `samples/`.

mod samples;

use std::path::PathBuf;

use postroom::web::{Theme, assets};

fn main() -> anyhow::Result<()> {
    let to = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/gallery"), PathBuf::from);
    std::fs::create_dir_all(&to)?;
    for (path, content) in assets::all() {
        std::fs::write(to.join(path.trim_start_matches("/assets/")), content)?;
    }
    std::fs::write(to.join("mail-frame.html"), samples::mail_frame())?;
    let mut index = String::from("<!doctype html><meta charset=\"utf-8\"><title>Gallery</title><ul>");
    for theme in [Theme::Light, Theme::Dark] {
        for sample in samples::all(theme) {
            let html =
                sample.html.replace("/assets/", "").replace("/messages/sample/mail", "mail-frame.html");
            let file = format!("{}-{}.html", sample.name, theme.word());
            std::fs::write(to.join(&file), html)?;
            index.extend(["<li><a href=\"", &file, "\">", &file, "</a>"]);
        }
    }
    std::fs::write(to.join("index.html"), index)?;
    #[allow(clippy::print_stdout, reason = "an example that says where it wrote to")]
    {
        println!("{}", to.join("index.html").display());
    }
    Ok(())
}
