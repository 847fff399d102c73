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

fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    // Fields 14 and 15, counted after the program's name in brackets.
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
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
