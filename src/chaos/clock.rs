//! The workers' clock, put forward and back while they run. Their database keeps its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;

/// How far the workers' clock is from ours: a file that they read.
#[derive(Debug)]
pub struct WorkersClock {
    file: PathBuf,
    ahead: TimeDelta,
    furthest: TimeDelta,
}

impl WorkersClock {
    pub fn start(folder: &Path) -> std::io::Result<Self> {
        let mut clock = Self {
            file: folder.join("clock"),
            ahead: TimeDelta::zero(),
            furthest: TimeDelta::zero(),
        };
        clock.jump_to(TimeDelta::zero())?;
        Ok(clock)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Jumps to so far ahead of the real time, or behind it.
    pub fn jump_to(&mut self, ahead: TimeDelta) -> std::io::Result<()> {
        // Renamed into place: nobody reads half a number.
        let written = self.file.with_extension("new");
        fs::write(&written, ahead.num_seconds().to_string())?;
        fs::rename(written, &self.file)?;
        self.ahead = ahead;
        self.furthest = self.furthest.max(ahead);
        Ok(())
    }

    /// Later than it has ever been: whatever waits for a moment is due.
    pub fn catch_up(&mut self) -> std::io::Result<()> {
        self.jump_to(self.furthest + TimeDelta::hours(12))
    }
}
