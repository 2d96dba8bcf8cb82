//! What the figures are aimed at, and whether they met it. Pure: reported, never a gate.
use crate::row::{Figure, Row, What};
use crate::table::size;

/// Whose figures are held to the aims.
const OURS: [&str; 2] = ["tonle", "tonle stamp"];

/// Throughput, parts per million of the truth: median, and worst on lines without loss.
const RATE_MEDIAN_PPM: i64 = 30_000;
const RATE_WORST_PPM: i64 = 60_000;
/// A round trip on an idle line, microseconds.
const RTT_WORST_US: i64 = 500;
/// A round trip under load, parts per million of the queues' delay.
const LOADED_PPM: i64 = 100_000;
/// Below this a queue's delay is next to nothing, and no share of it is told, microseconds.
const QUEUE_FLOOR_US: i64 = 1_000;

/// The aims as a table.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut table = vec![
        "| aim | figure | met |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ];
    let lines = [
        rate(rows, What::Download, "download"),
        rate(rows, What::Upload, "upload"),
        slow_upload(rows),
        idle_rtt(rows),
        losses(rows),
        loaded(rows, What::DownloadRtt, "a download"),
        loaded(rows, What::UploadRtt, "an upload"),
    ];
    for (aim, seen) in lines {
        let (figure, met) = seen.unwrap_or_else(|| ("not measured".to_owned(), false));
        let met = if met { "yes" } else { "**no**" };
        table.push(format!("| {aim} | {figure} | {met} |"));
    }
    table.join("\n")
}

/// The aim, the figure and whether it was met, if there is one.
type Line = (String, Option<(String, bool)>);

fn of(rows: &[Row], what: What, has: impl Fn(&Row) -> bool) -> Vec<&Figure> {
    let rows = rows.iter().filter(|row| has(row));
    rows.flat_map(|row| OURS.into_iter().filter_map(|tool| row.figure(what, tool)))
        .collect()
}

/// Median and worst of the errors' sizes.
fn spread(figures: &[&Figure]) -> Option<(i64, i64)> {
    let mut sizes: Vec<i64> = figures.iter().map(|figure| size(figure)).collect();
    sizes.sort_unstable();
    Some((*sizes.get(sizes.len() / 2)?, *sizes.last()?))
}

fn percent(ppm: i64) -> String {
    format!("{:.2} %", ppm as f64 / 10_000.0)
}

fn rate(rows: &[Row], what: What, name: &str) -> Line {
    let all = spread(&of(rows, what, |_| true));
    let without_loss = spread(&of(rows, what, |row| row.cell.loss_every == 0));
    let seen = all.zip(without_loss).map(|((median, _), (_, worst))| {
        let figure = format!(
            "median {}, worst without loss {}",
            percent(median),
            percent(worst)
        );
        let met = median <= RATE_MEDIAN_PPM && worst <= RATE_WORST_PPM;
        (figure, met)
    });
    let aim = format!("{name} within 3 % (median) and 6 % (worst, at zero loss)");
    (aim, seen)
}

/// As good as the rest: its median is within the same aim.
fn slow_upload(rows: &[Row]) -> Line {
    let is_slow = |row: &Row| row.cell.rate_kbit == 1_000;
    let slow = spread(&of(rows, What::Upload, is_slow));
    let rest = spread(&of(rows, What::Upload, |row| !is_slow(row)));
    let seen = slow.map(|(median, worst)| {
        let rest = rest.map_or_else(String::new, |(median, worst)| {
            format!(
                "; the rest: median {}, worst {}",
                percent(median),
                percent(worst)
            )
        });
        let figure = format!("median {}, worst {}{rest}", percent(median), percent(worst));
        (figure, median <= RATE_MEDIAN_PPM && worst <= RATE_WORST_PPM)
    });
    ("upload at 1 Mbit/s as good as the rest".to_owned(), seen)
}

fn idle_rtt(rows: &[Row]) -> Line {
    let seen = spread(&of(rows, What::Rtt, |row| !row.cell.busy)).map(|(median, worst)| {
        let ms = |us: i64| us as f64 / 1_000.0;
        let figure = format!("median {:.3} ms, worst {:.3} ms", ms(median), ms(worst));
        (figure, worst <= RTT_WORST_US)
    });
    ("latency of an idle line within 0.5 ms".to_owned(), seen)
}

fn losses(rows: &[Row]) -> Line {
    let figures = of(rows, What::Lost, |_| true);
    let exact = figures.iter().filter(|figure| figure.difference() == 0);
    let exact = exact.count();
    let probes: i64 = figures.iter().map(|figure| figure.of).sum();
    let lost: i64 = figures.iter().map(|figure| figure.truth).sum();
    let seen = (!figures.is_empty()).then(|| {
        let figure = format!(
            "{exact} of {} trains ({lost} of {probes} probes were lost)",
            figures.len()
        );
        (figure, exact == figures.len())
    });
    ("loss counts exact".to_owned(), seen)
}

fn loaded(rows: &[Row], what: What, name: &str) -> Line {
    let all = of(rows, what, |_| true);
    let (figures, empty): (Vec<&Figure>, Vec<&Figure>) = all
        .into_iter()
        .partition(|figure| figure.of >= QUEUE_FLOOR_US);
    let seen = spread(&figures).map(|(median, worst)| {
        let within = figures.iter().filter(|figure| size(figure) <= LOADED_PPM);
        let off_us = empty.iter().map(|figure| figure.difference().abs()).max();
        let beside = off_us.map_or_else(String::new, |off_us| {
            let (cells, ms) = (empty.len(), off_us as f64 / 1_000.0);
            format!("; in {cells} cells whose queues hold below 1 ms, off by {ms:.2} ms at most")
        });
        let figure = format!(
            "median {}, worst {}, {} of {} cells within{beside}",
            percent(median),
            percent(worst),
            within.count(),
            figures.len(),
        );
        let met = worst <= LOADED_PPM && off_us.is_none_or(|off_us| off_us <= RTT_WORST_US);
        (figure, met)
    });
    let aim = format!(
        "latency under {name} within 10 % of the queue's delay, or 0.5 ms where that is next to nothing"
    );
    (aim, seen)
}
