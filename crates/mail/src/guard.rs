//! A fence around libraries that read a stranger's bytes: a panic in one costs what it was reading, not the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `read` gives; `Err` with the panic's own text where it panicked.
pub(crate) fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no text");
        crate::words::one_line(text).chars().take(300).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_text() {
        assert_eq!(guarded(|| 1), Ok(1));
        assert_eq!(guarded(|| panic!("at {}", 1)), Err::<(), _>("at 1".into()));
    }
}
