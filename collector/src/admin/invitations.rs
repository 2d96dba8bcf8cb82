//! Making invitations. The token leaves in the URL and is kept as its SHA-256 only.
use super::{Admin, AdminError, audit, random};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{TransactionBehavior, params};
use tonle_evidence::country::Country;
use tonle_evidence::enrolment::Invitation;
use tonle_evidence::entry::Tier;
use tonle_evidence::hash::{Hex, sha256};

/// Longest life of an invitation, seconds: one year.
const EXPIRES_MAX_S: i64 = 366 * 86_400;
/// Most uses of one invitation.
const USES_MAX: u32 = 100_000;

/// What an invitation allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteOptions {
    /// How many agents may join with it.
    pub uses: u32,
    /// How long it is good for, seconds.
    pub expires_s: i64,
    /// How well those are known who join with it.
    pub tier: Tier,
    /// Province the agents are invited for.
    pub province: Option<String>,
    /// The inviter vouches that those who join are distinct people.
    pub vouched: bool,
}

impl Default for InviteOptions {
    /// One use within a week, by anyone.
    fn default() -> Self {
        Self {
            uses: 1,
            expires_s: 7 * 86_400,
            tier: Tier::Unvetted,
            province: None,
            vouched: false,
        }
    }
}

impl InviteOptions {
    /// Says what is wrong with them, if anything.
    pub fn check(&self, country: &Country) -> Result<(), InviteError> {
        if !(1..=USES_MAX).contains(&self.uses) {
            return Err(InviteError::Uses(self.uses));
        }
        if !(1..=EXPIRES_MAX_S).contains(&self.expires_s) {
            return Err(InviteError::Expiry(self.expires_s));
        }
        match &self.province {
            Some(code) if country.province(code).is_none() => {
                let example = country.provinces.first().map(|first| first.code.clone());
                let example = example.unwrap_or_default();
                Err(InviteError::Province(code.clone(), example))
            }
            _ => Ok(()),
        }
    }
}

/// Why no invitation was made.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The number of uses is out of range.
    #[error("an invitation is for 1 to {USES_MAX} uses, not {0}")]
    Uses(u32),
    /// The life is out of range.
    #[error("an invitation expires after 1 second to 366 days, not {0} s")]
    Expiry(i64),
    /// The country has no such province.
    #[error("there is no province '{0}'; give an ISO 3166-2 code such as {1}")]
    Province(String, String),
    /// The store.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl Admin {
    /// Makes an invitation and forgets its token.
    pub fn create_invitation(
        &self,
        options: &InviteOptions,
        now_us: i64,
    ) -> Result<Invitation, InviteError> {
        options.check(&self.settings.country)?;
        let token = random::<16>().map_err(AdminError::from)?;
        let batch_id = Hex(random::<8>().map_err(AdminError::from)?).to_string();
        let token = URL_SAFE_NO_PAD.encode(token);
        self.store_invitation(&token, &batch_id, options, now_us)
            .map_err(AdminError::from)?;
        Ok(Invitation {
            collector: self.settings.public_url.clone(),
            token,
            collector_key: self.public_key(),
        })
    }

    fn store_invitation(
        &self,
        token: &str,
        batch_id: &str,
        options: &InviteOptions,
        now_us: i64,
    ) -> Result<(), rusqlite::Error> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO invitation (token_hash, batch_id, created_at_us, expires_at_us, uses, \
             tier, province, vouched) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                sha256(token.as_bytes()).0,
                batch_id,
                now_us,
                now_us.saturating_add(options.expires_s.saturating_mul(1_000_000)),
                options.uses,
                options.tier.as_str(),
                options.province,
                options.vouched,
            ],
        )?;
        let detail = format!("{} uses, tier {}", options.uses, options.tier);
        audit(&transaction, now_us, "invite", batch_id, &detail)?;
        transaction.commit()
    }
}
