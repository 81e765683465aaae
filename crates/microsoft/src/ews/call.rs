//! One operation: leave from the budget, a token, a time-out, a bounded answer, and a result for each part of the request.
//!
//! An operation asks for several things at once (items, folders), and Exchange answers each by itself. Parts that are refused
//! for a time are asked for again, the others are left in peace; [`Ask::again`] says what may be.

use std::time::Duration;

use bytes::Bytes;
use fault::{Class, Fault};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use uuid::Uuid;

use super::envelope::{self, Answer, MESSAGES, Refusal, Told};
use super::{EwsMailbox, Whose};
use crate::again::Again;
use crate::answer::{self, Unread, header};
use crate::budget::{Charge, Priority};
use crate::graph::refusal::{self, Soap};
use crate::network;

/// How long one operation may wait and try again altogether, not counting the last request.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tries of what fails for a reason that passes.
const TRIES: u32 = 4;
/// The first pause between them.
const PAUSE: Duration = Duration::from_millis(500);
/// Faults are small.
const LARGEST_REFUSAL: usize = 256 << 10;
/// Answers without content.
pub(super) const SMALL: usize = 16 << 20;

/// Exchange may let applications in by this.
const USER_AGENT: &str = concat!("Postroom/", env!("CARGO_PKG_VERSION"));

/// What to ask for.
pub(super) struct Ask<'a> {
    /// The operation, for example `GetItem`.
    pub(super) operation: &'static str,
    /// The parts, each of which has an answer of its own.
    pub(super) parts: Vec<String>,
    /// Writes the request's body around parts.
    pub(super) body: &'a (dyn Fn(&str) -> String + Sync),
    pub(super) priority: Priority,
    /// The largest answer.
    pub(super) limit: usize,
    /// When it may be asked for again.
    pub(super) again: Again,
}

/// Something that was refused.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) fault: Fault,
    /// The response code; empty where there was none. (Boxed, so that results stay small.)
    pub(super) code: Box<str>,
    /// The answer was larger than allowed.
    pub(super) is_too_large: bool,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, code: Box::default(), is_too_large: false }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        refused.fault
    }
}

impl Refused {
    /// Whether the item is not there any more. Only Exchange's own word counts: a proxy's 404 says nothing about a mail.
    pub(super) fn is_gone(&self) -> bool {
        &*self.code == "ErrorItemNotFound"
    }

    /// Whether asking again by itself helps.
    fn passes(&self) -> bool {
        // A forgotten place is told as transient, since a new round helps; the same again does not.
        &*self.code == "ErrorBatchProcessingStopped"
            || (self.fault.entry.class == Class::Transient
                && &*self.code != "ErrorInvalidSyncStateData"
                && !self.is_too_large)
    }

    /// Whether everything that goes to this mailbox has to wait.
    fn pauses_all(&self) -> bool {
        // A pause that is told is kept, whatever it comes with: a code inside of a success too.
        self.fault.retry_after.is_some()
            || matches!(&*self.code, "ErrorServerBusy" | "ErrorExceededConnectionCount")
            || self.fault.status == Some(429)
    }
}

type Parts = Vec<Result<Told, Refused>>;

impl EwsMailbox {
    /// Asks for one thing.
    pub(super) async fn ask_one(&self, ask: Ask<'_>) -> Result<Told, Refused> {
        debug_assert_eq!(ask.parts.len(), 1, "one part");
        let operation = ask.operation;
        let missing =
            || network::unreadable(self.host(), &format!("an answer to {operation} without any result"));
        self.ask(ask).await.into_iter().next().unwrap_or_else(|| Err(missing().into()))
    }

