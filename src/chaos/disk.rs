//! A disk that gets full: a small one of our own where we may mount it.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted small disk; unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// None where mounting is not allowed.
    pub fn mount(folder: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=755", "loupe-chaos"])
            .arg(folder)
            .output()
            .ok()?;
        mounted.status.success().then(|| Self {
            folder: folder.to_owned(),
        })
    }

    /// Leaves not a byte.
    pub fn fill(&self) {
        let Ok(mut file) = File::create(self.ballast()) else {
            return;
        };
        for size in [64 * 1024, 4096, 1] {
            let chunk = vec![1u8; size];
            while file.write_all(&chunk).is_ok() {}
        }
    }

    pub fn make_room(&self) {
        let _gone = fs::remove_file(self.ballast());
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.folder).output();
    }
}
