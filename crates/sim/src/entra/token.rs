//! The token endpoint: authorization_code, refresh_token, client_credentials.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::json;
use uuid::Uuid;

use super::authorize::{Claims, parameters};
use super::certificates::{ASSERTION_TYPE, Judge};
use super::device::Stage;
use super::errors::{TokenError, json_response};
use super::grants::{Access, CODE_LIVES, Method, Proof};
use super::keys::challenge;
use super::policies::Cloud;
use super::scopes::{Asked, Resource, listed, role_resource};
use super::{Authority, EntraState};
use crate::tenant::{Registration, User};

/// Requests that look alike within this time count as a loop.
const LOOP_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Requests whose likes are watched.
const MOST_WATCHED: usize = 5_000;

/// Watches for clients that send the same request again and again (50196).
pub(crate) struct Loops {
    seen: Mutex<HashMap<String, VecDeque<Timestamp>>>,
    most: AtomicUsize,
}

impl Default for Loops {
    fn default() -> Self {
        Self { seen: Mutex::default(), most: AtomicUsize::new(100) }
    }
}

impl Loops {
    /// How many requests that look alike are answered within five minutes.
    pub(crate) fn set_most(&self, most: usize) {
        self.most.store(most.max(1), Ordering::Relaxed);
    }

    /// Counts a request; refuses it when too many like it came.
    fn watch(&self, likeness: String, now: Timestamp) -> Result<(), TokenError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_WATCHED {
            seen.retain(|_, times| times.back().is_some_and(|last| now.duration_since(*last) < LOOP_WINDOW));
            if seen.len() >= MOST_WATCHED {
                seen.clear();
            }
        }
        let times = seen.entry(likeness).or_default();
        while times.front().is_some_and(|first| now.duration_since(*first) >= LOOP_WINDOW) {
            times.pop_front();
        }
        if times.len() >= self.most.load(Ordering::Relaxed) {
            return Err(TokenError::of(50_196));
        }
        times.push_back(now);
        Ok(())
    }
}

/// POST token.
pub(crate) async fn token(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut trace = state.trace();
    let correlation = headers.get("client-request-id").and_then(|value| value.to_str().ok());
    if let Some(id) = correlation.and_then(|text| uuid::Uuid::parse_str(text).ok()) {
        trace.correlation = id;
    }
    let outcome = state.answer(&tenant, &headers, &body);
    let response = outcome.unwrap_or_else(|error| error.response(state.base(), &trace));
    response.map(Body::from)
}

struct Ask<'a> {
    fields: &'a HashMap<String, String>,
}

impl Ask<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str) -> Result<&str, TokenError> {
        self.text(name).ok_or_else(|| TokenError::missing(name))
    }
}

/// Client id and secret of `Authorization: Basic`.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some((decode(id), decode(secret)))
}

