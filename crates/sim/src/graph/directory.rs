//! The directory: app registrations with the ends of their credentials, enterprise applications, grants, the organization.
//!
//! Each resource needs its own permission; without it the answer is 403 `Authorization_RequestDenied`. A tenant sees the
//! registrations that were made in it and the enterprise applications that it has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::{GraphState, no_method, no_resource};
use crate::entra::grants::{Access, Principal};
use crate::entra::scopes::{Resource, listed, permission_id, role_resource};
use crate::tenant::Registration;

/// Client ids of the resources.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

const READ_APPLICATIONS: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_GRANTS: &[&str] = &[
    "DelegatedPermissionGrant.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_ORGANIZATION: &[&str] =
    &["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "User.Read"];

/// Whether a path is the directory's, apart from people.
pub(crate) fn is_mine(first: &str) -> bool {
    ["organization", "applications", "serviceprincipals", "oauth2permissiongrants"]
        .iter()
        .any(|own| first == *own || first.strip_prefix(own).is_some_and(|rest| rest.starts_with('(')))
}

fn resource_name(resource: Resource) -> &'static str {
    match resource {
        Resource::Graph => "Microsoft Graph",
        Resource::Exchange => "Office 365 Exchange Online",
    }
}

fn resource_app(resource: Resource) -> &'static str {
    match resource {
        Resource::Graph => GRAPH,
        Resource::Exchange => EXCHANGE,
    }
}

/// The enterprise application of a resource in a tenant.
fn resource_id(tenant: Uuid, resource: Resource) -> Uuid {
    Uuid::new_v5(&tenant, resource_app(resource).as_bytes())
}

fn need(access: &Access, names: &[&str]) -> Result<(), Refusal> {
    if names.iter().any(|name| access.scopes.contains(*name)) {
        return Ok(());
    }
    let message = "Insufficient privileges to complete the operation.";
    Err(Refusal::new(403, "Authorization_RequestDenied", message))
}

fn absent(id: &str) -> Refusal {
    let message = format!(
        "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
    );
    Refusal::new(404, "Request_ResourceNotFound", message)
}

/// `appId='…'` of `applications(appId='…')`, or an id that is a segment of its own.
#[derive(Debug)]
enum Key<'a> {
    All,
    Id(&'a str),
    AppId(String),
}

/// The filter `name eq 'value'`, or nothing.
fn equals(call: &Call, name: &str) -> Result<Option<String>, Refusal> {
    let Some(filter) = call.option("filter") else { return Ok(None) };
    let mut words = filter.split_whitespace();
    let parts = (words.next(), words.next(), words.next(), words.next());
    match parts {
        (Some(own), Some(eq), Some(value), None)
            if own.eq_ignore_ascii_case(name) && eq.eq_ignore_ascii_case("eq") =>
        {
            Ok(Some(value.trim_matches('\'').to_owned()))
        }
        _ => Err(Refusal::new(
            400,
            "Request_UnsupportedQuery",
            format!(
                "Unsupported or invalid query filter clause specified for property '{name}' of resource."
            ),
        )),
    }
}

fn selected(mut value: Value, call: &Call) -> Value {
    if let (Some(select), Value::Object(object)) = (call.option("select"), &mut value) {
        object.retain(|name, _| {
            name.starts_with('@') || select.split(',').any(|wanted| wanted.trim().eq_ignore_ascii_case(name))
        });
    }
    value
}

impl GraphState {
    fn one(&self, call: &Call, kind: &str, value: Value) -> Answer {
        let mut all = Map::new();
        let context = format!("{}/v1.0/$metadata#{kind}/$entity", self.base());
        all.insert("@odata.context".to_owned(), context.into());
        if let Value::Object(object) = value {
            all.extend(object);
        }
        Answer::value(200, &selected(Value::Object(all), call))
    }

    fn many(&self, call: &Call, kind: &str, values: Vec<Value>) -> Answer {
        let values: Vec<Value> = values.into_iter().map(|value| selected(value, call)).collect();
        let context = format!("{}/v1.0/$metadata#{kind}", self.base());
        Answer::value(200, &json!({"@odata.context": context, "value": values}))
    }

