//! Lists the migration files of both folders as Rust source, so that a new migration needs no second place to be named.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo names the crate's folder");
    let out = env::var("OUT_DIR").expect("cargo names the output folder");
    let mut source = String::new();
    for kind in ["sqlite", "postgres"] {
        let folder = Path::new(&root).join("migrations").join(kind);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files: Vec<_> = fs::read_dir(&folder)
            .expect("the migration folder is part of the crate")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
            .collect();
        files.sort();
        let _ = writeln!(source, "pub(crate) static {}: &[Migration] = &[", kind.to_uppercase());
        for file in files {
            println!("cargo::rerun-if-changed={}", file.display());
            let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("migration names are UTF-8");
            let (number, name) = stem.split_once('_').expect("a migration is called NNNN_what_it_does.sql");
            let version: i64 = number.parse().expect("a migration's name begins with its number");
            let _ = writeln!(
                source,
                "    Migration {{ version: {version}, name: {:?}, text: include_str!({:?}) }},",
                name.replace('_', " "),
                file.display().to_string(),
            );
        }
        source.push_str("];\n");
    }
    fs::write(Path::new(&out).join("migrations.rs"), source).expect("the output folder can be written");
}
