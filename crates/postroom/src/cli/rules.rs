//! `postroom rules`: profiles as files, without a service: checked, and held to a folder of mails.
//!
//! A team keeps its profile beside mails that it has seen and what the rules should say of each, and runs `rules test` in its own
//! CI. Neither Jira nor a database is asked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use rules::{Origin, Profile, Received, Refusal, Said, said};

use super::{Failure, say, say_json};

/// The most that a profile's file may be long.
const LONGEST: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Check profiles: every mistake with its place and its mend
    Check(CheckArgs),
    /// Hold a profile to a folder of mails (*.eml), each with what the rules should say of it (*.json)
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Profiles, as TOML
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// The profile, as TOML
    #[arg(value_name = "PROFILE")]
    profile: PathBuf,
    /// The folder with the mails
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The mailbox that the mails came to, for rules that look at it
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    mailbox: String,
    /// Write what the rules say now in place of what is expected
    #[arg(long)]
    update: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: RulesArgs) -> Result<(), Failure> {
    match args.command {
        RulesCommand::Check(args) => check(&args),
        RulesCommand::Test(args) => test(&args),
    }
}

fn text_of(file: &Path) -> Result<String, anyhow::Error> {
    let size = fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?.len();
    if size > LONGEST {
        return Err(anyhow!("{} is {size} bytes long; a profile has at most {LONGEST}", file.display()));
    }
    fs::read_to_string(file).with_context(|| format!("{} cannot be read as text", file.display()))
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mut told = Vec::new();
    let mut wrong = 0;
    for file in &args.files {
        let found = match Profile::parse(&text_of(file)?) {
            Ok(profile) => {
                if !args.json {
                    let rules = crate::web::times::counted(profile.rules.len(), "rule", "rules");
                    say(&format!("{}: {} with {rules}, good", file.display(), profile.name))?;
                }
                Vec::new()
            }
            Err(refusals) => refusals,
        };
        wrong += found.len();
        for refusal in &found {
            if !args.json {
                say(&mistake(file, refusal))?;
            }
        }
        told.push(serde_json::json!({ "file": file.display().to_string(), "mistakes": found }));
    }
    if args.json {
        say_json(&told)?;
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::NeedsPerson("1 mistake: mend it, then check again".to_owned())),
        many => Err(Failure::NeedsPerson(format!("{many} mistakes: mend them, then check again"))),
    }
}

/// As compilers write it, so that editors find the place.
fn mistake(file: &Path, refusal: &Refusal) -> String {
    format!(
        "{}:{}:{}: {}. {}",
        file.display(),
        refusal.line,
        refusal.column,
        refusal.what,
        refusal.mend_sentence()
    )
}

fn test(args: &TestArgs) -> Result<(), Failure> {
    let profile = Profile::parse(&text_of(&args.profile)?).map_err(|refusals| {
        let all: Vec<String> = refusals.iter().map(|refusal| mistake(&args.profile, refusal)).collect();
        Failure::NeedsPerson(format!("the profile has mistakes:\n{}", all.join("\n")))
    })?;
    let mut mails: Vec<PathBuf> = fs::read_dir(&args.folder)
        .with_context(|| format!("the folder {} cannot be read", args.folder.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("eml")))
        .collect();
    mails.sort();
    if mails.is_empty() {
        return Err(Failure::Failed(anyhow!(
            "{} has no mails in it: put *.eml files there",
            args.folder.display()
        )));
    }
    let origin = Origin { mailbox: args.mailbox.clone(), ..Origin::default() };
    let (mut told, mut other) = (Vec::new(), 0);
    for mail in &mails {
        let name = mail.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let now = says(&profile, &origin, mail)?;
        let beside = mail.with_extension("json");
        if args.update {
            let mut text = serde_json::to_string_pretty(&now).unwrap_or_default();
            text.push('\n');
            fs::write(&beside, text).with_context(|| format!("{} cannot be written", beside.display()))?;
        }
        let expected = expected(&beside)?;
        let same = expected.as_ref() == Some(&now);
        other += usize::from(!same);
        if !args.json {
            let line = match &expected {
                Some(_) if same => format!("same      {name}"),
                Some(expected) => {
                    format!("DIFFERENT {name}\n  expected: {}\n  now:      {}", shown(expected), shown(&now))
                }
                None => format!(
                    "UNKNOWN   {name}: {} is missing; --update writes it\n  now:      {}",
                    beside.display(),
                    shown(&now)
                ),
            };
            say(&line)?;
        }
        told.push(serde_json::json!({ "mail": name, "same": same, "expected": expected, "now": now }));
    }
    if args.json {
        say_json(&told)?;
    }
    if other == 0 {
        return Ok(());
    }
    Err(Failure::NeedsPerson(format!(
        "{other} of {} mails are decided otherwise than expected: mend the rules, or take it over with --update",
        mails.len()
    )))
}