    /// Operations of the directory. The path begins as [`is_mine`] says.
    pub(super) fn directory(&self, call: &Call, access: &Access, lower: &[&str]) -> Outcome {
        if call.method != Method::GET {
            return Err(no_method(call));
        }
        let first = lower.first().copied().unwrap_or_default();
        let (kind, key, rest) = match first.split_once('(') {
            Some((kind, inner)) => {
                let id = inner.trim_end_matches(')').strip_prefix("appid=").map(|id| id.trim_matches('\''));
                (kind, Key::AppId(id.ok_or_else(|| no_resource(first))?.to_owned()), &lower[1..])
            }
            None => match lower.get(1) {
                Some(id) => (first, Key::Id(id), &lower[2..]),
                None => (first, Key::All, &lower[1..]),
            },
        };
        match (kind, rest) {
            ("organization", []) => self.organization(call, access, &key),
            ("applications", []) => {
                need(access, READ_APPLICATIONS)?;
                self.applications(call, access, &key)
            }
            ("serviceprincipals", _) => {
                need(access, READ_APPLICATIONS)?;
                self.service_principals(call, access, &key, rest)
            }
            ("oauth2permissiongrants", []) if matches!(key, Key::All) => {
                need(access, READ_GRANTS)?;
                let client = equals(call, "clientId")?;
                let mut all = Vec::new();
                for (tenant, client_id, principal) in self.grants.principals() {
                    let is_asked = client.as_ref().is_none_or(|id| *id == principal.object_id.to_string());
                    if tenant == access.tenant && is_asked {
                        all.extend(self.grants_of(tenant, &client_id, &principal));
                    }
                }
                Ok(self.many(call, "oauth2PermissionGrants", all))
            }
            _ => Err(no_resource(rest.first().copied().unwrap_or(first))),
        }
    }

    fn organization(&self, call: &Call, access: &Access, key: &Key<'_>) -> Outcome {
        need(access, READ_ORGANIZATION)?;
        let tenant = access.tenant.to_string();
        let Some(own) = self.exchange.tenant.organization(&tenant) else { return Err(absent(&tenant)) };
        // The profile's own permission shows a few properties; the others are there and empty.
        let sees_all = access
            .scopes
            .iter()
            .any(|name| name != "User.Read" && READ_ORGANIZATION.contains(&name.as_str()));
        let value = json!({
            "id": own.id, "deletedDateTime": null, "displayName": own.name,
            "countryLetterCode": if sees_all { Value::from("DE") } else { Value::Null },
            "tenantType": if sees_all { Value::from("AAD") } else { Value::Null },
            "verifiedDomains": [{"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true,
                "isInitial": true, "name": own.domain, "type": "Managed"}],
        });
        match key {
            Key::All => Ok(self.many(call, "organization", vec![value])),
            Key::Id(id) if *id == tenant => Ok(self.one(call, "organization", value)),
            Key::Id(id) => Err(absent(id)),
            Key::AppId(id) => Err(no_resource(id)),
        }
    }

    fn applications(&self, call: &Call, access: &Access, key: &Key<'_>) -> Outcome {
        let mut all = self.exchange.tenant.registrations();
        all.retain(|own| own.home == access.tenant);
        let found = |fits: &dyn Fn(&Registration) -> bool, id: &str| -> Outcome {
            let own = all.iter().find(|own| fits(own)).ok_or_else(|| absent(id))?;
            Ok(self.one(call, "applications", self.application(own)))
        };
        match key {
            Key::AppId(id) => found(&|own| own.client_id.eq_ignore_ascii_case(id), id),
            Key::Id(id) => found(&|own| own.object_id.to_string() == *id, id),
            Key::All => {
                let wanted = equals(call, "appId")?;
                all.retain(|own| wanted.as_ref().is_none_or(|id| own.client_id.eq_ignore_ascii_case(id)));
                let values = all.iter().map(|own| self.application(own)).collect();
                Ok(self.many(call, "applications", values))
            }
        }
    }

    fn application(&self, own: &Registration) -> Value {
        let domain = self.exchange.tenant.organization(&own.home.to_string()).map(|home| home.domain);
        let moment = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let passwords: Vec<Value> = own
            .secrets
            .iter()
            .map(|secret| {
                let hint: String = secret.text.chars().take(3).collect();
                json!({"customKeyIdentifier": null, "displayName": secret.name, "endDateTime": moment(secret.ends),
                    "hint": hint, "keyId": secret.key_id, "secretText": null, "startDateTime": moment(secret.begins)})
            })
            .collect();
        let keys: Vec<Value> = own
            .certificates
            .iter()
            .map(|certificate| {
                json!({"customKeyIdentifier": STANDARD.encode(&certificate.sha1), "displayName": certificate.name,
                    "endDateTime": moment(certificate.ends), "key": null, "keyId": certificate.key_id,
                    "startDateTime": moment(certificate.begins), "type": "AsymmetricX509Cert", "usage": "Verify"})
            })
            .collect();
        let wanted: Vec<Value> = [Resource::Graph, Resource::Exchange]
            .into_iter()
            .filter_map(|resource| {
                let scopes = own.scopes.iter().filter_map(|name| permission_id(resource, name, false));
                let scopes = scopes.map(|id| json!({"id": id, "type": "Scope"}));
                let roles = own.roles.iter().filter(|name| role_resource(name) == resource);
                let roles = roles.filter_map(|name| permission_id(resource, name, true));
                let roles = roles.map(|id| json!({"id": id, "type": "Role"}));
                let all: Vec<Value> = scopes.chain(roles).collect();
                (!all.is_empty())
                    .then(|| json!({"resourceAppId": resource_app(resource), "resourceAccess": all}))
            })
            .collect();
        json!({
            "id": own.object_id, "deletedDateTime": null, "appId": own.client_id, "displayName": own.name,
            "publisherDomain": domain,
            "signInAudience": if own.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" },
            "isFallbackPublicClient": own.public_flows, "web": {"redirectUris": own.redirect_uris},
            "passwordCredentials": passwords, "keyCredentials": keys, "requiredResourceAccess": wanted,
        })
    }

