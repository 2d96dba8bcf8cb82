//! Whole transfers over many lines, as the agent keeps them, for `tonle agent replay`: one set to
//! choose a rule's parameters on, and one of other lines to say how good it is.
use crate::lanes::{self, Job};
use crate::line::{Bucket, Change, Line, Way};
use crate::measure::{Plan, WHOLE_RUN_BYTES};
use crate::record::Record;
use crate::report::after;
use crate::say;
use crate::world::World;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What was asked for on the command line.
pub(crate) struct Request {
    folder: PathBuf,
}

impl Request {
    /// `--traces DIR`
    pub(crate) fn from(arguments: &[String]) -> Option<Self> {
        let folder = after(arguments, "--traces")?.into();
        Some(Self { folder })
    }
}

/// A set of lines: a grid, and beside it lines on which something happens.
struct Set {
    name: &'static str,
    /// Rates, kbit/s.
    rates_kbit: &'static [u64],
    rtts_ms: &'static [u64],
    /// Every how many packets one is lost; 0: none.
    losses: &'static [u64],
    /// (rate, milliseconds after the servers are ready, rate from then on).
    steps: &'static [(u64, u64, u64)],
    /// (rate of the line, of the bucket, its burst in milliseconds at the bucket's rate).
    buckets: &'static [(u64, u64, u64)],
    /// Mean rates of lines that wander as a radio's do.
    wandering_kbit: &'static [u64],
    seed: u64,
}

const SETS: [Set; 2] = [
    Set {
        name: "choosing",
        rates_kbit: &[2_000, 8_000, 40_000],
        rtts_ms: &[20, 80, 200],
        losses: &[0, 150],
        steps: &[(10_000, 5_000, 4_000), (3_000, 7_000, 8_000)],
        buckets: &[
            (20_000, 4_000, 1_500),
            (40_000, 10_000, 3_000),
            (16_000, 8_000, 8_000),
        ],
        wandering_kbit: &[3_000, 8_000, 16_000],
        seed: 1,
    },
    Set {
        name: "reporting",
        rates_kbit: &[1_000, 5_000, 20_000, 100_000],
        rtts_ms: &[10, 50, 150],
        losses: &[0, 100],
        steps: &[(20_000, 6_000, 8_000), (2_000, 5_000, 5_000)],
        buckets: &[
            (20_000, 5_000, 1_000),
            (20_000, 5_000, 4_000),
            (50_000, 20_000, 2_000),
        ],
        wandering_kbit: &[2_000, 5_000, 20_000],
        seed: 2,
    },
];
/// Round trip of the lines that are not of the grid, milliseconds.
const RTT_MS: u64 = 40;
/// A wandering line has another rate so often, for longer than both transfers take, milliseconds.
const WANDER_STEP_MS: u64 = 200;
const WANDER_UNTIL_MS: u64 = 40_000;

/// Measures every set and writes each to a file of its own. A file that is there is left alone.
pub(crate) fn write(request: &Request, plan: &Plan) -> Result<(), String> {
    for set in &SETS {
        let path = request.folder.join(format!("{}.jsonl", set.name));
        if path.exists() {
            say(&format!("{} is there already", path.display()));
            continue;
        }
        let said = |error: std::io::Error| format!("{}: {error}", path.display());
        std::fs::create_dir_all(&request.folder).map_err(said)?;
        let unfinished = path.with_extension("part");
        let mut file = File::create(&unfinished).map_err(said)?;
        let tonle = &plan.tonle;
        let jobs = set.lines().into_iter().map(|line| Whole { line, tonle });
        let jobs: Vec<Whole<'_>> = jobs.collect();
        let count = jobs.len();
        let mut number = 0;
        lanes::run(jobs, |traces: (String, Vec<String>)| {
            number += 1;
            let (name, traces) = traces;
            say(&format!("{}: {number}/{count}: {name}", set.name));
            traces
                .iter()
                .try_for_each(|trace| writeln!(file, "{trace}"))
                .map_err(said)
        })?;
        std::fs::rename(&unfinished, &path).map_err(said)?;
    }
    Ok(())
}

