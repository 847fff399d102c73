//! The workers of this process, as many as the account may have connections.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{queue::Queue, worker::Worker};
use crate::context::send_gate::SendGate;

/// See the module.
#[derive(Debug)]
pub(crate) struct WorkerPool {
    worker: Worker,
    active: Vec<(CancellationToken, JoinHandle<()>)>,
    /// They finish what they have begun.
    draining: Vec<JoinHandle<()>>,
}

impl WorkerPool {
    pub(crate) fn new(worker: Worker) -> Self {
        Self {
            worker,
            active: Vec::new(),
            draining: Vec::new(),
        }
    }

    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.worker.jobs)
    }

    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    /// Lets workers go, or takes new ones on. All of them go at the moment from which nothing may be
    /// sent, without waiting for anybody to tell them.
    pub(crate) fn resize(&mut self, wanted: usize, send_gate: &SendGate) {
        self.draining.retain(|task| !task.is_finished());
        while self.active.len() > wanted
            && let Some((retire, task)) = self.active.pop()
        {
            retire.cancel();
            self.draining.push(task);
        }
        while self.active.len() < wanted {
            let retire = send_gate.halting(&CancellationToken::new());
            let task = tokio::spawn(self.worker.clone().run_supervised(retire.clone()));
            self.active.push((retire, task));
        }
    }

    /// Closes the queue and waits until everything begun is finished.
    pub(crate) async fn finish(self) {
        self.worker.jobs.close();
        let active = self.active.into_iter().map(|(_, task)| task);
        for task in active.chain(self.draining) {
            let _ = task.await;
        }
    }
}
