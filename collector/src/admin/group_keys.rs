//! The key of the group ids: one per calendar month of the country, destroyed when the month ends,
//! so that nobody can compute an old group id from an address again.
use super::{Admin, AdminError, random};
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::params;
use sha2::Sha256;
use tonle_evidence::hash::{Hex, Id64};
use tonle_evidence::local_time::{LocalHour, LocalMonth};

/// The present month's key.
pub(super) struct MonthKey {
    month: LocalMonth,
    key: [u8; 32],
}

impl std::fmt::Debug for MonthKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MonthKey({}, withheld)", self.month)
    }
}

impl Admin {
    /// The group id of an address prefix at `now_us`: HMAC-SHA256 under the month's key, cut to
    /// 8 bytes.
    pub fn group_id(&self, prefix: &[u8], now_us: i64) -> Result<Id64, AdminError> {
        let key = self.month_key(now_us)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(prefix);
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        Ok(Hex::from_slice(&tag[..8]).expect("eight bytes"))
    }

    /// Destroys the keys of months that have ended. Called every second by the service, so that it
    /// also happens when nothing is received.
    pub fn destroy_old_group_keys(&self, now_us: i64) -> Result<(), AdminError> {
        let month = self.month_at(now_us);
        let mut cached = self.group_key.lock().expect("no panic while it is held");
        if cached.as_ref().is_some_and(|key| key.month < month) {
            *cached = None;
        }
        drop(cached);
        let connection = self.lock();
        let destroyed = connection
            .prepare_cached("DELETE FROM group_key WHERE month < ?1")?
            .execute([month.to_string()])?;
        if destroyed > 0 {
            // The page that held the key is overwritten only once the log before it is gone.
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    fn month_key(&self, now_us: i64) -> Result<[u8; 32], AdminError> {
        let month = self.month_at(now_us);
        let mut cached = self.group_key.lock().expect("no panic while it is held");
        if let Some(key) = cached.as_ref().filter(|key| key.month == month) {
            return Ok(key.key);
        }
        let fresh = random::<32>()?;
        let connection = self.lock();
        connection.execute(
            "INSERT OR IGNORE INTO group_key (month, key) VALUES (?1, ?2)",
            params![month.to_string(), fresh],
        )?;
        let key = connection.query_row(
            "SELECT key FROM group_key WHERE month = ?1",
            [month.to_string()],
            |row| row.get(0),
        )?;
        *cached = Some(MonthKey { month, key });
        Ok(key)
    }

    fn month_at(&self, now_us: i64) -> LocalMonth {
        let hour = LocalHour::at(now_us, self.settings.country.utc_offset_s);
        hour.day.month()
    }
}