    /// Asks, again for a while for what is refused for a time; one result per part, in their order.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Parts {
        let begun = Instant::now();
        let mut results: Vec<Option<Result<Told, Refused>>> = ask.parts.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..ask.parts.len()).collect();
        let mut is_renewed = false;
        let mut tries = 0;
        while !open.is_empty() {
            let told = match self.let_out(&ask, &open, begun, &mut is_renewed).await {
                Ok(told) => told,
                // What was refused before says more than that there is no time left to ask again.
                Err(refused) => {
                    for index in open {
                        results[index].get_or_insert_with(|| Err(refused.clone()));
                    }
                    break;
                }
            };
            tries += 1;
            let mut again = Vec::new();
            let mut pauses_all = false;
            for (index, result) in open.into_iter().zip(told) {
                if let Err(refused) = &result {
                    if refused.pauses_all() && !pauses_all {
                        pauses_all = true;
                        self.budget.throttled(refused.fault.retry_after);
                    }
                    if refused.passes() && ask.again.allows(&refused.fault) {
                        again.push(index);
                    }
                }
                results[index] = Some(result);
            }
            if !pauses_all {
                self.budget.answered();
            }
            let pause = if pauses_all { Duration::ZERO } else { PAUSE * 2_u32.pow(tries) / 2 };
            if again.is_empty() || tries >= TRIES || begun.elapsed() + pause >= PATIENCE {
                break;
            }
            tokio::time::sleep(pause).await;
            open = again;
        }
        let unanswered =
            || Err(network::unreadable(self.host(), "a part of the request was not answered").into());
        let told = results.into_iter().map(|result| result.unwrap_or_else(unanswered));
        match &self.place {
            Some(place) => told
                .map(|told| told.map_err(|refused| Refused { fault: refused.fault.at(place), ..refused }))
                .collect(),
            None => told.collect(),
        }
    }

    /// One request, when its time has come. A refusal of the whole is the answer to each of its parts; an error is that it was
    /// not sent at all.
    async fn let_out(
        &self,
        ask: &Ask<'_>,
        open: &[usize],
        begun: Instant,
        is_renewed: &mut bool,
    ) -> Result<Parts, Refused> {
        let parts: String = open.iter().map(|index| ask.parts[*index].as_str()).collect();
        let body = Bytes::from(envelope::written(&(ask.body)(&parts), self.impersonated()));
        loop {
            let token = self.tokens.get().await?;
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let charge = Charge { upload_bytes: body.len() as u64, ..Charge::ONE };
            let permit = self.budget.acquire(charge, ask.priority, left).await.map_err(|wait| {
                let detail = format!("{} must not be asked before", ask.operation);
                Fault { retry_after: Some(wait), ..Fault::own("graph.paused", &detail) }
            })?;
            let answered = self.send(ask, body.clone(), &token).await;
            drop(permit);
            let told = match answered {
                Err(Unheard { refused, is_token: true, claims }) if !*is_renewed => {
                    *is_renewed = true;
                    tracing::info!(fault = %refused.fault, "the token was refused, renewing it");
                    match &claims {
                        Some(claims) => self.tokens.challenged(&token, claims).await?,
                        None => self.tokens.refused(&token).await?,
                    };
                    continue;
                }
                Err(unheard) => vec![Err(unheard.refused); open.len()],
                Ok(told) if told.len() == open.len() => told,
                Ok(told) => {
                    let detail =
                        format!("{} answers to {} parts of {}", told.len(), open.len(), ask.operation);
                    vec![Err(network::unreadable(self.host(), &detail).into()); open.len()]
                }
            };
            return Ok(told);
        }
    }

    async fn send(&self, ask: &Ask<'_>, body: Bytes, token: &SecretString) -> Result<Parts, Unheard> {
        let operation = ask.operation;
        let client_request_id = Uuid::new_v4().to_string();
        let begun = Instant::now();
        let response = self
            .http
            .post(self.address.clone())
            .timeout(self.timeout)
            .bearer_auth(token.expose_secret())
            .header("user-agent", USER_AGENT)
            .header("content-type", "text/xml; charset=utf-8")
            .header("accept", "text/xml")
            .header("soapaction", format!("\"{MESSAGES}/{operation}\""))
            .header("x-anchormailbox", self.whose.address())
            .header("client-request-id", &client_request_id)
            .header("return-client-request-id", "true")
            .body(body)
            .send()
            .await
            .map_err(|error| {
                let fault = network::failed(&error, self.host());
                tracing::info!(operation, client_request_id, code = %fault.code, "EWS could not be asked");
                fault
            })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let limit = if status.is_success() { ask.limit } else { LARGEST_REFUSAL };
        let read = answer::body(response, limit).await;
        let request_id = header(&headers, "request-id").unwrap_or_default();
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let heard =
            Heard { status: status.as_u16(), headers: &headers, client_request_id: &client_request_id };
        if !status.is_success() {
            // A fault says more than its status, where one came.
            let body = read.ok();
            let refusal = match body.clone().and_then(|body| envelope::read(body).ok()) {
                Some(Answer::Fault(refusal)) => refusal,
                _ => Refusal::default(),
            };
            let (mut refused, claims) = heard.refused_with(&refusal, body.as_deref());
            // Nobody can sign in for an application: a token of its own that is not taken lacks the role.
            if matches!(self.whose, Whose::Impersonated(_)) && refused.fault.entry.id == "graph.token" {
                refused.fault.entry = Fault::own("ews.impersonation", "").entry;
            }
            tracing::info!(
                operation, status = status.as_u16(), request_id, client_request_id, took_ms,
                code = %refused.fault.code, retry_after = ?refused.fault.retry_after, "EWS refused"
            );
            return Err(Unheard { is_token: status.as_u16() == 401, claims, refused });
        }
        let body = read.map_err(|unread| match unread {
            Unread::Failed(error) => Refused::from(network::failed(&error, self.host())),
            Unread::TooLarge => Refused {
                is_too_large: true,
                ..Fault::own("graph.mime_too_large", &format!("{operation}: over {limit} bytes")).into()
            },
        })?;
        let bytes = body.len();
        let answer = envelope::read(body).map_err(|detail| network::unreadable(self.host(), &detail))?;
        let told: Parts = match answer {
            Answer::Fault(refusal) => return Err(heard.refused(&refusal).into()),
            Answer::Messages(told) => {
                told.into_iter().map(|told| told.map_err(|refusal| heard.refused(&refusal))).collect()
            }
        };
        let refused = told.iter().filter(|told| told.is_err()).count();
        tracing::debug!(
            operation,
            status = status.as_u16(),
            request_id,
            client_request_id,
            took_ms,
            bytes,
            parts = told.len(),
            refused,
            "EWS answered"
        );
        Ok(told)
    }
}

/// A request that was refused as a whole, or lost.
struct Unheard {
    refused: Refused,
    /// Because of the token.
    is_token: bool,
    /// The claims of a challenge, as JSON.
    claims: Option<String>,
}

impl<T: Into<Refused>> From<T> for Unheard {
    fn from(refused: T) -> Self {
        Self { refused: refused.into(), is_token: false, claims: None }
    }
}

/// An answer's circumstances.
struct Heard<'a> {
    status: u16,
    headers: &'a HeaderMap,
    client_request_id: &'a str,
}

impl Heard<'_> {
    fn refused(&self, refusal: &Refusal) -> Refused {
        self.refused_with(refusal, None).0
    }

    /// With what came in place of an answer, and the claims of a challenge.
    fn refused_with(&self, refusal: &Refusal, body: Option<&[u8]>) -> (Refused, Option<String>) {
        let soap = Soap { code: &refusal.code, message: &refusal.message, back_off: refusal.back_off };
        let (fault, claims) =
            refusal::exchange(self.status, self.headers, body, soap, Some(self.client_request_id));
        (Refused { fault, code: refusal.code.as_str().into(), is_too_large: false }, claims)
    }
}
