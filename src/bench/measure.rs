//! What a piece of work costs this process: time, processor, memory.

use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// Processor time is counted in ticks of a hundredth of a second on Linux (`man 5 proc`).
const TICKS: f64 = 100.0;

/// What one run took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Cost {
    /// Seconds.
    pub wall: f64,
    /// Seconds of processor time of this process.
    pub cpu: f64,
    /// Peak resident memory in MB while it ran; 0 where the system does not tell.
    pub peak_mb: f64,
}

/// Starts measuring.
pub fn begin() -> impl FnOnce() -> Cost {
    // Forgets the peak so far; refused on systems without it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (cpu, started) = (cpu_seconds(), Instant::now());
    move || Cost {
        wall: started.elapsed().as_secs_f64(),
        cpu: cpu_seconds() - cpu,
        peak_mb: memory_mb("VmHWM:"),
    }
}

/// Resident memory of this process now, in MB.
pub fn resident_mb() -> f64 {
    memory_mb("VmRSS:")
}

/// Seconds of processor time of another process and of those it has started and waited for.
pub fn cpu_seconds_of(process: u32) -> f64 {
    ticks(&format!("/proc/{process}/stat"), 4) / TICKS
}

fn cpu_seconds() -> f64 {
    ticks("/proc/self/stat", 2) / TICKS
}

/// The sum of so many fields from the 14th on: time in the program and in the system, then the same
/// of its children.
fn ticks(stat: &str, fields: usize) -> f64 {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    // Counted after the program's name in brackets.
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields = after_name.split(' ').skip(11).take(fields);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum()
}

fn memory_mb(line: &str) -> f64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0.0;
    };
    let line = status.lines().find_map(|l| l.strip_prefix(line));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}

/// How many small writes a second this folder's disk makes durable, one after another.
pub fn durable_writes_per_second(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("flush");
    let mut file = File::create(&path)?;
    let begin = Instant::now();
    let mut writes = 0.0;
    while begin.elapsed() < Duration::from_secs(1) {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        writes += 1.0;
    }
    std::fs::remove_file(path)?;
    Ok(writes / begin.elapsed().as_secs_f64())
}

/// The middle of several.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What so many in a hundred of the sorted values do not exceed.
pub fn at(sorted: &[f64], part: usize) -> f64 {
    let place = (sorted.len() * part).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
