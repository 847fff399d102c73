//! Who waits for a domain's limit, and that nobody else waits because of it.

use std::time::{Duration, Instant};

use loupe::{
    context::actor::Role, mail_accounts::account_queries, recipients::model::RecipientFilter, sends, time::Clock,
};

use super::{
    NEVER_LOOKED_AT, Program, account, becomes, come, crowd_at_slow_test, each_at_their_own, number, set, start, times,
};
use crate::{
    both,
    support::{
        app::{TestApp, words},
        sink::Sink,
    },
};

/// Ten thousand people of one domain come first: the others are not kept waiting.
async fn others_do_not_wait(app: TestApp, sink: Sink) {
    set(&app, "2").await;
    crowd_at_slow_test(&app, 10_000).await;
    each_at_their_own(&app, 20).await;
    start(&app, "Autumn", &RecipientFilter::All).await;
    let begin = Instant::now();
    let program = Program::of(&app);
    come(&sink, ".example", 20).await;
    program.stop().await;
    let slow = times(&sink, "@slow.test").len();
    let most = usize::try_from(begin.elapsed().as_secs()).unwrap() * 2 + 3;
    assert!(slow <= most, "{slow} of {most}");
    // Else only the last of the ten thousand would let them pass.
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

both!(other_domains_do_not_wait, "", |app, sink| {
    others_do_not_wait(app, sink).await;
});

both!(
    other_domains_do_not_wait_with_a_rate_of_the_account,
    "?rate=20",
    |app, sink| {
        others_do_not_wait(app, sink).await;
    }
);

const LOOKS: &str = "select cast(sum(epoch) as bigint) from messages";
const LOOKS_AT_OTHERS: &str = "select cast(sum(epoch) as bigint) from messages where address like '%.example'";

// Not again and again: once to be put in line, and once when its turn has come.
both!(whoever_waits_is_looked_at_twice, "", |app, sink| {
    set(&app, "5").await;
    crowd_at_slow_test(&app, 2_000).await;
    each_at_their_own(&app, 300).await;
    start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, ".example", 300).await;
    becomes(&app, NEVER_LOOKED_AT, 0).await;
    assert_eq!(
        number(&app, LOOKS_AT_OTHERS).await,
        300,
        "whoever need not wait goes at once"
    );
    let (looks, come_by_now) = (number(&app, LOOKS).await, times(&sink, "@slow.test").len());
    come(&sink, "@slow.test", come_by_now + 20).await;
    program.stop().await;
    let more = number(&app, LOOKS).await - looks;
    assert!(more <= 20 + 15, "{more} looks at 20");
});

// Whoever is put off after somebody has called all up is not put behind a line that is no more.
both!(those_who_were_called_up_leave_no_gap, "", |app, sink| {
    set(&app, "10").await;
    crowd_at_slow_test(&app, 600).await;
    start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    becomes(&app, NEVER_LOOKED_AT, 0).await;
    // As another program does when it begins.
    let mut tx = app.db().begin().await.unwrap();
    account_queries::used_until(&mut tx, &account(&app)).await.unwrap();
    let called = loupe::messages::queries::domain_wait::requeue_waiting(&mut tx, Clock::System.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(called > 500, "{called}");
    let before = times(&sink, "@slow.test").len();
    come(&sink, "@slow.test", before + 40).await;
    program.stop().await;
    let times = times(&sink, "@slow.test");
    let gaps = times[before..].windows(2).map(|pair| pair[1] - pair[0]);
    let longest = gaps.max().unwrap();
    assert!(longest < Duration::from_secs(5), "nobody for {longest:?}");
});

// Nothing is wrong with a send whose people wait in line, and its page says what they wait for.
both!(waiting_in_line_is_no_trouble, "", |app, sink| {
    set(&app, "1").await;
    crowd_at_slow_test(&app, 300).await;
    let id = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 1).await;
    becomes(&app, NEVER_LOOKED_AT, 0).await;
    let send = sends::queries::find(app.db(), app.store.id, id).await.unwrap().unwrap();
    assert_eq!((send.paused_at, send.problem.as_deref()), (None, None));
    // Two minutes without anybody sent to, but nobody's turn has come.
    let quiet =
        "update messages set settled_at = '2000-01-01T00:00:00+00:00' where send_id = $1 and settled_at is not null";
    crate::support::people::change(app.db(), quiet, id).await;
    let now = Clock::System.now();
    assert!(!sends::stalled::is_stalled(&app.state, &send, now).await.unwrap());
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = words(&app.get(&send.page(), &cookie).await.text);
    assert!(
        page.contains("slow.test gets 1 message a second at most, so some wait."),
        "{page}"
    );
    set(&app, "").await;
    let page = words(&app.get(&send.page(), &cookie).await.text);
    assert!(!page.contains("so some wait"), "{page}");
    program.stop().await;
});
