//! Whether a request may be made again by itself after it failed.

use fault::Fault;

/// When the same may be asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Whenever that may help: it only reads.
    Freely,
    /// Where it was refused for certain. After a lost answer it may have been done: that is told, and whoever asked decides.
    IfRefused,
    /// Never: done twice it would be there twice. Only a refused token, with which nothing was done, is renewed.
    Never,
}

impl Again {
    /// Whether it may be asked for again after this.
    pub(crate) fn allows(self, fault: &Fault) -> bool {
        match self {
            Self::Freely => true,
            Self::IfRefused => !fault.leaves_doubt(),
            Self::Never => false,
        }
    }
}
