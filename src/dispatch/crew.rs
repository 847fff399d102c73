//! The carriers of this process, as many as the account may have connections.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{carrier::Carriers, queue::Queue};
use crate::instance::Guard;

/// See the module.
#[derive(Debug)]
pub(crate) struct Crew {
    carriers: Carriers,
    at_work: Vec<(CancellationToken, JoinHandle<()>)>,
    /// They finish what they have begun.
    leaving: Vec<JoinHandle<()>>,
}

impl Crew {
    pub(crate) fn new(carriers: Carriers) -> Self {
        Self {
            carriers,
            at_work: Vec::new(),
            leaving: Vec::new(),
        }
    }

    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.carriers.jobs)
    }

    pub(crate) fn len(&self) -> usize {
        self.at_work.len()
    }

    /// Lets carriers go, or takes new ones on. All of them go at the moment from which nothing may be
    /// sent, without waiting for anybody to tell them.
    pub(crate) fn resize(&mut self, wanted: usize, guard: &Guard) {
        self.leaving.retain(|task| !task.is_finished());
        while self.at_work.len() > wanted
            && let Some((retire, task)) = self.at_work.pop()
        {
            retire.cancel();
            self.leaving.push(task);
        }
        while self.at_work.len() < wanted {
            let retire = guard.halting(&CancellationToken::new());
            let task = tokio::spawn(self.carriers.clone().keep_carrying(retire.clone()));
            self.at_work.push((retire, task));
        }
    }

    /// Closes the queue and waits until everything begun is finished.
    pub(crate) async fn finish(self) {
        self.carriers.jobs.close();
        let at_work = self.at_work.into_iter().map(|(_, task)| task);
        for task in at_work.chain(self.leaving) {
            let _ = task.await;
        }
    }
}
