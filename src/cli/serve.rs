//! `loupe serve` and `loupe worker`: the running program and its orderly end.

use std::{future::Future, time::Duration};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Failure, open_guarded, say, sole_owner};
use crate::{
    auth::setup,
    context::{AppState, Settings},
    db::Db,
    demo, dispatch, health, instance, scheduler,
    server::{
        listen::{self, Limits},
        router::router,
    },
    stores,
    time::Clock,
};

/// How long everything gets to finish what it has begun: the sender takes its time for what is on
/// the wire, and then still has to give back what it has leased.
const SHUTDOWN_TIMEOUT: Duration = dispatch::DRAIN.saturating_add(Duration::from_secs(5));
/// Between saying that it stops and refusing new requests: long enough for a load balancer that
/// asks every second.
const FAREWELL: Duration = Duration::from_secs(1);
/// Whoever asks for numbers and health is few.
const METRICS_CONNECTIONS: usize = 16;

/// Serves pages, and sends what is due unless `LOUPE_DISPATCH` is off.
pub(super) async fn serve(settings: Settings) -> Result<(), Failure> {
    let _lock = sole_owner(&settings)?;
    let (db, guard) = open_guarded(&settings).await?;
    refuse_open_demo(&db, &settings).await?;
    if !settings.site_root.join("main.css").exists() {
        tracing::warn!(folder = %settings.site_root.display(), "the site isn't built there: pages have no style; run `make build`");
    }
    let listener = TcpListener::bind(settings.addr)
        .await
        .map_err(|e| Failure::setting("LOUPE_ADDR", format!("{} can't be listened on: {e}", settings.addr)))?;
    let at = listener.local_addr().unwrap_or(settings.addr);
    let sends = settings.dispatch;
    let state = AppState::new(db.clone(), Clock::System, settings.listening_at(at)).gated_by(guard);
    greet(&state).await?;

    let stop = stop_on_signal(&state)?;
    let mut tasks = JoinSet::new();
    watch_for_copies(&state).await?;
    begin_metrics(&mut tasks, &state, &stop).await?;
    if sends {
        begin_background(&mut tasks, &state, &stop);
    }
    let mail = state
        .settings
        .smtp
        .as_ref()
        .map_or(0, |account| account.most_connections);
    let limits = Limits::of(listen::most_connections(mail));
    let stopped = farewell(stop.clone());
    tasks.spawn(async move {
        listen::serve(listener, router(state), limits, stopped).await;
        Ok(())
    });
    until_stopped(tasks, stop, &db).await
}

/// Sends what is due, without pages.
pub(super) async fn work(settings: Settings) -> Result<(), Failure> {
    if !settings.dispatch {
        return Err(Failure::setting(
            "LOUPE_DISPATCH",
            "a worker with sending off has nothing to do",
        ));
    }
    let _lock = sole_owner(&settings)?;
    let (db, guard) = open_guarded(&settings).await?;
    let state = AppState::new(db.clone(), Clock::System, settings).gated_by(guard);
    let stop = stop_on_signal(&state)?;
    let mut tasks = JoinSet::new();
    watch_for_copies(&state).await?;
    begin_metrics(&mut tasks, &state, &stop).await?;
    begin_background(&mut tasks, &state, &stop);
    say("Sending what is due. Stop with Ctrl-C.");
    until_stopped(tasks, stop, &db).await
}

/// Everything that runs beside the web server; each ends when `stop` is cancelled.
fn begin_background(tasks: &mut JoinSet<Result<(), Failure>>, state: &AppState, stop: &CancellationToken) {
    let (sender, stopped) = (state.clone(), stop.clone());
    tasks.spawn(async move {
        dispatch::run(sender, stopped).await;
        Ok(())
    });
    let (planner, stopped) = (state.clone(), stop.clone());
    tasks.spawn(async move {
        scheduler::run(planner, stopped).await;
        Ok(())
    });
}

/// A copy of a database sends nothing until an owner has confirmed it, here or elsewhere; and it can
/// become one while it runs.
async fn watch_for_copies(state: &AppState) -> Result<(), Failure> {
    if let Some(why) = instance::settle(state).await? {
        say(why.words());
        say("Nothing is sent until an owner signs in and confirms.");
    }
    tokio::spawn(instance::watch(state.clone()));
    Ok(())
}

