//! Credentials of an app registration: putting one in, testing it, taking it out. Two may live at once, so that a new one is
//! proven before the old one goes.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use fault::Fault;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use microsoft::signin::{self, Certificate, Credential};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::Place;
use uuid::Uuid;

use super::Connections;
use super::credential_ends::{self, concrete_tenant};
use super::pages::CredentialFormPage;
use super::registration::{MOST_CREDENTIALS, is_of_credential};
use super::registration_pages::{name, one, own};
use super::routes::{State, flash_to};
use super::store::accounts;
use super::store::registrations::{self as rows, NewCredential, Row};
use crate::access::{Admin, audit};
use crate::web::form::{Choice, Field, Fields, secret};
use crate::web::{self, Flash, Problem, Section};

/// Where a credential is sealed to.
pub fn place(id: Uuid) -> Place {
    Place::new("credential", "sealed", id)
}

/// What is posted. `Debug` shows no secret.
#[derive(Debug, Deserialize)]
pub struct Posted {
    #[serde(default)]
    kind: String,
    #[serde(default, deserialize_with = "secret")]
    secret: SecretString,
    #[serde(default)]
    expires: String,
    #[serde(default)]
    certificate: String,
    #[serde(default, deserialize_with = "secret")]
    key: SecretString,
    #[serde(default)]
    note: String,
}

impl Default for Posted {
    fn default() -> Self {
        let empty = || SecretString::from(String::new());
        Self {
            kind: String::new(),
            secret: empty(),
            expires: String::new(),
            certificate: String::new(),
            key: empty(),
            note: String::new(),
        }
    }
}

fn fields(posted: &Posted) -> Fields {
    let kind = if posted.kind == "certificate" { "certificate" } else { "secret" };
    Fields::new(vec![
        Field::radio(
            "kind",
            "Kind",
            vec![
                Choice::new("secret", "Client secret").hint("The value that Entra shows once, not its id."),
                Choice::new("certificate", "Certificate")
                    .hint("Safer: its key never travels. Entra has the certificate, Postroom the key too."),
            ],
        )
        .value(kind),
        Field::secret("secret", "Secret's value").optional().autocomplete("off"),
        Field::date("expires", "The secret's last day")
            .optional()
            .value(&posted.expires)
            .hint("As Entra shows it. Postroom warns before; without it there is no warning."),
        Field::text("certificate", "Certificate (PEM)").optional().value(certificates_in(&posted.certificate)).hint(
            "With -----BEGIN CERTIFICATE-----. The same one is uploaded in Entra. Its end is read from it.",
        ),
        Field::secret_text("key", "Its private key (PEM)").optional().hint(
            "With -----BEGIN PRIVATE KEY-----, RSA, without a passphrase. Kept sealed, never shown again.",
        ),
        Field::line("note", "Note")
            .optional()
            .value(&posted.note)
            .hint("For people: who made it, where it is kept."),
    ])
}

fn form(admin: &Admin, row: &Row, fields: Fields) -> Result<Response, Problem> {
    web::page(&CredentialFormPage {
        frame: admin.frame(Section::Registrations, "Add a credential"),
        action: format!("/registrations/{}/credentials/new", row.id),
        back: format!("/registrations/{}", row.id),
        registration: name(row),
        fields,
    })
}

/// GET /registrations/{id}/credentials/new
pub async fn new(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = own(&state, &admin, id).await?;
    form(&admin, &row, fields(&Posted::default()))
}

/// What is kept of a credential: kind, sealed part, certificate, thumbprint, end.
struct Read {
    kind: &'static str,
    sealed: SecretString,
    certificate: String,
    thumbprint: String,
    expires_at: Option<Timestamp>,
}

/// The certificates of a PEM text and nothing else: a text with a key beside is neither kept as it is nor shown again.
fn certificates_in(pem: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some(begin) = rest.find(BEGIN) {
        let Some(end) = rest[begin..].find(END) else { break };
        let end = begin + end + END.len();
        found.push(&rest[begin..end]);
        rest = &rest[end..];
    }
    found.join("\n")
}

