//! The device code flow: a code is shown on one device and entered in the browser of another.
//!
//! `POST /{tenant}/oauth2/v2.0/devicecode` gives the codes; `/devicelogin` is the page for the user code (field `otc`), from
//! which the usual sign-in pages lead to a last question (`/{tenant}/login/device`, the buttons `decision=continue` and
//! `decision=cancel`); meanwhile the device polls the token endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Form, Path, State};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::authorize::{Claims, Mode, ReturnTo, parameters};
use super::errors::{TokenError, json_response};
use super::grants::Proof;
use super::pages;
use super::policies::Cloud;
use super::scopes::Asked;
use super::sign_in::{Flow, Purpose};
use super::{Authority, EntraState};

/// How long the codes are good.
const LIVES: SignedDuration = SignedDuration::from_mins(15);
/// Seconds between two polls.
const INTERVAL: i64 = 5;
/// Most codes at a time.
const MOST: usize = 2_000;
/// Letters of user codes: none that is taken for another.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Pending,
    Declined,
    SignedIn { user: Uuid, proof: Proof },
}

/// A device that waits.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    user_code: String,
    pub(crate) client_id: String,
    authority: Authority,
    pub(crate) scope: String,
    pub(crate) takes_challenges: bool,
    begun: Timestamp,
    polled: Option<Timestamp>,
    pub(crate) stage: Stage,
}

/// The devices that wait, by device code.
#[derive(Default)]
pub(crate) struct Devices(Mutex<HashMap<String, Device>>);

impl Devices {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Device>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, code: String, device: Device) {
        let mut devices = self.lock();
        if devices.len() >= MOST {
            let now = device.begun;
            devices.retain(|_, own| now.duration_since(own.begun) <= LIVES);
            if devices.len() >= MOST {
                devices.clear();
            }
        }
        devices.insert(code, device);
    }

    /// The device code and the device of a user code that is still waited for.
    fn by_user_code(&self, text: &str, now: Timestamp) -> Option<(String, Device)> {
        let wanted: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let devices = self.lock();
        let mut waiting = devices
            .iter()
            .filter(|(_, own)| own.stage == Stage::Pending && now.duration_since(own.begun) <= LIVES);
        waiting
            .find(|(_, own)| own.user_code.eq_ignore_ascii_case(&wanted))
            .map(|(code, own)| (code.clone(), own.clone()))
    }

    /// Ends the waiting.
    pub(crate) fn end(&self, code: &str, stage: Stage) {
        if let Some(device) = self.lock().get_mut(code)
            && device.stage == Stage::Pending
        {
            device.stage = stage;
        }
    }

    /// What the device learns when it asks; a sign-in is handed over once.
    pub(crate) fn poll(&self, code: &str, client_id: &str, now: Timestamp) -> Result<Device, TokenError> {
        let mut devices = self.lock();
        let Some(device) = devices.get_mut(code) else {
            return Err(TokenError::of(70_018));
        };
        if !device.client_id.eq_ignore_ascii_case(client_id) {
            return Err(TokenError::of(70_018));
        }
        match device.stage {
            Stage::SignedIn { .. } => devices.remove(code).ok_or_else(|| TokenError::of(70_018)),
            Stage::Declined => Err(TokenError::of(70_017)),
            Stage::Pending if now.duration_since(device.begun) > LIVES => Err(TokenError::of(70_019)),
            Stage::Pending => {
                let mut error = TokenError::of(70_016);
                let is_hasty = device
                    .polled
                    .is_some_and(|last| now.duration_since(last) < SignedDuration::from_secs(INTERVAL - 1));
                if is_hasty {
                    "slow_down".clone_into(&mut error.error);
                }
                device.polled = Some(now);
                Err(error)
            }
        }
    }
}

/// POST devicecode.
pub(crate) async fn begin(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let outcome = state.device_code(&tenant, &body);
    let response = outcome.unwrap_or_else(|error| error.response(state.base(), &state.trace()));
    response.map(Body::from)
}

/// GET devicelogin.
pub(crate) async fn ask() -> Response<Body> {
    pages::user_code(None)
}

/// POST devicelogin.
pub(crate) async fn enter(
    State(state): State<Arc<EntraState>>,
    headers: HeaderMap,
    Form(fields): Form<HashMap<String, String>>,
) -> Response<Body> {
    let text = fields.get("otc").map_or("", String::as_str);
    let Some((code, device)) = state.devices.by_user_code(text, state.core.now()) else {
        return pages::user_code(Some("That code didn't work. Check the code and try again. AADSTS70018"));
    };
    let registration = match state.registration(&device.client_id, &device.authority) {
        Ok(registration) => registration,
        Err(error) => return pages::fault(&error, &state.trace()),
    };
    let asked = match Asked::read(&device.scope, state.own_resources()) {
        Ok(asked) => asked,
        Err(error) => return pages::fault(&error, &state.trace()),
    };
    let segment = match &device.authority {
        Authority::Own(tenant) => tenant.to_string(),
        Authority::Any(name) => name.clone(),
        Authority::Consumers => "consumers".to_owned(),
    };
    let flow = Flow {
        authority: device.authority,
        registration,
        return_to: ReturnTo { redirect_uri: String::new(), mode: Mode::Query, state: None },
        asked,
        purpose: Purpose::Device(code),
        prompt: None,
        user: None,
        proof: None,
        begun: state.core.now(),
    };
    state.start(&segment, &flow, &state.browser(&headers))
}

impl EntraState {
    fn device_code(&self, tenant: &str, body: &[u8]) -> Result<Response<Bytes>, TokenError> {
        let fields = parameters(&String::from_utf8_lossy(body));
        let text = |name: &str| fields.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let authority = self.authority(tenant)?;
        if self.cloud(&authority) != Cloud::Global {
            return Err(TokenError::of(900_382));
        }
        let client_id = text("client_id").ok_or_else(|| TokenError::missing("client_id"))?;
        let registration = self.registration(client_id, &authority)?;
        let scope = text("scope").ok_or_else(|| TokenError::missing("scope"))?;
        Asked::read(scope, self.own_resources())?;
        let device = Device {
            user_code: self.core.chance.letters(LETTERS, 9),
            client_id: registration.client_id,
            authority,
            scope: scope.to_owned(),
            takes_challenges: Claims::read(text("claims"))?.takes_challenges,
            begun: self.core.now(),
            polled: None,
            stage: Stage::Pending,
        };
        let code = format!("{}{}", self.core.chance.secret(), self.core.chance.secret());
        let page = format!("{}/devicelogin", self.base());
        let body = json!({
            "user_code": device.user_code,
            "device_code": code,
            "verification_uri": page,
            "expires_in": LIVES.as_secs(),
            "interval": INTERVAL,
            "message": format!("To sign in, use a web browser to open the page {page} and enter the code {} to authenticate.", device.user_code),
        });
        self.devices.keep(code, device);
        Ok(json_response(StatusCode::OK, &body))
    }
}