/// The numbers, at their own address.
async fn begin_metrics(
    tasks: &mut JoinSet<Result<(), Failure>>,
    state: &AppState,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Some(addr) = state.settings.metrics_addr else {
        return Ok(());
    };
    let listener = TcpListener::bind(addr)
        .await
        .map_err(|e| Failure::setting("LOUPE_METRICS_ADDR", format!("{addr} can't be listened on: {e}")))?;
    let (router, stopped) = (health::metrics_router(state.clone()), farewell(stop.clone()));
    tasks.spawn(async move {
        listen::serve(listener, router, Limits::of(METRICS_CONNECTIONS), stopped).await;
        Ok(())
    });
    Ok(())
}

/// When a listener stops: not ready any more, and for a moment still answering.
async fn farewell(stop: CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(FAREWELL).await;
}

/// Waits for the stop, then for what is still running. A task that ends by itself ends the
/// program: half a program that looks alive is worse than none.
async fn until_stopped(
    mut tasks: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
    db: &Db,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    tokio::select! {
        () = stop.cancelled() => {}
        Some(ended) = tasks.join_next() => {
            outcome = match ended {
                Ok(Ok(())) if stop.is_cancelled() => Ok(()),
                Ok(Ok(())) => Err(Failure::said("A part of the program ended by itself; stopping.")),
                Ok(Err(failure)) => Err(failure),
                Err(_) => Err(Failure::said("A part of the program broke; the log says where.")),
            };
            stop.cancel();
        }
    }
    say("Stopping: finishing what has begun.");
    finish(tasks).await;
    db.close().await;
    outcome
}

async fn finish(mut tasks: JoinSet<Result<(), Failure>>) {
    let finished = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, finished).await.is_err() {
        tracing::warn!("something didn't finish in time and was cut off");
        tasks.abort_all();
    }
}

/// A demo store's passwords are known to all: it stays on this machine unless told otherwise.
async fn refuse_open_demo(db: &Db, settings: &Settings) -> Result<(), Failure> {
    let (_, demo) = stores::queries::census(db).await?;
    if demo && !settings.addr.ip().is_loopback() && !settings.demo_public {
        return Err(Failure::setting(
            "LOUPE_ADDR",
            format!(
                "{} can be reached from other machines, and this database holds the demo store, whose passwords are \
                 known to all. Listen on 127.0.0.1, or set LOUPE_DEMO_PUBLIC=on.",
                settings.addr
            ),
        ));
    }
    Ok(())
}

/// Tells the person at the terminal where it is and how to get in.
async fn greet(state: &AppState) -> Result<(), Failure> {
    let (_, demo) = stores::queries::census(&state.db).await?;
    say(&format!("Loupe is at http://{}", state.settings.addr));
    if demo {
        say(&demo::sign_ins());
    }
    if let Some(token) = setup::ensure_token(&state.db, state.clock.now()).await? {
        say("There is no store yet. Set one up with this link, which works once:");
        say(&format!("  {}/setup?token={token}", state.settings.base_url));
    }
    if state.settings.uses_outbox() {
        say("Nothing is mailed: messages stay in the outbox.");
    }
    say("Stop with Ctrl-C.");
    Ok(())
}

/// Cancelled by Ctrl-C and by the stop signal of service managers.
fn stop_on_signal(state: &AppState) -> Result<CancellationToken, Failure> {
    let stop = state.leaving.clone();
    let cancel = stop.clone();
    let asked = asked_to_stop()?;
    tokio::spawn(async move {
        asked.await;
        cancel.cancel();
    });
    Ok(stop)
}

#[cfg(unix)]
fn asked_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let cannot = |e: std::io::Error| Failure::said(format!("Signals can't be listened for: {e}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn asked_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_waits_for_the_wire_to_the_last_can_still_give_back_its_leases() {
        let given_back = Arc::new(AtomicBool::new(false));
        let (mut tasks, done) = (JoinSet::new(), Arc::clone(&given_back));
        tasks.spawn(async move {
            tokio::time::sleep(dispatch::DRAIN + Duration::from_secs(1)).await;
            done.store(true, Relaxed);
            Ok(())
        });
        finish(tasks).await;
        assert!(given_back.load(Relaxed));
    }
}
