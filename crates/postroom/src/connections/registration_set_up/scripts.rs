//! The scripts that make the registration, for the Azure CLI and for Microsoft Graph PowerShell.
//!
//! `groupMembershipClaims` is `DirectoryRole` so that a sign-in tells whether an administrator signed in: the claim `wids` is there only
//! where the registration asks for it, with this value or `All`. Without it everybody is shown the Enterprise Application's page, which
//! only administrators can open.
//!
//! Sources: Microsoft identity platform, *Access token claims reference* (`wids`) and *App manifest* (`groupMembershipClaims`); Azure
//! CLI, *az ad app*; Microsoft Graph PowerShell, *New-MgApplication*.

use std::fmt::Write as _;

use super::permissions::{EXCHANGE, GRAPH, Permission};
use super::{Where, audience};

/// In single quotes, for a shell.
fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// In single quotes, for PowerShell.
pub(super) fn ps(text: &str) -> String {
    // PowerShell takes the typographic quotes for quotes as well.
    let doubled: String = text
        .chars()
        .flat_map(|c| {
            let is_quote = matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
            std::iter::once(c).chain(is_quote.then_some(c))
        })
        .collect();
    format!("'{doubled}'")
}

/// A name in one line, whatever was typed.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn by_api(permissions: &[Permission]) -> Vec<(&'static str, Vec<&Permission>)> {
    [("Microsoft Graph", GRAPH), ("Office 365 Exchange Online", EXCHANGE)]
        .into_iter()
        .map(|(api, id)| (id, permissions.iter().filter(|own| own.api == api).collect::<Vec<_>>()))
        .filter(|(_, own)| !own.is_empty())
        .collect()
}

/// As the manifest calls the kind of a permission.
fn manifest_kind(permission: &Permission) -> &'static str {
    if permission.kind == "application" { "Role" } else { "Scope" }
}

pub(super) fn azure_cli(place: &Where, permissions: &[Permission]) -> String {
    let manifest: Vec<serde_json::Value> = by_api(permissions)
        .into_iter()
        .map(|(id, own)| {
            let access: Vec<serde_json::Value> = own
                .iter()
                .map(|one| serde_json::json!({ "id": one.id, "type": manifest_kind(one) }))
                .collect();
            serde_json::json!({ "resourceAppId": id, "resourceAccess": access })
        })
        .collect();
    let manifest = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    format!(
        "az cloud set --name {cloud}\n\
         az login --allow-no-subscriptions\n\
         cat > postroom-permissions.json <<'JSON'\n{manifest}\nJSON\n\
         client_id=$(az ad app create --display-name {name} --sign-in-audience {audience} \\\n  \
           --web-redirect-uris {uri} \\\n  \
           --required-resource-accesses @postroom-permissions.json --query appId --output tsv)\n\
         az ad app update --id \"$client_id\" --set groupMembershipClaims=DirectoryRole\n\
         az ad sp create --id \"$client_id\" --output none\n\
         az ad app credential reset --id \"$client_id\" --append --display-name Postroom --years 1 \\\n  \
           --query '{{\"client id\": appId, \"client secret\": password, tenant: tenant}}' --output yaml\n",
        cloud = place.cloud.azure_cli(),
        name = sh(&one_line(&place.name)),
        audience = audience(place),
        uri = sh(place.redirect_uri.as_str()),
    )
}

pub(super) fn powershell(place: &Where, permissions: &[Permission]) -> String {
    let mut access = String::new();
    for (id, own) in by_api(permissions) {
        let _ = writeln!(access, "  @{{ ResourceAppId = '{id}'; ResourceAccess = @(");
        for one in own {
            let _ = writeln!(
                access,
                "    @{{ Id = '{}'; Type = '{}' }} # {}",
                one.id,
                manifest_kind(one),
                one.name
            );
        }
        access.push_str("  ) }\n");
    }
    format!(
        "Connect-MgGraph -Environment {environment} -Scopes 'Application.ReadWrite.All'\n\
         $access = @(\n{access})\n\
         $app = New-MgApplication -DisplayName {name} -SignInAudience {audience} `\n  \
           -Web @{{ RedirectUris = @({uri}) }} -RequiredResourceAccess $access `\n  \
           -GroupMembershipClaims 'DirectoryRole'\n\
         $null = New-MgServicePrincipal -AppId $app.AppId\n\
         $secret = Add-MgApplicationPassword -ApplicationId $app.Id -PasswordCredential @{{\n  \
           DisplayName = 'Postroom'; EndDateTime = (Get-Date).AddYears(1) }}\n\
         [pscustomobject]@{{ 'client id' = $app.AppId; 'client secret' = $secret.SecretText\n  \
           ends = $secret.EndDateTime; tenant = (Get-MgContext).TenantId }} | Format-List\n",
        environment = place.cloud.graph_environment(),
        name = ps(&one_line(&place.name)),
        audience = audience(place),
        uri = ps(place.redirect_uri.as_str()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::place;
    use super::super::{Wishes, texts};
    use super::*;

    /// Promise: both scripts name the redirect URI, the audience and each permission's id, and take any name without harm.
    #[test]
    fn scripts_make_exactly_this_registration() {
        let hostile = "Bob's \u{2019}$(reboot)`\nrm";
        let place = Where { name: hostile.to_owned(), multi_tenant: true, ..place() };
        let wishes = Wishes { ews: true, application: true, credential_ends: true, ..Wishes::default() };
        let texts = texts(&place, &wishes);
        for script in [&texts.azure_cli, &texts.powershell] {
            for permission in &texts.permissions {
                assert_eq!(script.matches(permission.id).count(), 1, "{}: {script}", permission.name);
            }
            for part in [
                GRAPH,
                EXCHANGE,
                "AzureADMultipleOrgs",
                "https://postroom.example.com/oauth/callback",
                // So that the sign-in of an administrator is known as one.
                "DirectoryRole",
            ] {
                assert!(script.contains(part), "{part}: {script}");
            }
        }
        assert!(texts.azure_cli.contains(r"'Bob'\''s ’$(reboot)` rm'"), "{}", texts.azure_cli);
        assert!(texts.powershell.contains("'Bob''s ’’$(reboot)` rm'"), "{}", texts.powershell);
        let begin = texts.azure_cli.find("JSON'\n").expect("a manifest") + 6;
        let end = texts.azure_cli.rfind("\nJSON").expect("its end");
        let manifest: serde_json::Value = serde_json::from_str(&texts.azure_cli[begin..end]).expect("JSON");
        assert_eq!(manifest[1]["resourceAccess"][1]["type"], "Role", "{manifest}");
        let graph = manifest[0]["resourceAccess"].as_array().expect("permissions of Graph");
        let ends = graph.iter().find(|one| one["id"] == "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30");
        assert_eq!(ends.map(|one| &one["type"]), Some(&"Role".into()), "{manifest}");
    }
}
