use std::future::Future;

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::*;
use crate::{
    issuer::{
        FetchError,
        fake_source::{COOL_DOWN, Fake, LIFETIME, MAXIMUM_AGE, TIMEOUT, secs},
    },
    time::ManualClock,
};

fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

/// Runs `ask` many times at once and gives what each came to.
async fn all_at_once<F, T>(fake: &Fake, ask: impl Fn(Arc<Live>) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        callers.spawn(ask(fake.live.clone()));
    }
    callers.join_all().await
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_keys_share_one_fetch() {
    let fake = Fake::start(["a"]);
    fake.takes(secs(2));
    let now = fake.now();
    let got = all_at_once(&fake, move |live| async move {
        assert_send(live.obtain(now)).await
    });
    assert!(got.await.iter().all(Result::is_ok));
    assert_eq!(fake.fetches(), 1);

    let again = all_at_once(&fake, move |live| async move { live.obtain(now).await });
    assert!(again.await.iter().all(Result::is_ok));
    assert_eq!(fake.fetches(), 1, "there are keys: nothing to fetch");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_outlives_whoever_asked_for_it() {
    let fake = Fake::start(["a"]);
    fake.takes(secs(2));
    let impatient = timeout(secs(1), fake.live.obtain(fake.now())).await;
    assert!(impatient.is_err());
    assert!(fake.live.current(fake.now()).is_none());
    fake.live.obtain(fake.now()).await.unwrap();
    assert_eq!(fake.fetches(), 1);

    let seen = fake.generation().unwrap();
    let impatient = fake.live.refresh_for_unknown_key(seen, fake.now());
    assert!(timeout(secs(1), impatient).await.is_err());
    fake.publish(["never looked at"]);
    sleep(secs(2)).await;
    assert_eq!((fake.fetches(), fake.kids()), (2, vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn keys_serve_without_waiting_while_a_fetch_is_under_way() {
    let fake = Fake::start(["a"]);
    let seen = fake.settled().await;
    fake.takes(secs(5));
    let live = fake.live.clone();
    let now = fake.now();
    let refresh = tokio::spawn(async move { live.refresh_for_unknown_key(seen, now).await });
    sleep(secs(1)).await;
    assert_eq!(fake.fetches(), 2);
    assert!(fake.live.current(fake.now()).is_some());
    let obtained = timeout(Duration::ZERO, fake.live.obtain(fake.now())).await;
    assert!(obtained.unwrap().is_ok());
    refresh.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn service_begins_by_itself_when_the_issuer_comes_up() {
    let fake = Fake::start([]);
    fake.fail(FetchError::Status(http::StatusCode::BAD_GATEWAY));
    let error = fake.live.obtain(fake.now()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "keys of the issuer cannot be fetched: answered 502 Bad Gateway"
    );
    assert!(error.retry_after() <= secs(5), "{error:?}");

    let now = fake.now();
    let got = all_at_once(&fake, move |live| async move {
        timeout(Duration::ZERO, live.obtain(now)).await
    });
    assert!(got.await.iter().all(|got| got.as_ref().unwrap().is_err()));
    assert_eq!(
        fake.fetches(),
        1,
        "until the next fetch is due the answer is known"
    );

    sleep(secs(100)).await;
    assert!((20..=45).contains(&fake.fetches()), "{}", fake.fetches());
    fake.publish(["a"]);
    sleep(secs(6)).await;
    assert!(fake.live.current(fake.now()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_is_given_up_and_asked_again() {
    let fake = Fake::start(["a"]);
    fake.takes(secs(3600));
    let before = fake.now();
    let KeysUnavailable::Fetch { error, .. } = fake.live.obtain(before).await.unwrap_err() else {
        panic!("stopped");
    };
    assert_eq!(error, FetchError::Timeout);
    assert_eq!(fake.now().since(before), TIMEOUT);
    fake.takes(Duration::ZERO);
    sleep(secs(2)).await;
    assert!(fake.live.current(fake.now()).is_some());
}

#[tokio::test(start_paused = true)]
async fn old_keys_serve_up_to_the_maximum_age_and_no_longer() {
    let fake = Fake::start(["a"]);
    let generation = fake.settled().await;
    let confirmed = fake.now();
    fake.fail(FetchError::Timeout);
    sleep(MAXIMUM_AGE.saturating_sub(secs(1))).await;
    assert_eq!(fake.generation(), Some(generation));
    assert!(fake.live.current(confirmed.plus(MAXIMUM_AGE)).is_some());
    let end = confirmed.plus(MAXIMUM_AGE + secs(1));
    assert!(fake.live.current(end).is_none());
    sleep(secs(2)).await;
    assert!(fake.live.obtain(fake.now()).await.is_err());
    assert!(!fake.live.health(fake.now()).serving);

    fake.publish(["a"]);
    sleep(secs(61)).await;
    assert!(fake.generation().is_some(), "it recovers by itself");
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cause_one_fetch_per_cool_down_for_everybody() {
    let fake = Fake::start(["a"]);
    let seen = fake.settled().await;
    fake.takes(secs(2));
    for round in 1..=3 {
        for _ in 0..2 {
            let now = fake.now();
            let got = all_at_once(&fake, move |live| async move {
                live.refresh_for_unknown_key(seen, now).await
            });
            let unchanged = |got: &Result<KeySnapshot, _>| got.as_ref().unwrap().generation == seen;
            assert!(got.await.iter().all(unchanged));
            assert_eq!(fake.fetches(), 1 + round);
        }
        sleep(COOL_DOWN).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_published_since_is_found() {
    let fake = Fake::start(["a"]);
    let seen = fake.settled().await;
    fake.takes(secs(2));
    fake.publish(["a", "b"]);
    let now = fake.now();
    let got = all_at_once(&fake, move |live| async move {
        live.refresh_for_unknown_key(seen, now).await
    });
    let found = |got: &Result<KeySnapshot, _>| got.as_ref().unwrap().keys.keys().len() == 2;
    assert!(got.await.iter().all(found));
    assert_eq!(fake.fetches(), 2);

    sleep(COOL_DOWN).await;
    let late = fake.live.refresh_for_unknown_key(seen, fake.now());
    let late = timeout(Duration::ZERO, late).await.unwrap().unwrap();
    assert_ne!(late.generation, seen);
    assert_eq!(
        fake.fetches(),
        2,
        "newer keys than those seen were there already"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_began_before_the_key_was_published_is_not_the_last_word() {
    let fake = Fake::start(["a"]);
    fake.takes(secs(2));
    sleep(secs(1)).await;
    fake.publish(["a", "b"]);
    let got = fake
        .live
        .refresh_for_unknown_key(1, fake.now())
        .await
        .unwrap();
    assert_eq!(got.keys.keys().len(), 2);
    assert_eq!(fake.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_of_an_unreachable_issuer_is_not_the_clients_fault() {
    let fake = Fake::start(["a"]);
    let seen = fake.settled().await;
    fake.fail(FetchError::Timeout);
    for _ in 0..2 {
        let got = fake.live.refresh_for_unknown_key(seen, fake.now()).await;
        assert!(matches!(got, Err(KeysUnavailable::Fetch { .. })), "{got:?}");
        assert_eq!(fake.fetches(), 2);
    }
    assert_eq!(fake.generation(), Some(seen), "known keys serve on");
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_looked_up_although_the_clock_was_set_back() {
    let fake = Fake::start(["a"]);
    let seen = fake.settled().await;
    for (back, fetches) in [(secs(0), 2), (secs(1), 2), (COOL_DOWN * 100, 3)] {
        let now = fake.now().minus(back);
        fake.live.refresh_for_unknown_key(seen, now).await.unwrap();
        assert_eq!(fake.fetches(), fetches, "{back:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ahead_costs_one_fetch() {
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let fake = Fake::start_with(["a"], clock.clone());
    fake.settled().await;
    clock.advance(MAXIMUM_AGE * 100);
    assert!(fake.live.current(clock.now()).is_none());
    fake.live.obtain(clock.now()).await.unwrap();
    assert!(fake.live.current(clock.now()).is_some());
    assert_eq!(fake.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_last_handle() {
    for (case, wait) in [("resting", secs(5)), ("under way", secs(1))] {
        let fake = Fake::start(["a"]);
        fake.takes(secs(2));
        sleep(wait).await;
        let copy = fake.live.clone();
        let world = fake.drop_handle();
        sleep(secs(1)).await;
        assert!(world.is_watched(), "{case}: a clone still lives");
        drop(copy);
        sleep(secs(1)).await;
        assert!(!world.is_watched(), "{case}");
    }
}

#[test]
fn without_its_runtime_the_task_keeps_nobody_waiting() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    for begun in [false, true] {
        let home = runtime();
        let fake = home.block_on(async {
            let fake = Fake::start(["a"]);
            if begun {
                fake.settled().await;
            }
            fake
        });
        drop(home);
        runtime().block_on(async {
            let now = fake.now();
            let too_old = now.plus(MAXIMUM_AGE * 2);
            let obtained = timeout(TIMEOUT, fake.live.obtain(too_old)).await;
            let refreshed = timeout(TIMEOUT, fake.live.refresh_for_unknown_key(1, now)).await;
            for result in [obtained, refreshed] {
                let result = result.unwrap().map(drop);
                assert_eq!(result, Err(KeysUnavailable::Stopped), "{begun}");
            }
            assert_eq!(
                fake.live.current(now).is_some(),
                begun,
                "what is known serves on"
            );
        });
    }
}

#[tokio::test(start_paused = true)]
async fn health_tells_how_things_stand() {
    let fake = Fake::start(["a", "b"]);
    fake.takes(secs(1));
    let start = fake.now();
    assert_eq!(fake.live.health(start), IssuerHealth::default());

    sleep(secs(3)).await;
    let health = fake.live.health(fake.now());
    assert!(health.serving && health.failures == 0 && health.last_error.is_none());
    assert_eq!((health.keys, health.last_success), (2, Some(start)));
    assert_eq!(health.age, Some(secs(3)));
    assert!(health.next_refresh.unwrap() > fake.now());

    fake.fail(FetchError::NoJwksUri);
    sleep(LIFETIME).await;
    let health = fake.live.health(fake.now());
    assert!(health.serving && health.failures > 2);
    assert_eq!(health.last_error.unwrap().error, FetchError::NoJwksUri);

    fake.publish(["a"]);
    sleep(secs(61)).await;
    let health = fake.live.health(fake.now());
    assert_eq!((health.failures, health.keys), (0, 1));
    assert!(
        health.last_error.is_some(),
        "what went wrong stays to be read"
    );
}
