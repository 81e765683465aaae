//! `postroom doctor`

use std::path::Path;

use clap::Args;
use store::SystemClock;

use super::{Failure, say, say_json};
use crate::config::Environment;
use crate::doctor::{Grade, examine};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    args: DoctorArgs,
    file: Option<&Path>,
    environment: &Environment,
) -> Result<(), Failure> {
    let findings = examine(file, environment, &SystemClock).await;
    if args.json {
        say_json(&serde_json::json!({ "findings": findings }))?;
    } else {
        for finding in &findings {
            let mark = match finding.grade {
                Grade::Good => "ok  ",
                Grade::Note => "note",
                Grade::Bad => "FAIL",
            };
            say(&format!("{mark}  {}: {}", finding.check, finding.text))?;
            if let Some(mend) = &finding.mend {
                say(&format!("      {mend}"))?;
            }
        }
    }
    match findings.iter().filter(|finding| finding.grade == Grade::Bad).count() {
        0 => Ok(()),
        1 => Err(Failure::NeedsPerson("one finding needs a person; its mend is above".to_owned())),
        many => Err(Failure::NeedsPerson(format!("{many} findings need a person; their mends are above"))),
    }
}