/// What the rules say of a mail. It came at no known time: rules that look at `received` see nothing.
fn says(profile: &Profile, origin: &Origin, file: &Path) -> Result<Said, anyhow::Error> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mail = mail::parse(&bytes).map_err(|error| anyhow!("{}: {error}", file.display()))?;
    Ok(said(&mail, &mail.rich(), profile, origin, &Received::default()))
}

fn expected(file: &Path) -> Result<Option<Said>, anyhow::Error> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} is not what `rules test --update` writes", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

fn shown(said: &Said) -> String {
    serde_json::to_string(said).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use store::testing::TestFolder;

    use super::*;

    /// Promise: a team holds its rules to its own mails, and is told what changed.
    #[test]
    fn a_folder_of_mails_is_a_test() {
        let folder = TestFolder::new();
        let profile = folder.path().join("support.toml");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "support.toml",
            "profile = 'support'\n[[rule]]\nname = 'bills'\nwhen = 'mail.subject.mentions(\"invoice\")'\nproject = 'BILL'\nlabels = ['{{ mail.from.domain }}']",
        );
        write("one.eml", "From: a@example.org\r\nSubject: Invoice\r\n\r\nx\r\n");
        write("two.eml", "From: a@example.org\r\nSubject: Hello\r\n\r\nx\r\n");
        let args = |update| TestArgs {
            profile: profile.clone(),
            folder: folder.path().to_owned(),
            mailbox: String::new(),
            update,
            json: false,
        };
        assert!(matches!(test(&args(false)), Err(Failure::NeedsPerson(_))), "nothing is expected yet");
        test(&args(true)).unwrap();
        test(&args(false)).unwrap();
        let one: Said =
            serde_json::from_str(&fs::read_to_string(folder.path().join("one.json")).unwrap()).unwrap();
        assert_eq!(one.matched, ["bills"]);
        assert_eq!(one.sets["project"], ["BILL"]);
        assert_eq!(one.sets["labels"], ["example.org"]);
        write("support.toml", "profile = 'support'\n[[rule]]\nname = 'bills'\nhold = 'all of it'");
        let Err(Failure::NeedsPerson(told)) = test(&args(false)) else { panic!("two differ") };
        assert!(told.starts_with("2 of 2 mails"), "{told}");
    }

    /// Promise: a mistake is told as an editor finds it, and fails the check.
    #[test]
    fn a_mistake_is_told_with_its_place() {
        let folder = TestFolder::new();
        let file = folder.path().join("p.toml");
        fs::write(&file, "profile = 'p'\n[[rule]]\nwen = 'true'\nhold = 'x'").unwrap();
        let refusals = Profile::parse(&text_of(&file).unwrap()).unwrap_err();
        let line = mistake(&file, &refusals[0]);
        assert!(line.contains("p.toml:3:1: `wen` is not known in a rule. Did you mean `when`?"), "{line}");
        let failed = check(&CheckArgs { files: vec![file], json: false });
        assert!(matches!(failed, Err(Failure::NeedsPerson(_))));
    }
}
