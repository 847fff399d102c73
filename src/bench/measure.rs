//! What a piece of work costs this process: time, processor, memory.

use std::time::{Duration, Instant};

/// Processor time is counted in ticks of a hundredth of a second on Linux (`man 5 proc`).
const TICKS: f64 = 100.0;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
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
        wall: started.elapsed(),
        cpu: cpu_seconds() - cpu,
        peak_mb: peak_mb(),
    }
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

fn peak_mb() -> f64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0.0;
    };
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}

/// The middle of several.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
