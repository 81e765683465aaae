//! The app registration in use: the Entra app that Postroom is, with its endpoints looked up once per tenant and up to two live
//! credentials.
//!
//! A token request is made with [`Proof`]: the newest credential first, and the other one where Microsoft refuses the first, so
//! that a rollover leaves no gap.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fault::{Fault, Place};
use microsoft::signin::{self, Application, Credential, Discovery};
use url::Url;
use uuid::Uuid;

use super::cloud::{self, Cloud};
use super::met::{Noted, Which};

/// How many credentials may live at once: one in use, one to roll over to.
pub(super) const MOST_CREDENTIALS: usize = 2;

/// What a registration is, as its row and the settings say.
#[derive(Debug)]
pub struct About {
    /// Row id.
    pub id: Uuid,
    /// Application (client) id.
    pub client_id: String,
    /// Where it is registered: a tenant's id, a domain, or `organizations` or `common` where that is left open.
    pub tenant: String,
    /// Whether other tenants connect, too.
    pub multi_tenant: bool,
    /// Which cloud it is registered in.
    pub cloud: Cloud,
    /// For example `https://login.microsoftonline.com`.
    pub login_url: Url,
    /// For example `https://graph.microsoft.com`.
    pub graph_url: Url,
    /// For example `https://outlook.office365.com/EWS/Exchange.asmx`; none where the cloud has none.
    pub ews_url: Option<Url>,
    /// Where Microsoft sends people back to; registered there, letter for letter.
    pub redirect_uri: Url,
}

/// A credential with which it shows itself.
#[derive(Debug)]
pub struct Live {
    /// Where what it meets is kept.
    pub which: Which,
    /// The secret or the certificate.
    pub credential: Credential,
    /// Whether Microsoft refused it when it was used or tested last.
    pub is_refused: AtomicBool,
}

/// The app registration. Endpoints come from discovery, per tenant, and are kept.
#[derive(Debug)]
pub struct Registration {
    about: About,
    /// The newest first.
    credentials: Vec<Live>,
    /// The one that is tried first: the newest, until Microsoft refuses it.
    first: AtomicUsize,
    discovered: Mutex<HashMap<String, Discovery>>,
    met: Noted,
}

/// Whoever has an account of work or school, in whatever tenant.
const ANY: &str = "organizations";

impl About {
    /// The tenant that new sign-ins begin in. An account of another tenant is refused at a tenant's own page (AADSTS50020).
    pub fn begins_in(&self) -> &str {
        if self.multi_tenant && self.tenant != "common" { ANY } else { &self.tenant }
    }

    /// The tenant that an administrator's consent link names while nobody knows theirs. The page takes no `common`.
    pub fn approves_in(&self) -> &str {
        match self.begins_in() {
            "common" => ANY,
            tenant => tenant,
        }
    }

    /// Where its faults happen.
    pub fn place(&self) -> Place {
        Place {
            cloud: cloud::of_portals(self.cloud, &self.login_url),
            client_id: Some(self.client_id.clone()),
            ..Place::default()
        }
    }
}

impl std::ops::Deref for Registration {
    type Target = About;

    fn deref(&self) -> &About {
        &self.about
    }
}

impl Registration {
    /// A registration with its credentials, the newest first. What these meet is noted.
    pub fn new(about: About, credentials: Vec<Live>, met: Noted) -> Self {
        Self { about, credentials, first: AtomicUsize::new(0), discovered: Mutex::default(), met }
    }

    /// The endpoints of a tenant.
    pub async fn endpoints(&self, http: &reqwest::Client, tenant: &str) -> Result<Discovery, Fault> {
        let known = self.discovered.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(discovery) = known {
            return Ok(discovery);
        }
        let found =
            signin::discover(http, &self.login_url, tenant).await.map_err(|fault| fault.at(&self.place()))?;
        self.discovered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant.to_owned(), found.clone());
        Ok(found)
    }

    /// The application as it shows itself in a tenant with a credential.
    pub fn application(&self, tenant: &str, credential: Credential) -> Application {
        Application {
            client_id: self.client_id.clone(),
            credential,
            tenant: tenant.to_owned(),
            redirect_uri: self.redirect_uri.clone(),
        }
    }

    /// Endpoints and application for a tenant, for what needs no credential: the address that a person is sent to.
    pub async fn in_tenant(
        &self,
        http: &reqwest::Client,
        tenant: &str,
    ) -> Result<(Discovery, Application), Fault> {
        let discovery = self.endpoints(http, tenant).await?;
        Ok((discovery, self.application(tenant, Credential::None)))
    }

    /// Endpoints and application for a tenant, for requests to its token endpoint.
    pub async fn proof(self: &Arc<Self>, http: &reqwest::Client, tenant: &str) -> Result<Proof, Fault> {
        let discovery = self.endpoints(http, tenant).await?;
        let at = self.first.load(Ordering::Relaxed);
        let credential = self.credentials.get(at).map_or(Credential::None, |live| live.credential.clone());
        let application = self.application(tenant, credential);
        Ok(Proof { registration: Arc::clone(self), discovery, application, at, tried: 1 })
    }
}

/// What a token request is made with. Where its credential is refused, [`Proof::next`] goes on to the other one.
#[derive(Debug)]
pub struct Proof {
    registration: Arc<Registration>,
    /// The tenant's endpoints.
    pub discovery: Discovery,
    /// With the credential whose turn it is.
    pub application: Application,
    at: usize,
    tried: usize,
}

