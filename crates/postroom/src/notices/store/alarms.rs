//! When a source counts as silent.

use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// When a source counts as silent.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AlarmRow {
    /// The source.
    pub source_id: Uuid,
    /// So many hours are too many.
    pub hours: i64,
    /// Minutes since midnight.
    pub begins: i64,
    /// Minutes since midnight.
    pub ends: i64,
    /// A bit for each day, Monday the lowest.
    pub days: i64,
    /// The time zone's name.
    pub zone: String,
}

/// All alarms.
pub async fn alarms(db: &Db, workspace: Uuid) -> Result<Vec<AlarmRow>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT a.source_id, a.hours, a.begins, a.ends, a.days, a.zone FROM silence_alarm a
             JOIN source s ON s.id = a.source_id WHERE s.workspace_id = $1"
        ),
        args![workspace],
    )
    .await
}

/// Sets the alarm of a source.
pub async fn set_alarm(tx: &mut Tx, alarm: &AlarmRow) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO silence_alarm (source_id, hours, begins, ends, days, zone) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (source_id) DO UPDATE SET hours = excluded.hours, begins = excluded.begins, ends = excluded.ends,
               days = excluded.days, zone = excluded.zone"
        ),
        args![alarm.source_id, alarm.hours, alarm.begins, alarm.ends, alarm.days, &alarm.zone],
    )
    .await?;
    Ok(())
}

/// Takes the alarm of a source away.
pub async fn clear_alarm(tx: &mut Tx, source: Uuid) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM silence_alarm WHERE source_id = $1"), args![source]).await?;
    Ok(())
}
