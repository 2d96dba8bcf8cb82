//! Traces of whole throughput transfers, kept on the device for `tonle agent replay`: bounded, and
//! never sent. They hold times and byte counts, no address.
use crate::files::Files;
use crate::line_log::{Bounds, LineLog};
use std::io;

const FOLDER: &str = "traces";
/// Stem of the files, and their names: the older first.
const STEM: &str = "traces/throughput";
/// The files, oldest traces first, below the data directory.
pub const FILES: [&str; 2] = ["traces/throughput.1.log", "traces/throughput.log"];
/// A trace takes 5 to 30 kB: several hundred of them.
const BOUNDS: Bounds = Bounds {
    max_bytes: 8 << 20,
    max_lines: 2_000,
};

/// Adds traces, one JSON object each; the oldest go when there is no more room.
pub fn keep<F: Files>(files: F, traces: &[String]) -> io::Result<()> {
    if traces.is_empty() {
        return Ok(());
    }
    files.make_folder(FOLDER)?;
    LineLog::open(files, STEM, BOUNDS)?.append(traces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;
    use crate::replay::{read, synthetic_traces};

    #[test]
    fn what_is_kept_can_be_replayed_and_stays_bounded() {
        let files = SimulatedFiles::default();
        let trace = serde_json::to_string(&synthetic_traces()[0]).unwrap();
        for _ in 0..3 {
            keep(files.clone(), &[trace.clone(), trace.clone()]).unwrap();
        }
        let text = String::from_utf8(files.read(FILES[1]).unwrap()).unwrap();
        assert_eq!(read::parse(&text).unwrap().len(), 6);
        let large = vec![trace; 2_000];
        for _ in 0..4 {
            keep(files.clone(), &large).unwrap();
        }
        let bytes = |name| files.read(name).map_or(0, |bytes| bytes.len());
        let total: usize = FILES.into_iter().map(bytes).sum();
        assert!(
            total <= BOUNDS.max_bytes + large[0].len() * 2_001,
            "{total}"
        );
    }

    #[test]
    fn nothing_to_keep_makes_no_file() {
        let files = SimulatedFiles::default();
        keep(files.clone(), &[]).unwrap();
        assert!(files.list(FOLDER).unwrap().is_empty());
    }
}