impl EntraState {
    fn answer(&self, tenant: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response<Bytes>, TokenError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(TokenError::missing("grant_type"));
        }
        let fields = parameters(&String::from_utf8_lossy(body));
        let ask = Ask { fields: &fields };
        let grant = ask.needed("grant_type")?;
        let authority = self.authority(tenant)?;
        if self.cloud(&authority) != Cloud::Global {
            return Err(TokenError::of(900_382));
        }
        let basic = basic(headers);
        let client_id = match (&basic, ask.text("client_id")) {
            (_, Some(id)) => id,
            (Some((id, _)), None) => id,
            (None, None) => return Err(TokenError::missing("client_id")),
        };
        let registration = self.registration(client_id, &authority)?;
        let secret = basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| ask.text("client_secret"));
        self.check_client(&registration, (tenant, &authority), secret, &ask)?;
        match grant {
            "authorization_code" => self.redeem(&registration, &authority, &ask),
            "refresh_token" => self.refresh(&registration, &authority, &ask),
            "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => {
                self.device(&registration, &ask)
            }
            "client_credentials" => self.app_only(&registration, &authority, &ask),
            other => Err(TokenError::of(70_003)
                .saying(&format!("The app requested an unsupported grant type '{other}'."))),
        }
    }

    fn redeem(
        &self,
        registration: &Registration,
        authority: &Authority,
        ask: &Ask<'_>,
    ) -> Result<Response<Bytes>, TokenError> {
        let text = ask.needed("code")?;
        let redirect_uri = ask.needed("redirect_uri")?;
        let Some(code) = self.grants.code(text) else {
            return Err(TokenError::of(9_002_313)
                .saying("Invalid request. The authorization code is malformed or invalid."));
        };
        if !code.client_id.eq_ignore_ascii_case(&registration.client_id) {
            return Err(TokenError::of(70_000)
                .saying("The provided authorization code was issued to another client."));
        }
        if code.used {
            return Err(TokenError::of(54_005));
        }
        if matches!(authority, Authority::Own(tenant) if *tenant != code.tenant) {
            return Err(TokenError::of(700_005));
        }
        if self.core.now().duration_since(code.issued) > CODE_LIVES {
            return Err(TokenError::of(70_008));
        }
        if code.redirect_uri != redirect_uri {
            return Err(TokenError::of(50_011).saying(&format!(
                "The redirect URI '{redirect_uri}' does not match the one of the authorization request."
            )));
        }
        match (&code.challenge, ask.text("code_verifier")) {
            (None, None) => {}
            (Some((wanted, Method::S256)), Some(verifier)) if challenge(verifier) == *wanted => {}
            (Some((wanted, Method::Plain)), Some(verifier)) if verifier == wanted => {}
            (Some(_), None) => {
                return Err(TokenError::of(501_481).saying(
                    "The Code_Verifier is missing though the authorization request had a code_challenge.",
                ));
            }
            _ => return Err(TokenError::of(501_481)),
        }
        let asked =
            self.one_resource(ask.text("scope").unwrap_or(&code.scope), ask.text("scope").is_none())?;
        let user = self.user(code.user)?;
        if let Some(error) =
            self.objection(user, code.proof).or_else(|| self.app_objection(user, registration))
        {
            return Err(error);
        }
        let asked_at_first = Asked::read(&code.scope, self.own_resources())?;
        if !self.grants.use_code(text) {
            return Err(TokenError::of(54_005));
        }
        let offline = asked_at_first.openid.contains("offline_access");
        let openid = asked_at_first.openid.contains("openid");
        let takes_challenges = code.takes_challenges || Claims::read(ask.text("claims"))?.takes_challenges;
        let nonce = code.nonce.as_deref();
        let give = Give { offline, openid, nonce, proof: code.proof, takes_challenges, ask };
        self.give(registration, user, &asked, &give)
    }

    fn refresh(
        &self,
        registration: &Registration,
        authority: &Authority,
        ask: &Ask<'_>,
    ) -> Result<Response<Bytes>, TokenError> {
        let text = ask.needed("refresh_token")?;
        let now = self.core.now();
        self.loops.watch(format!("{text} {}", ask.text("scope").unwrap_or_default()), now)?;
        let session = self.grants.refresh(text, &registration.client_id, now)?;
        let user = self.user(session.user)?;
        if let Authority::Own(tenant) = authority
            && *tenant != user.tenant
        {
            return Err(self.foreigner(user, *tenant));
        }
        if let Some(error) =
            self.refresh_objection(user, &session).or_else(|| self.app_objection(user, registration))
        {
            return Err(error);
        }
        if self.grants.principal(user.tenant, &registration.client_id).is_none() {
            return Err(self.not_installed(registration, user.tenant));
        }
        let takes_challenges = Claims::read(ask.text("claims"))?.takes_challenges;
        let asked = self.one_resource(ask.text("scope").unwrap_or("openid offline_access"), false)?;
        let openid = asked.openid.contains("openid") || ask.text("scope").is_none();
        let proof = session.proof;
        let give = Give { offline: true, openid, nonce: None, proof, takes_challenges, ask };
        self.give(registration, user, &asked, &give)
    }

    /// The error where an app has no enterprise application.
    fn not_installed(&self, registration: &Registration, tenant: Uuid) -> TokenError {
        TokenError::of(700_016).saying(&format!(
            "Application with identifier '{}' was not found in the directory '{}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
            registration.client_id,
            self.tenant.name_of(tenant)
        ))
    }

    fn device(&self, registration: &Registration, ask: &Ask<'_>) -> Result<Response<Bytes>, TokenError> {
        let code = ask.needed("device_code")?;
        let device = self.devices.poll(code, &registration.client_id, self.core.now())?;
        let Stage::SignedIn { user, proof } = device.stage else { return Err(TokenError::of(70_016)) };
        let user = self.user(user)?;
        if let Some(error) = self.objection(user, proof).or_else(|| self.app_objection(user, registration)) {
            return Err(error);
        }
        let asked = self.one_resource(&device.scope, true)?;
        let give = Give {
            offline: asked.openid.contains("offline_access"),
            openid: asked.openid.contains("openid"),
            nonce: None,
            proof,
            takes_challenges: device.takes_challenges,
            ask,
        };
        self.give(registration, user, &asked, &give)
    }

    fn app_only(
        &self,
        registration: &Registration,
        authority: &Authority,
        ask: &Ask<'_>,
    ) -> Result<Response<Bytes>, TokenError> {
        // Documented: `tenant` is required, by id or domain (entra-docs, v2-oauth2-client-creds-grant-flow), and 50059 is what is
        // answered where no tenant can be told (reference-error-codes, MissingTenantRealmAndNoUserInformationProvided). Seen so for
        // this grant at `common`: azure-docs issue 24064. That neither `common` nor `organizations` is taken: microsoft-identity-web
        // issue 3121. In some cases Entra guesses a tenant instead (microsoft-authentication-library-for-dotnet issue 1384, -for-js
        // issue 5567), which its own clients warn of and nobody can rely on. Which tenant is not documented: here it is the app's own.
        let tenant = match authority {
            Authority::Own(tenant) => *tenant,
            Authority::Any(_) if self.guesses_tenants() => registration.home,
            Authority::Any(_) | Authority::Consumers => return Err(TokenError::of(50_059)),
        };
        let scope = ask.needed("scope")?;
        let asked = self.one_resource(scope, false)?;
        let Some(resource) = asked.whole.iter().next().copied() else {
            return Err(TokenError::of(70_011).saying(&format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            )));
        };
        let now = self.core.now();
        self.loops.watch(format!("{} {tenant} {scope}", registration.client_id), now)?;
        let Some(principal) = self.grants.principal(tenant, &registration.client_id) else {
            return Err(self.not_installed(registration, tenant));
        };
        if !principal.enabled {
            return Err(TokenError::of(7_000_112).saying(&format!(
                "Application '{}'({}) is disabled.",
                registration.client_id, registration.name
            )));
        }
        let roles = principal.roles.into_iter().filter(|role| role_resource(role) == resource).collect();
        let takes_challenges = Claims::read(ask.text("claims"))?.takes_challenges;
        let bearer = Bearer { user: None, tenant, proof: Proof { at: now, mfa: false }, takes_challenges };
        let (access, seconds) = self.access_token(registration, &bearer, resource, roles);
        let body = json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": access});
        Ok(json_response(StatusCode::OK, &body))
    }

    /// Scopes of one resource; of several only the first where `takes_first`.
    fn one_resource(&self, scope: &str, takes_first: bool) -> Result<Asked, TokenError> {
        let mut asked = Asked::read(scope, self.own_resources())?;
        let resources = asked.resources();
        if resources.len() > 1 {
            if !takes_first {
                return Err(TokenError::of(28_000).saying(&format!(
                    "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid."
                )));
            }
            let first = resources.first().copied();
            asked.scopes.retain(|(resource, _)| Some(*resource) == first);
        }
        Ok(asked)
    }

    fn user(&self, oid: Uuid) -> Result<&User, TokenError> {
        self.tenant.user_by_oid(oid).ok_or_else(|| TokenError::of(50_034))
    }

    fn give(
        &self,
        registration: &Registration,
        user: &User,
        asked: &Asked,
        give: &Give<'_>,
    ) -> Result<Response<Bytes>, TokenError> {
        let resource = asked.resources().first().copied().unwrap_or(Resource::Graph);
        let consented = self.grants.consented(user.tenant, user.oid, &registration.client_id);
        let withheld = self.policies.of(user.tenant).withheld;
        let lacks = |name: &str| !consented.contains(name) && !withheld.contains(name);
        let of_resource = listed(&consented, resource, true);
        let is_missing = asked.scopes.iter().any(|(_, name)| lacks(name))
            || (asked.whole.contains(&resource) && of_resource.is_empty());
        if is_missing {
            let text = format!(
                "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an interactive authorization request for this user and resource.",
                registration.client_id, registration.name
            );
            return Err(TokenError::of(65_001).saying(&text).suberror("consent_required"));
        }
        // A token has everything that was consented to on its resource, not only what was asked this time.
        let scope = listed(&consented, resource, asked.is_long);
        let (access, seconds) = self.access_token(
            registration,
            &Bearer {
                user: Some(user),
                tenant: user.tenant,
                proof: give.proof,
                takes_challenges: give.takes_challenges,
            },
            resource,
            consented.clone(),
        );
        let mut body = json!({
            "token_type": "Bearer",
            "scope": scope,
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": access,
        });
        if give.offline {
            let refresh = format!("1.{}{}", self.core.chance.secret(), self.core.chance.secret());
            let (id, now) = (&registration.client_id, self.core.now());
            self.grants.keep_refresh(refresh.clone(), user.oid, id, give.proof, now);
            body["refresh_token"] = refresh.into();
        }
        if give.openid {
            body["id_token"] = self.id_token(registration, user, &consented, give.nonce).into();
        }
        if give.ask.text("client_info") == Some("1") {
            let info = json!({"uid": user.oid, "utid": user.tenant}).to_string();
            body["client_info"] = URL_SAFE_NO_PAD.encode(info).into();
        }
        Ok(json_response(StatusCode::OK, &body))
    }

    fn access_token(
        &self,
        registration: &Registration,
        bearer: &Bearer<'_>,
        resource: Resource,
        scopes: BTreeSet<String>,
    ) -> (String, i64) {
        let now = self.core.now();
        let lifetime = self.access_lifetime();
        let expires = now.saturating_add(lifetime).unwrap_or(now);
        let audience = match resource {
            Resource::Graph => "00000003-0000-0000-c000-000000000000",
            Resource::Exchange => "https://outlook.office365.com",
        };
        let mut claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{}/", bearer.tenant),
            "iat": now.as_second(), "nbf": now.as_second(), "exp": expires.as_second(),
            "appid": registration.client_id,
            "app_displayname": registration.name,
            "tid": bearer.tenant,
            "uti": self.core.chance.uuid().simple().to_string(),
            "ver": "1.0",
        });
        if bearer.takes_challenges {
            claims["xms_cc"] = json!(["CP1"]);
        }
        let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
        match bearer.user {
            Some(user) => {
                claims["scp"] = listed(&scopes, resource, false).into();
                claims["oid"] = user.oid.to_string().into();
                claims["upn"] = user.upn.as_str().into();
                claims["name"] = user.name.as_str().into();
            }
            None => claims["roles"] = names.into(),
        }
        let text = self.signer.sign(&claims).unwrap_or_else(|| self.core.chance.secret());
        let access = Access {
            user: bearer.user.map(|user| user.oid),
            tenant: bearer.tenant,
            client_id: Arc::from(registration.client_id.as_str()),
            resource,
            scopes,
            issued: now,
            expires,
            proof: bearer.proof,
            takes_challenges: bearer.takes_challenges,
        };
        self.grants.keep_access(text.clone(), access);
        (text, lifetime.as_secs())
    }

    fn id_token(
        &self,
        registration: &Registration,
        user: &User,
        consented: &BTreeSet<String>,
        nonce: Option<&str>,
    ) -> String {
        let now = self.core.now().as_second();
        let pair = format!("{}/{}", registration.client_id, user.oid);
        let mut claims = json!({
            "aud": registration.client_id,
            "iss": self.issuer(user.tenant),
            "iat": now, "nbf": now, "exp": now + 3_600,
            "sub": URL_SAFE_NO_PAD.encode(digest(&SHA256, pair.as_bytes())),
            "tid": user.tenant,
            "uti": self.core.chance.uuid().simple().to_string(),
            "ver": "2.0",
        });
        if consented.contains("profile") {
            claims["name"] = user.name.as_str().into();
            claims["oid"] = user.oid.to_string().into();
            claims["preferred_username"] = user.upn.as_str().into();
        }
        if consented.contains("email") && user.mailbox {
            claims["email"] = user.upn.as_str().into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        if registration.tells_roles {
            let own = self.tenant.roles(user);
            let roles = own.iter().map(|role| role.template()).chain([EVERYBODY]);
            claims["wids"] = roles.collect::<Vec<_>>().into();
        }
        self.signer.sign(&claims).unwrap_or_default()
    }

    /// Whether the client proves who it is.
    fn check_client(
        &self,
        registration: &Registration,
        place: (&str, &Authority),
        secret: Option<&str>,
        ask: &Ask<'_>,
    ) -> Result<(), TokenError> {
        let has_credentials = !registration.secrets.is_empty() || !registration.certificates.is_empty();
        let assertion = ask.text("client_assertion");
        if registration.public_flows && !has_credentials && (secret.is_some() || assertion.is_some()) {
            return Err(TokenError::of(700_025));
        }
        if let Some(secret) = secret {
            return check_secret(registration, secret, self.core.now());
        }
        if let Some(assertion) = assertion {
            if ask.needed("client_assertion_type")? != ASSERTION_TYPE {
                return Err(TokenError::of(50_027).saying("The client_assertion_type is not supported."));
            }
            let (segment, authority) = place;
            let mut audiences = vec![format!("{}/{segment}/oauth2/v2.0/token", self.base())];
            if let Authority::Own(tenant) = authority {
                audiences.push(format!("{}/{tenant}/oauth2/v2.0/token", self.base()));
                audiences.push(self.issuer(*tenant));
            }
            let judge = Judge {
                client_id: &registration.client_id,
                certificates: &registration.certificates,
                audiences: &audiences,
                used: registration.single_assertions.then_some(&self.assertions),
                now: self.core.now(),
            };
            return judge.judge(assertion);
        }
        let is_public = registration.public_flows && ask.text("grant_type") != Some("client_credentials");
        if is_public { Ok(()) } else { Err(TokenError::of(7_000_218)) }
    }
}

/// The role that everybody of a tenant has.
const EVERYBODY: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";

struct Give<'a> {
    offline: bool,
    openid: bool,
    nonce: Option<&'a str>,
    proof: Proof,
    takes_challenges: bool,
    ask: &'a Ask<'a>,
}

/// For whom an access token is.
struct Bearer<'a> {
    /// None for the app itself.
    user: Option<&'a User>,
    tenant: Uuid,
    proof: Proof,
    takes_challenges: bool,
}

/// Whether a secret is one of the registration's that has not ended.
fn check_secret(registration: &Registration, secret: &str, now: Timestamp) -> Result<(), TokenError> {
    let id = &registration.client_id;
    match registration.secrets.iter().find(|own| own.text == secret) {
        Some(own) if own.ends <= now => Err(TokenError::of(7_000_222).saying(&format!(
            "The provided client secret keys for app '{id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
        ))),
        Some(_) => Ok(()),
        None => Err(TokenError::of(7_000_215).saying(&format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
        ))),
    }
}
