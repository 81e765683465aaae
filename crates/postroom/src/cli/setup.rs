//! `postroom setup microsoft`: what to register in Entra, on a terminal. The console's page shows the same texts.

use clap::{Args, Subcommand};
use url::Url;

use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};
use crate::connections::cloud::{self, Cloud};
use crate::connections::registration_set_up::{self as set_up, Texts, Where, Wishes};

#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    #[command(subcommand)]
    command: SetupCommand,
}

#[derive(Debug, Subcommand)]
enum SetupCommand {
    /// Redirect URI, permissions, scripts, links and the fence of the app registration
    Microsoft(MicrosoftArgs),
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct MicrosoftArgs {
    /// Read mail; with neither --read nor --send: both
    #[arg(long)]
    read: bool,
    /// Send mail
    #[arg(long)]
    send: bool,
    /// Also in shared mailboxes
    #[arg(long)]
    shared: bool,
    /// Over Exchange Web Services instead of Graph
    #[arg(long)]
    ews: bool,
    /// Application permission: without a person who signs in
    #[arg(long)]
    application: bool,
    /// A mailbox that application permission is fenced to; give it for each
    #[arg(long = "mailbox", value_name = "ADDRESS", requires = "application")]
    mailboxes: Vec<String>,
    /// Read from Microsoft when its own secrets and certificates end (Application.Read.All); without it the dates are entered by hand
    #[arg(long)]
    credential_ends: bool,
    /// global, `gcc_high`, dod or china; without it as the settings say
    #[arg(long, value_parser = cloud)]
    cloud: Option<Cloud>,
    /// Other tenants connect too
    #[arg(long)]
    multi_tenant: bool,
    /// The registration's name
    #[arg(long, default_value = "Postroom")]
    name: String,
    /// The client id, once there is one: gives the administrator's consent links
    #[arg(long, value_name = "GUID")]
    client_id: Option<String>,
    /// The tenant's id or domain, for these links
    #[arg(long)]
    tenant: Option<String>,
    /// The console's address; without it `public_url` of the settings
    #[arg(long, value_name = "URL")]
    console: Option<Url>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn cloud(text: &str) -> Result<Cloud, String> {
    Cloud::of_word(&text.replace('-', "_"))
        .filter(|cloud| *cloud != Cloud::Custom)
        .ok_or_else(|| "one of global, gcc_high, dod, china".to_owned())
}

pub(super) fn run(
    args: SetupArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let SetupCommand::Microsoft(args) = args.command;
    let json = args.json;
    let texts = texts(args, &settings()?)?;
    if json { say_json(&texts) } else { print(&texts) }
}

fn texts(args: MicrosoftArgs, config: &Config) -> Result<Texts, Failure> {
    let console = args.console.unwrap_or_else(|| config.public_url(config.server.listen));
    let redirect_uri = console.join("/oauth/callback").map_err(anyhow::Error::from)?;
    let address = |text: &str| Url::parse(text).map_err(anyhow::Error::from);
    let (cloud, login_url, graph_url) = match args.cloud {
        Some(cloud) => (cloud, address(cloud.login())?, address(cloud.graph())?),
        None => {
            let (login, graph) = (config.microsoft.login_url.clone(), config.microsoft.graph_url.clone());
            (cloud::of_addresses(&login, &graph), login, graph)
        }
    };
    let own_tenant = || match config.microsoft.tenant.as_str() {
        "organizations" | "common" => None,
        tenant => Some(tenant.to_owned()),
    };
    let place = Where {
        cloud,
        login_url,
        graph_url,
        ews_url: Url::parse(cloud.ews()).ok(),
        multi_tenant: args.multi_tenant,
        name: args.name,
        redirect_uri,
        client_id: args.client_id.or_else(|| config.microsoft.client_id.clone()),
        tenant: args.tenant.or_else(own_tenant),
        state: None,
    };
    let both = !args.read && !args.send;
    let wishes = Wishes {
        read: args.read || both,
        send: args.send || both,
        shared: args.shared,
        ews: args.ews,
        application: args.application,
        mailboxes: set_up::read_mailboxes(&args.mailboxes.join("\n")),
        credential_ends: args.credential_ends,
    };
    Ok(set_up::texts(&place, &wishes))
}

fn print(texts: &Texts) -> Result<(), Failure> {
    let mut lines = vec![format!("Redirect URI (platform Web): {}", texts.redirect_uri)];
    lines.extend(texts.redirect_uri_problem.iter().map(|problem| format!("  ! {problem}")));
    lines.extend(texts.warnings.iter().map(|warning| format!("! {warning}")));
    lines.push("\nPermissions:".to_owned());
    for one in &texts.permissions {
        lines.push(format!(
            "  {}, {}, {}: {} (consent: {})",
            one.name, one.api, one.kind, one.what, one.consent
        ));
    }
    lines.push(format!("\nAzure CLI:\n\n{}", texts.azure_cli));
    lines.push(format!("Microsoft Graph PowerShell:\n\n{}", texts.powershell));
    lines.push(format!("By hand: {}", texts.portal));
    lines.push("\nWhat the tenant must allow:".to_owned());
    for step in &texts.prerequisites {
        lines.push(format!("  {}: {}\n    {}", step.title, step.text, step.link));
    }
    lines.push("\nFor the administrator:".to_owned());
    if texts.consent_links.is_empty() {
        lines.push("  the links need the client id: give it with --client-id".to_owned());
    }
    lines.extend(texts.consent_links.iter().map(|link| format!("  {}: {}", link.label, link.url)));
    lines.extend(
        texts.fence.iter().map(|fence| format!("\nThe fence (Exchange Online PowerShell):\n\n{fence}")),
    );
    for line in lines {
        say(&line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SetupArgs,
    }

    fn asked(line: &str) -> Texts {
        let SetupCommand::Microsoft(args) = Line::parse_from(line.split(' ')).args.command;
        texts(args, &Config::defaults()).expect("texts")
    }

    /// Promise: the command line gives the texts of the console, for the cloud and the address that are named.
    #[test]
    fn the_texts_are_those_of_the_console() {
        let texts = asked(
            "setup microsoft --read --shared --cloud gcc-high --console https://post.contoso.test --client-id c --tenant t.test",
        );
        assert_eq!(texts.redirect_uri, "https://post.contoso.test/oauth/callback");
        assert!(texts.azure_cli.contains("AzureUSGovernment"), "{}", texts.azure_cli);
        assert!(
            texts.consent_links[0]
                .url
                .starts_with("https://login.microsoftonline.us/t.test/v2.0/adminconsent?")
        );
        let names: Vec<&str> = texts.permissions.iter().map(|one| one.name).collect();
        assert!(names.contains(&"Mail.ReadWrite.Shared") && !names.contains(&"Mail.Send"), "{names:?}");
        let id = "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30";
        assert!(!names.contains(&"Application.Read.All") && !texts.azure_cli.contains(id), "{names:?}");
        let texts = asked("setup microsoft --credential-ends");
        assert!(texts.azure_cli.contains(id) && texts.powershell.contains(id), "{}", texts.azure_cli);
        let texts = asked("setup microsoft --application --mailbox a@b.test --mailbox c@d.test");
        assert!(texts.fence.is_some_and(|fence| fence.contains("c@d.test")));
        assert!(texts.redirect_uri_problem.is_some(), "localhost");
    }
}