    fn service_principals(&self, call: &Call, access: &Access, key: &Key<'_>, rest: &[&str]) -> Outcome {
        let mut all = self.grants.principals();
        all.retain(|(tenant, ..)| *tenant == access.tenant);
        let found = match key {
            Key::All if rest.is_empty() => {
                let wanted = equals(call, "appId")?;
                let values = all
                    .iter()
                    .filter(|(_, client, _)| wanted.as_ref().is_none_or(|id| client.eq_ignore_ascii_case(id)))
                    .map(|(_, client, principal)| self.service_principal(client, principal))
                    .collect();
                return Ok(self.many(call, "servicePrincipals", values));
            }
            Key::All => return Err(no_resource("servicePrincipals")),
            Key::AppId(id) => {
                all.iter().find(|(_, client, _)| client.eq_ignore_ascii_case(id)).ok_or_else(|| absent(id))?
            }
            Key::Id(id) => all
                .iter()
                .find(|(.., principal)| principal.object_id.to_string() == *id)
                .ok_or_else(|| absent(id))?,
        };
        let (tenant, client, principal) = found;
        match rest {
            [] => Ok(self.one(call, "servicePrincipals", self.service_principal(client, principal))),
            ["approleassignments"] => {
                let name = self.name_of(client);
                let values = principal.roles.iter().map(|role| {
                    let resource = role_resource(role);
                    json!({
                        "id": Uuid::new_v5(&principal.object_id, role.as_bytes()),
                        "appRoleId": permission_id(resource, role, true),
                        "createdDateTime": principal.made.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                        "principalDisplayName": name, "principalId": principal.object_id,
                        "principalType": "ServicePrincipal", "resourceDisplayName": resource_name(resource),
                        "resourceId": resource_id(*tenant, resource),
                    })
                });
                Ok(self.many(call, "appRoleAssignments", values.collect()))
            }
            ["oauth2permissiongrants"] => {
                let values = self.grants_of(*tenant, client, principal);
                Ok(self.many(call, "oauth2PermissionGrants", values))
            }
            [other, ..] => Err(no_resource(other)),
        }
    }

    fn name_of(&self, client_id: &str) -> String {
        let registration = self.exchange.tenant.registration(client_id);
        registration.map_or_else(|| client_id.to_owned(), |own| own.name)
    }

    fn service_principal(&self, client_id: &str, principal: &Principal) -> Value {
        let registration = self.exchange.tenant.registration(client_id);
        let name = self.name_of(client_id);
        json!({
            "id": principal.object_id, "deletedDateTime": null, "accountEnabled": principal.enabled,
            "appDisplayName": name, "appId": client_id,
            "appOwnerOrganizationId": registration.as_ref().map(|own| own.home),
            "appRoleAssignmentRequired": principal.assignment_required,
            "createdDateTime": principal.made.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "displayName": name,
            "servicePrincipalType": "Application",
            "signInAudience": registration.as_ref().map(|own| {
                if own.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" }
            }),
        })
    }

    /// The consents to an app as the directory keeps them: one for each resource, of everybody or of a person.
    fn grants_of(&self, tenant: Uuid, client_id: &str, principal: &Principal) -> Vec<Value> {
        let mut out = Vec::new();
        for (user, scopes) in self.grants.consents(tenant, client_id) {
            for resource in [Resource::Graph, Resource::Exchange] {
                // Without the resource: the grant names that apart.
                let scope = listed(&scopes, resource, true);
                let scope: Vec<&str> = scope
                    .split_whitespace()
                    .map(|name| name.rsplit('/').next().unwrap_or(name))
                    .chain(
                        (resource == Resource::Graph && scopes.contains("offline_access"))
                            .then_some("offline_access"),
                    )
                    .collect();
                if scope.is_empty() {
                    continue;
                }
                let id = format!("{resource:?} {user:?}");
                out.push(json!({
                    "clientId": principal.object_id,
                    "consentType": if user.is_none() { "AllPrincipals" } else { "Principal" },
                    "id": Uuid::new_v5(&principal.object_id, id.as_bytes()).simple().to_string(),
                    "principalId": user, "resourceId": resource_id(tenant, resource), "scope": scope.join(" "),
                }));
            }
        }
        out
    }
}