impl Proof {
    /// What came of the request: where Microsoft has taken the credential, whatever stood against that is over.
    pub fn came_of<T>(&self, result: &Result<T, Fault>) {
        let live = self.registration.credentials.get(self.at).filter(|_| result.is_ok());
        if let Some(live) = live
            && (live.is_refused.swap(false, Ordering::Relaxed) || self.registration.met.refuses(live.which))
        {
            self.registration.met.note(live.which, None);
        }
    }

    /// Whether the fault is the credential's and another one is left, which has its turn now. A credential that is refused is noted.
    pub fn next(&mut self, fault: &Fault) -> bool {
        let all = &self.registration.credentials;
        if let Some(live) = all.get(self.at).filter(|_| is_of_credential(fault)) {
            live.is_refused.store(true, Ordering::Relaxed);
            let fault = fault.clone().at(&self.registration.place());
            self.registration.met.note(live.which, Some(fault));
        }
        let Some(at) = next_turn(self.at, self.tried, all.len(), fault) else { return false };
        tracing::warn!(
            client_id = self.registration.client_id, code = %fault.code,
            "Microsoft refuses a credential of the app registration; the other one is tried"
        );
        self.tried += 1;
        self.at = at;
        self.application.credential = all[at].credential.clone();
        // What was refused now is refused the next time too.
        self.registration.first.store(at, Ordering::Relaxed);
        true
    }
}

/// Whose turn it is after a fault: `tried` of `count` were, the last one at `at`.
fn next_turn(at: usize, tried: usize, count: usize, fault: &Fault) -> Option<usize> {
    (tried < count && is_of_credential(fault)).then(|| (at + 1) % count)
}

/// Whether Microsoft refuses the credential, not the request: a wrong or expired secret, a certificate that it does not know.
pub(super) fn is_of_credential(fault: &Fault) -> bool {
    matches!(
        fault.code.as_str(),
        "AADSTS7000215"
            | "AADSTS7000222"
            | "AADSTS70002"
            | "AADSTS700027"
            | "AADSTS700030"
            | "AADSTS50012"
            | "AADSTS7000218"
    )
}

#[cfg(test)]
mod tests {
    use fault::EntraError;

    use super::*;

    fn refused(code: u32) -> Fault {
        Fault::entra(&EntraError {
            status: 401,
            error: "invalid_client".to_owned(),
            error_codes: vec![code],
            ..EntraError::default()
        })
    }

    /// Promise: a refused credential gives way to the other one, once, whichever of the two came first.
    #[test]
    fn a_refused_credential_gives_way_to_the_other() {
        for code in [7_000_215, 7_000_222, 700_027] {
            assert_eq!(next_turn(0, 1, 2, &refused(code)), Some(1), "{code}");
            assert_eq!(next_turn(1, 1, 2, &refused(code)), Some(0), "{code}");
            assert_eq!(next_turn(1, 2, 2, &refused(code)), None, "both were tried: {code}");
            assert_eq!(next_turn(0, 1, 1, &refused(code)), None, "there is no other: {code}");
        }
        assert_eq!(next_turn(0, 1, 0, &refused(7_000_218)), None);
    }

    /// Promise: what Microsoft says of a credential in use is noted with that credential: a refusal, and that it is taken again. What is
    /// not the credential's fault is not.
    #[tokio::test]
    async fn what_a_credential_meets_is_noted() {
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let url = |text: &str| Url::parse(text).unwrap();
        let about = About {
            id: Uuid::nil(),
            client_id: sim.ready().client_id.clone(),
            tenant: sim.ready().tenant_id.clone(),
            multi_tenant: false,
            cloud: Cloud::Custom,
            login_url: url(&sim.ready().entra),
            graph_url: url(&sim.ready().graph),
            ews_url: None,
            redirect_uri: url("http://127.0.0.1/oauth/callback"),
        };
        let (newest, oldest) = (Which::Own(Uuid::from_u128(2)), Which::OfFile(Uuid::from_u128(1)));
        let live = |which| Live {
            which,
            credential: Credential::Secret(secrecy::SecretString::from("secret")),
            is_refused: AtomicBool::new(false),
        };
        let met = Noted::default();
        let tenant = about.tenant.clone();
        let registration = Registration::new(about, vec![live(newest), live(oldest)], met.clone());
        let registration = Arc::new(registration);
        let http = crate::demo::connect::http().unwrap();
        let noted = || -> Vec<(Which, Option<String>)> {
            met.take().into_iter().map(|met| (met.which, met.fault.map(|fault| fault.code))).collect()
        };

        let mut proof = registration.proof(&http, &tenant).await.unwrap();
        assert!(!proof.next(&refused(50_173)) && noted().is_empty(), "the grant's fault");
        assert!(proof.next(&refused(7_000_222)));
        proof.came_of(&Ok::<_, Fault>(()));
        assert_eq!(noted(), [(newest, Some("AADSTS7000222".to_owned()))], "the other one was never refused");

        // The other one is first now; when it is refused in its turn, the newest is taken again.
        let mut proof = registration.proof(&http, &tenant).await.unwrap();
        assert!(proof.next(&refused(7_000_215)));
        proof.came_of(&Err::<(), _>(refused(50_173)));
        proof.came_of(&Ok::<_, Fault>(()));
        proof.came_of(&Ok::<_, Fault>(()));
        assert_eq!(noted(), [(oldest, Some("AADSTS7000215".to_owned())), (newest, None)]);
        sim.stop().await;
    }

    /// Promise: what is not the credential's fault is not asked a second time.
    #[test]
    fn other_faults_change_no_credential() {
        assert_eq!(next_turn(0, 1, 2, &refused(50_173)), None);
        assert_eq!(next_turn(0, 1, 2, &refused(65_001)), None);
    }
}
