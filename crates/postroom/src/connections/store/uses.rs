//! What an account is used for, and handing that over to another.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use crate::web::times::counted;

/// What an account is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Uses {
    /// So many sources are read with it.
    pub sources: i64,
    /// So many outbounds send as it.
    pub outbounds: i64,
}

impl Uses {
    /// Whether nothing uses it.
    pub fn is_none(self) -> bool {
        self.sources == 0 && self.outbounds == 0
    }

    /// How many there are, as `2 sources and 1 outbound`.
    pub fn words(self) -> String {
        let of = |count: i64, one, many| (count > 0).then(|| counted(count, one, many));
        match (of(self.sources, "source", "sources"), of(self.outbounds, "outbound", "outbounds")) {
            (Some(sources), Some(outbounds)) => format!("{sources} and {outbounds}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "nothing".to_owned(),
        }
    }

    /// The list in which they stand; that of sources where they stand in both.
    pub fn list(self) -> &'static str {
        if self.sources == 0 && self.outbounds > 0 { "/outbounds" } else { "/sources" }
    }
}

/// What an account is used for.
pub async fn of(db: &Db, account: Uuid) -> Result<Uses, StoreError> {
    db.fetch_one(
        sql!(
            "SELECT (SELECT count(*) FROM source WHERE account_id = $1 AND removed_at IS NULL) AS sources,
               (SELECT count(*) FROM outbound WHERE account_id = $1) AS outbounds"
        ),
        args![account],
    )
    .await
}

/// Lets another account read and send what one read and sent; gives what that is.
pub async fn hand_over(tx: &mut Tx, from: Uuid, to: Uuid, now: Timestamp) -> Result<Uses, StoreError> {
    // One that was removed goes along, and is no source to anybody.
    let (removed,): (i64,) = tx
        .fetch_one(
            sql!("SELECT count(*) FROM source WHERE account_id = $1 AND removed_at IS NOT NULL"),
            args![from],
        )
        .await?;
    let outbounds = tx
        .execute(
            sql!(
                "UPDATE outbound SET account_id = $1, next_check_at = $2, updated_at = $2 WHERE account_id = $3"
            ),
            args![to, now, from],
        )
        .await?;
    let sources = tx
        .execute(
            sql!(
                "UPDATE source SET account_id = $1, next_poll_at = $2, updated_at = $2 WHERE account_id = $3"
            ),
            args![to, now, from],
        )
        .await?;
    let number = |count: u64| i64::try_from(count).unwrap_or(0);
    Ok(Uses { sources: (number(sources) - removed).max(0), outbounds: number(outbounds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what an account is used for is named whole: sources, outbounds, or both.
    #[test]
    fn uses_are_named_whole() {
        let words = |sources, outbounds| Uses { sources, outbounds }.words();
        assert_eq!(words(2, 1), "2 sources and 1 outbound");
        assert_eq!(words(1, 0), "1 source");
        assert_eq!(words(0, 3), "3 outbounds");
        assert_eq!(words(0, 0), "nothing");
        let list = |sources, outbounds| Uses { sources, outbounds }.list();
        assert_eq!((list(1, 1), list(0, 1), list(0, 0)), ("/sources", "/outbounds", "/sources"));
    }
}
