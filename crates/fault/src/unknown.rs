//! Codes that the catalogue does not have are counted, so that somebody adds them.

use std::sync::OnceLock;

use crate::Fault;

static HOOK: OnceLock<fn(&Fault)> = OnceLock::new();

/// Has `hook` called for every fault whose code the catalogue does not have. The first call in a process counts; `false`: there
/// is one already. (The catalogue itself does no I/O: the program counts and logs.)
pub fn on_unknown(hook: fn(&Fault)) -> bool {
    HOOK.set(hook).is_ok()
}

/// Passes a fault on, telling the hook of a guess.
pub(crate) fn told(fault: Fault) -> Fault {
    if fault.is_guess
        && let Some(hook) = HOOK.get()
    {
        hook(&fault);
    }
    fault
}