/// Reads what was posted; what is wrong stands beside its field.
fn read(posted: &Posted, now: Timestamp) -> Result<Read, Box<Fields>> {
    let mut said = fields(posted);
    if posted.kind == "certificate" {
        return match Certificate::from_pem(&posted.certificate, &posted.key) {
            Ok(certificate) if certificate.not_after() <= now => {
                said.fail("certificate", "The certificate has ended already: make a new one.");
                Err(Box::new(said))
            }
            Ok(certificate) => Ok(Read {
                kind: "certificate",
                sealed: posted.key.clone(),
                certificate: certificates_in(&posted.certificate),
                thumbprint: certificate.thumbprint_sha256(),
                expires_at: Some(certificate.not_after()),
            }),
            Err(error) => {
                let text = error.to_string();
                let field = if text.contains("key") { "key" } else { "certificate" };
                said.fail(field, sentence(&text));
                Err(Box::new(said))
            }
        };
    }
    let value = posted.secret.expose_secret().trim();
    if value.is_empty() {
        said.fail("secret", "The secret is missing: copy its value from Entra.");
    } else if Uuid::try_parse(value).is_ok() {
        said.fail("secret", "This is the secret's id. Copy the column Value, which Entra shows only once.");
    }
    let expires_at = match posted.expires.trim() {
        "" => None,
        text => match text.parse::<Date>().ok().map(end_of) {
            Some(at) if at > now => Some(at),
            Some(_) => {
                said.fail("expires", "This day is over: a secret that has ended is refused by Microsoft.");
                None
            }
            None => {
                said.fail("expires", "Write the day as year-month-day, for example 2027-03-31.");
                None
            }
        },
    };
    if said.failed() {
        return Err(Box::new(said));
    }
    Ok(Read {
        kind: "secret",
        sealed: SecretString::from(value.to_owned()),
        certificate: String::new(),
        thumbprint: String::new(),
        expires_at,
    })
}

