//! The data budget of a round: what each run may use, what it is charged, and the ledger's file.
use super::plan::THROUGHPUT;
use crate::budget::{Allowance, Ledger, Reservation, charge, with_overhead};
use crate::context::{Counters, System};
use crate::runner::{Ended, Job};
use tonle_evidence::local_time::LocalHour;
use tonle_net::clock::wall_us;
use tonle_net::datadir::{DataDir, DataDirError, write_atomic};

/// The ledger's file in the data directory.
pub(super) const FILE: &str = "budget.json";

/// The ledger while a round goes on.
pub(super) struct Purse<'a> {
    dir: &'a DataDir,
    system: &'a System,
    utc_offset_s: i32,
    allowance: Allowance,
    ledger: Ledger,
}

/// A run that ended, as the budget saw it.
pub(super) struct Spent {
    /// Bytes by its own count.
    pub(super) used_bytes: u64,
    /// No other run went beside it.
    pub(super) alone: bool,
    /// The interface's counters before it.
    pub(super) before: Option<Counters>,
}

impl<'a> Purse<'a> {
    pub(super) fn open(
        dir: &'a DataDir,
        system: &'a System,
        utc_offset_s: i32,
        allowance: Allowance,
        ledger: Option<Ledger>,
    ) -> Self {
        let now = LocalHour::at(wall_us(), utc_offset_s);
        let mut ledger = ledger.unwrap_or_else(|| Ledger::begin(now));
        ledger.turn_to(now);
        Self {
            dir,
            system,
            utc_offset_s,
            allowance,
            ledger,
        }
    }

    /// What the line may be used for from now on.
    pub(super) fn allow(&mut self, allowance: Allowance) {
        self.allowance = allowance;
    }

    /// What the whole round may cost stands in the file before anything is sent, so that a crash
    /// cannot make the month look cheaper than it was; one write for all runs spares the SD card.
    pub(super) fn reserve_round(&self, jobs: &[Job]) -> Result<(), DataDirError> {
        let remote = jobs.iter().filter(|job| !job.is_local());
        let cost = remote
            .map(|job| Self::most(job, self.allowance.run_max_bytes))
            .fold(0, u64::saturating_add);
        if cost == 0 {
            return Ok(());
        }
        let bytes = cost.min(self.available_bytes());
        self.store(&Ledger {
            reserved_bytes: self.ledger.reserved_bytes.saturating_add(bytes),
            ..self.ledger.clone()
        })
    }

    /// What a run may use, with what is reserved for it; or why it may not run. A heavy run takes
    /// what is there; what does not leave this network costs nothing.
    pub(super) fn grant(&mut self, job: &Job) -> Result<(u64, Option<Reservation>), String> {
        let Allowance {
            monthly_bytes,
            run_max_bytes,
        } = self.allowance;
        if job.is_local() {
            return Ok((run_max_bytes, None));
        }
        let now = self.now();
        let max_bytes = if job.is_heavy(run_max_bytes) {
            let cap = self
                .ledger
                .throughput_cap_bytes(run_max_bytes, monthly_bytes, now);
            cap.ok_or_else(|| self.refusal(self.ledger.throughput_needs_bytes()))?
        } else {
            run_max_bytes
        };
        let cost = Self::most(job, max_bytes);
        let most_charged = with_overhead(cost);
        match self.ledger.reserve(most_charged, monthly_bytes, now) {
            Some(reservation) => Ok((max_bytes, Some(reservation))),
            None => Err(self.refusal(cost)),
        }
    }

    /// Settles what was reserved and says what the run was charged.
    pub(super) fn settle(
        &mut self,
        job: &Job,
        ended: &Ended,
        reservation: Option<Reservation>,
        spent: &Spent,
    ) -> u64 {
        let Some(reservation) = reservation else {
            return 0;
        };
        let after = self.system.counters();
        let moved = after
            .zip(spent.before)
            .and_then(|(after, before)| after.bytes.checked_sub(before.bytes));
        let charged_bytes = charge(spent.used_bytes, moved.filter(|_| spent.alone));
        self.ledger.settle(&reservation, charged_bytes);
        if job.experiment.meta().name == THROUGHPUT && has_result(ended) {
            self.ledger.note_throughput(charged_bytes);
        }
        charged_bytes
    }

    /// Counts bytes that nobody could reserve.
    pub(super) fn spend(&mut self, bytes: u64) {
        self.ledger.spend(bytes);
    }

    /// Writes the ledger and hands it out.
    pub(super) fn close(self) -> Result<Ledger, DataDirError> {
        self.store(&self.ledger)?;
        Ok(self.ledger)
    }

    fn store(&self, ledger: &Ledger) -> Result<(), DataDirError> {
        store(self.dir, ledger)
    }

    fn most(job: &Job, max_bytes: u64) -> u64 {
        job.experiment.estimate(&job.target, max_bytes).bytes
    }

    fn refusal(&self, needs: u64) -> String {
        format!(
            "the data budget has {} bytes left for now and this run may need {needs}; raise `monthly_budget_bytes` or wait",
            self.available_bytes(),
        )
    }

    fn available_bytes(&self) -> u64 {
        self.ledger
            .available_bytes(self.allowance.monthly_bytes, self.now())
    }

    fn now(&self) -> LocalHour {
        LocalHour::at(wall_us(), self.utc_offset_s)
    }
}

/// Writes a ledger into the data directory, durably.
pub(super) fn store(dir: &DataDir, ledger: &Ledger) -> Result<(), DataDirError> {
    let bytes = serde_json::to_vec(ledger).expect("plain values are always JSON");
    write_atomic(&dir.join(FILE), &bytes)
}

/// True for a run whose cost says what the next may cost.
fn has_result(ended: &Ended) -> bool {
    match ended {
        Ended::Finished(finished) => !finished.recorded.samples.is_empty(),
        Ended::DidNotRun(_) => false,
    }
}
