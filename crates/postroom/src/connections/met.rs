//! What credentials of an app registration meet while they are in use. It is noted where a token is asked for, in the middle of
//! requests, and kept with the credential by whoever looks around next ([`Connections::keep_what_credentials_met`]): its row says what
//! Microsoft said last, not only what a test said once.

use std::sync::{Arc, Mutex, PoisonError};

use fault::Fault;
use store::StoreError;
use uuid::Uuid;

use super::Connections;
use super::store::registrations;

/// A credential, as its row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One that was put in here.
    Own(Uuid),
    /// The settings file's secret of this registration.
    OfFile(Uuid),
}

/// What a credential met.
#[derive(Clone, Debug)]
pub(super) struct Met {
    pub(super) which: Which,
    /// None: Microsoft takes it.
    pub(super) fault: Option<Fault>,
}

/// What was met and not kept yet. Cheap to clone; clones are one.
#[derive(Clone, Debug, Default)]
pub struct Noted(Arc<Mutex<Vec<Met>>>);

impl Noted {
    /// Notes what a credential met; of each the last counts.
    pub fn note(&self, which: Which, fault: Option<Fault>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|met| met.which != which);
        all.push(Met { which, fault });
    }

    /// Whether something stands against a credential that is not kept yet.
    pub fn refuses(&self, which: Which) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|met| met.which == which && met.fault.is_some())
    }

    pub(super) fn take(&self) -> Vec<Met> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be kept, unless there is something newer.
    fn put_back(&self, met: Met) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|other| other.which == met.which) {
            all.push(met);
        }
    }
}

impl Connections {
    /// Keeps with each credential what it met since this was done last. `false`: there was nothing.
    pub async fn keep_what_credentials_met(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut all = self.met.take().into_iter();
        let mut kept = false;
        while let Some(met) = all.next() {
            let record = met.fault.as_ref().and_then(|fault| serde_json::to_string(&fault.to_record()).ok());
            let stored = match met.which {
                Which::Own(id) => registrations::tested(&self.db, id, record, now).await,
                Which::OfFile(id) => registrations::met_by_secret_of_file(&self.db, id, record).await,
            };
            if let Err(error) = stored {
                self.met.put_back(met);
                all.for_each(|met| self.met.put_back(met));
                return Err(error);
            }
            kept = true;
        }
        Ok(kept)
    }
}
