//! Looks on while it happens: a send with something to do must have somebody working on it soon.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use loupe::{db::Db, ids::StoreId, time::Clock};

use super::rows_queries;

/// The lease, a tick, and time for a process to start on a busy machine.
const MARGIN: Duration = Duration::from_secs(6);

/// Looks on until dropped.
#[derive(Debug)]
pub struct Watch {
    task: tokio::task::JoinHandle<()>,
    disturbances: Arc<AtomicU64>,
    found: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    pub fn begin(db: Db, store: StoreId, lease_seconds: u64) -> Self {
        let disturbances = Arc::<AtomicU64>::default();
        let found = Arc::<Mutex<Vec<String>>>::default();
        let task = tokio::spawn(look(
            db,
            store,
            Duration::from_secs(lease_seconds + 1) + MARGIN,
            Arc::clone(&disturbances),
            Arc::clone(&found),
        ));
        Self {
            task,
            disturbances,
            found,
        }
    }

    /// Something is done to the workers: whoever waits may wait anew.
    pub fn disturb(&self) {
        self.disturbances.fetch_add(1, Relaxed);
    }

    /// What was seen.
    pub fn end(self) -> Vec<String> {
        self.task.abort();
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn look(
    db: Db,
    store: StoreId,
    patience: Duration,
    disturbances: Arc<AtomicU64>,
    found: Arc<Mutex<Vec<String>>>,
) {
    let mut since: HashMap<i64, Instant> = HashMap::new();
    let mut reported = HashSet::new();
    let mut seen = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let disturbed = disturbances.load(Relaxed);
        let Ok(idle) = rows_queries::idle_sends(&db, store, Clock::System.now()).await else {
            since.clear();
            continue;
        };
        if disturbed != seen {
            since.clear();
            seen = disturbed;
        }
        since.retain(|send, _| idle.contains(send));
        for send in idle {
            let begin = *since.entry(send).or_insert_with(Instant::now);
            if begin.elapsed() > patience && !reported.contains(&send) {
                let words = format!("send {send} has had nobody working on it for {patience:?}");
                found.lock().unwrap_or_else(PoisonError::into_inner).push(words);
                reported.insert(send);
            }
        }
    }
}
