//! What a ping can say of a mailbox's quota.
//!
//! Neither Graph nor EWS tells a mailbox's limit to whoever reads its mail: Graph's usage reports need `Reports.Read.All` and are a day
//! old, and Exchange keeps the limits on the store, which no folder shows. What can be known is how much lies in the folder
//! (`PidTagMessageSizeExtended`), and whether Exchange still takes a change: a mailbox over its limit refuses to save
//! (`ErrorQuotaExceeded`).

use fault::Fault;

/// The catalogue's entry of a mailbox that is full.
const FULL: &str = "graph.mailbox_full";

/// The line of a ping: `written` is what came of trying a change, `size` the bytes in the folder where they are told. A size that
/// cannot be read is no fault of the mailbox.
pub(crate) fn line(
    written: &Result<String, Fault>,
    size: Result<Option<u64>, Fault>,
) -> Result<String, Fault> {
    let full = |fault: &Fault| fault.entry.id == FULL;
    if let Err(fault) = written
        && full(fault)
    {
        return Err(fault.clone());
    }
    let lies = match size {
        Ok(Some(bytes)) => format!("{} in this folder", in_words(bytes)),
        Ok(None) => "how much lies in this folder is not told".to_owned(),
        Err(fault) if full(&fault) => return Err(fault),
        Err(fault) if fault.code.is_empty() => {
            format!("how much lies in this folder cannot be read ({fault})")
        }
        Err(fault) => format!("how much lies in this folder cannot be read ({})", fault.code),
    };
    let takes = if written.is_ok() { "the mailbox is not full; " } else { "" };
    Ok(format!("{takes}{lies}; its limit is shown to administrators only, in the Exchange admin center"))
}

/// Bytes with a unit, as Exchange's own pages count them.
fn in_words(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    // In tenths of the unit, rounded down: a mailbox is never shown fuller than it is.
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a full mailbox is a fault of its own line with its mend, whichever request found it; a size that is not told is
    /// said, and is no fault.
    #[test]
    fn a_full_mailbox_is_said() {
        let fine = Ok("messages may be marked".to_owned());
        let full = || Fault::own(FULL, "");
        assert_eq!(line(&Err(full()), Ok(Some(1))).unwrap_err().entry.id, FULL);
        assert_eq!(line(&fine, Err(full())).unwrap_err().entry.id, FULL);
        let said = line(&fine, Ok(Some(5 << 30))).unwrap();
        assert!(said.contains("not full") && said.contains("5.0 GB") && said.contains("limit"), "{said}");
        let said = line(&fine, Ok(None)).unwrap();
        assert!(said.contains("not told"), "{said}");
        let said =
            line(&Err(Fault::own("graph.forbidden", "")), Err(Fault::own("graph.forbidden", ""))).unwrap();
        assert!(!said.contains("not full") && said.contains("cannot be read"), "{said}");
    }

    #[test]
    fn bytes_have_units() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KB"),
            (1_600, "1.5 KB"),
            (3 << 20, "3.0 MB"),
            (u64::MAX, "16777215.9 TB"),
        ] {
            assert_eq!(in_words(bytes), words);
        }
    }
}