/// The beginning of a day, UTC: a warning that comes some hours early is no harm.
pub fn end_of(day: Date) -> Timestamp {
    // Days that the calendar has and the clock has not lie at its end.
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// POST /registrations/{id}/credentials/new
pub async fn add(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let row = own(&state, &admin, id).await?;
    let now = connections.clock.now();
    let read = match read(&posted, now) {
        Ok(read) => read,
        Err(said) => return form(&admin, &row, *said),
    };
    let credential = Uuid::now_v7();
    let (kind, thumbprint) = (read.kind, read.thumbprint.clone());
    let new = NewCredential {
        id: credential,
        workspace: admin.workspace(),
        registration: id,
        kind,
        sealed: connections.sealer.seal(&place(credential), read.sealed.expose_secret().as_bytes()),
        certificate: read.certificate,
        thumbprint: read.thumbprint,
        note: posted.note.trim().chars().take(200).collect(),
        expires_at: read.expires_at,
        now,
    };
    let mut tx = connections.db.begin().await?;
    if !rows::add_credential(&mut tx, new, i64::try_from(MOST_CREDENTIALS).unwrap_or(2)).await? {
        return Err(Problem::conflict(
            "Two credentials live already: one in use and one to roll over to.",
            "Take out the one that ends first, then add the new one.",
        ));
    }
    audit::record(&mut tx, &admin.actor(), "add credential", &row.client_id, &format!("{kind} {thumbprint}"))
        .await?;
    tx.commit().await?;
    connections.forget();
    state.shell.bus.tell("registrations");
    // Proven at once: it is the newest, so it is tried first from now on.
    let flash = tested(&state, &row, Some(credential)).await?;
    try_again(&state, &row).await?;
    Ok(flash_to(&admin, &flash, &format!("/registrations/{id}")))
}

/// What stood still without a credential that Microsoft takes does not wait for its next try.
async fn try_again(state: &State, row: &Row) -> Result<(), Problem> {
    let connections = &state.connections;
    let now = connections.clock.now();
    for account in rows::accounts(&connections.db, row.id).await? {
        connections.ask_anew(account.id).await;
        let mut tx = connections.db.begin().await?;
        accounts::wake_sources(&mut tx, account.id, now).await?;
        tx.commit().await?;
    }
    state.engine.poll.notify_one();
    Ok(())
}

/// POST /registrations/{id}/credentials/{credential}/test
pub async fn test(
    admin: Admin,
    Shared(state): Shared<State>,
    Path((id, credential)): Path<(Uuid, Uuid)>,
) -> Result<Response, Problem> {
    let row = one(&state, &admin, id).await?;
    let flash = tested(&state, &row, Some(credential)).await?;
    state.shell.bus.tell("registrations");
    Ok(flash_to(&admin, &flash, &format!("/registrations/{id}")))
}

/// POST /registrations/{id}/test-of-file
pub async fn test_of_file(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = one(&state, &admin, id).await?;
    let flash = tested(&state, &row, None).await?;
    Ok(flash_to(&admin, &flash, &format!("/registrations/{id}")))
}

/// Tests a credential (none: the settings file's) and says what that proves.
async fn tested(state: &State, row: &Row, credential: Option<Uuid>) -> Result<Flash, Problem> {
    let connections = &state.connections;
    let proof = match credential {
        None => file_secret(connections, row),
        Some(id) => {
            let all = rows::credentials(&connections.db, row.id).await?;
            let found = all.iter().find(|found| found.id == id);
            connections.credential(found.ok_or_else(|| Problem::not_found("credential"))?)
        }
    };
    let Some(tenant) = concrete_tenant(connections, row).await? else {
        return Ok(Flash::done(
            "It cannot be tested yet: Microsoft tests a credential in a tenant, and no account of one has signed in. The first \
             sign-in tests it.",
        ));
    };
    let result = match proof {
        Ok(proof) => ask(connections, row, &tenant, proof).await,
        Err(fault) => Err(fault),
    };
    if let Some(id) = credential {
        let fault = result.as_ref().err().and_then(|fault| serde_json::to_string(&fault.to_record()).ok());
        rows::tested(&connections.db, id, fault, connections.clock.now()).await?;
    }
    Ok(match result {
        Ok(token) => {
            // Only who may read applications is told; the test of the credential is good all the same.
            if let Err(fault) = credential_ends::learn(connections, row, &token).await {
                tracing::debug!(client_id = row.client_id, %fault, code = %fault.code, "ends of credentials cannot be read");
            }
            Flash::done(format!(
                "Microsoft took the credential in the tenant {tenant}: it is right, it has not ended, and it belongs to this client id. \
             Whether a mailbox may be read is another question: ping a source for that.",
            ))
        }
        Err(fault) if is_of_credential(&fault) => {
            Flash::failed(format!("Microsoft refuses the credential. {}", fault.sentence()))
        }
        Err(fault) => Flash::failed(format!(
            "The test came to no end, so nothing is known about the credential. {}",
            fault.sentence()
        )),
    })
}

/// Asks for a token of the application itself: Microsoft looks at the credential before anything else.
async fn ask(
    connections: &Connections,
    row: &Row,
    tenant: &str,
    proof: Credential,
) -> Result<SecretString, Fault> {
    let registration = connections.registration(row.id).await?;
    let discovery = registration.endpoints(&connections.http, tenant).await?;
    let application = registration.application(tenant, proof);
    let scope = format!("{}/.default", registration.graph_url.as_str().trim_end_matches('/'));
    signin::as_application(&connections.http, &discovery, &application, &scope, connections.clock.now())
        .await
        .map(|tokens| tokens.access)
        .map_err(|fault| fault.at(&registration.place()))
}

/// The settings file's secret.
fn file_secret(connections: &Connections, row: &Row) -> Result<Credential, Fault> {
    let none = || Fault::own("own.configuration", "the settings name no client_secret");
    connections.secret_of_file(row)?.ok_or_else(none)
}

/// POST /registrations/{id}/credentials/{credential}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path((id, credential)): Path<(Uuid, Uuid)>,
) -> Result<Response, Problem> {
    let row = own(&state, &admin, id).await?;
    let mut tx = state.connections.db.begin().await?;
    if !rows::remove_credential(&mut tx, id, credential, state.connections.clock.now()).await? {
        return Err(Problem::not_found("credential"));
    }
    audit::record(&mut tx, &admin.actor(), "take out credential", &row.client_id, "").await?;
    tx.commit().await?;
    state.connections.forget();
    state.shell.bus.tell("registrations");
    let flash = Flash::done("The credential is taken out. Delete it in Entra too.");
    Ok(flash_to(&admin, &flash, &format!("/registrations/{id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a key that was pasted along with its certificate is dropped from what is kept openly and shown again.
    #[test]
    fn only_certificates_are_kept_openly() {
        let certificate =
            |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
        let key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----";
        let (one, two) = (certificate("AAAA"), certificate("BBBB"));
        assert_eq!(
            certificates_in(&format!("{key}\n{one}\nBag Attributes\n{two}\n{key}\n")),
            format!("{one}\n{two}")
        );
        for none in
            ["", key, "-----BEGIN CERTIFICATE-----\nAAAA", &format!("-----BEGIN CERTIFICATE-----\n{key}")]
        {
            assert_eq!(certificates_in(none), "", "{none}");
        }
    }
}