impl Set {
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for rate_kbit in self.rates_kbit {
            for rtt_ms in self.rtts_ms {
                for loss_every in self.losses {
                    let name = format!("{rate_kbit} kbit/s, {rtt_ms} ms, loss {loss_every}");
                    let way = Way {
                        rate_kbit: *rate_kbit,
                        delay_ms: rtt_ms / 2,
                        loss_every: *loss_every,
                    };
                    lines.push(Line::even(name, way));
                }
            }
        }
        for (rate_kbit, at_ms, then_kbit) in self.steps {
            // The same again in the middle of the upload.
            let changes = vec![
                (*at_ms, Change::Rates(*then_kbit, *then_kbit)),
                (at_ms + 5_000, Change::Rates(*rate_kbit, *rate_kbit)),
                (at_ms + 11_000, Change::Rates(*then_kbit, *then_kbit)),
            ];
            let name = format!("{rate_kbit} kbit/s, then {then_kbit}");
            lines.push(Line {
                changes,
                ..Line::even(name, plain(*rate_kbit))
            });
        }
        for (line_kbit, rate_kbit, burst_ms) in self.buckets {
            let bucket = Bucket {
                rate_kbit: *rate_kbit,
                burst_bytes: rate_kbit * burst_ms / 8,
            };
            let name = format!("a bucket of {burst_ms} ms at {rate_kbit} kbit/s");
            lines.push(Line {
                bucket: Some(bucket),
                ..Line::even(name, plain(*line_kbit))
            });
        }
        for mean_kbit in self.wandering_kbit {
            lines.push(Line {
                changes: wandering(*mean_kbit, self.seed + mean_kbit),
                ..Line::even(
                    format!("wandering about {mean_kbit} kbit/s"),
                    plain(*mean_kbit),
                )
            });
        }
        lines
    }
}

fn plain(rate_kbit: u64) -> Way {
    Way {
        rate_kbit,
        delay_ms: RTT_MS / 2,
        loss_every: 0,
    }
}

/// A rate that drifts between half and one and a half of its mean, as that of a mobile line does when
/// cell mates come and go: each step keeps most of the last deviation and adds a fresh one.
fn wandering(mean_kbit: u64, seed: u64) -> Vec<(u64, Change)> {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    let mut random = StdRng::seed_from_u64(seed);
    let mut permille = 1_000;
    let steps = (1..).map(|step| step * WANDER_STEP_MS);
    let steps = steps.take_while(|at_ms| *at_ms < WANDER_UNTIL_MS);
    steps
        .map(|at_ms| {
            let fresh: i64 = random.random_range(-200..=200);
            permille = (1_000 + (permille - 1_000) * 9 / 10 + fresh).clamp(500, 1_500);
            let rate_kbit = mean_kbit * permille.unsigned_abs() / 1_000;
            (at_ms, Change::Rates(rate_kbit, rate_kbit))
        })
        .collect()
}

/// A line whose whole transfers are wanted.
struct Whole<'a> {
    line: Line,
    tonle: &'a Path,
}

impl Job for Whole<'_> {
    /// The line's name, and the traces.
    type Done = (String, Vec<String>);

    fn rate_kbit(&self) -> u64 {
        self.line.down.rate_kbit.max(self.line.up.rate_kbit)
    }

    fn measure(&self) -> Result<(Self::Done, i64), String> {
        let world = World::start(&self.line, self.tonle, WHOLE_RUN_BYTES)?;
        Record::measure(&world, &["throughput"])?;
        drop(world.passages());
        let traces = world.traces()?;
        let compact: Result<Vec<String>, String> =
            traces.iter().map(|trace| compact(trace)).collect();
        Ok(((self.line.name.clone(), compact?), world.hub_late_us()))
    }
}

/// A trace with no more of the kernel's messages than a replay asks for: the smallest round trip.
fn compact(trace: &str) -> Result<String, String> {
    let mut trace: Value = serde_json::from_str(trace).map_err(|error| error.to_string())?;
    let kernel = trace["kernel"].as_array_mut();
    let kernel = kernel.map(std::mem::take).unwrap_or_default();
    let least = kernel.iter().filter_map(|one| one["min_rtt_us"].as_i64());
    if let Some(min_rtt_us) = least.min() {
        trace["kernel"] = json!([{ "elapsed_us": 0, "min_rtt_us": min_rtt_us }]);
    }
    Ok(trace.to_string())
}
