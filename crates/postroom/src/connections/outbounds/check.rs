//! Looks at each outbound now and then: the token is renewed and the mailbox answers. Sends nothing.

use jiff::{SignedDuration, Timestamp};

use crate::connections::Connections;
use crate::connections::store::outbounds as rows;
use crate::outbound::send::{self, Used};

/// How often an outbound is looked at.
const EVERY: SignedDuration = SignedDuration::from_mins(10);

/// Looks at those whose time has come; gives how many these were.
pub async fn check_due(connections: &Connections) -> usize {
    let now = connections.clock.now();
    let due = match rows::due(&connections.db, now).await {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(%error, "no outbound can be looked at, trying again");
            return 0;
        }
    };
    let many = due.len();
    for (workspace, id) in due {
        let next = now.saturating_add(EVERY).unwrap_or(Timestamp::MAX);
        let checked = async {
            if !rows::take(&connections.db, id, now, next).await? {
                return Ok(());
            }
            let Some(outbound) = rows::one(&connections.db, workspace, id).await? else { return Ok(()) };
            let answer = async {
                let mailbox = connections.mailbox_of_outbound(&outbound).await?;
                mailbox.folder("drafts").await
            };
            let used = match answer.await {
                Ok(_) => Used::Answered,
                Err(fault) => Used::Unusable(fault),
            };
            send::record(connections, &outbound, used).await
        };
        if let Err(error) = checked.await {
            tracing::error!(%error, outbound = %id, "an outbound could not be looked at, trying again");
        }
    }
    many
}
