//! Something that listens where Redis should.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower_fapi::replay::RedisReplayStore;

/// How it takes a command.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Reads and says nothing.
    Silent,
    /// Closes the connection.
    Rude,
    /// Answers as Redis does when connecting, and to `SET` with this.
    Answers(&'static str),
    /// Answers as Redis does, and to everything else not at all.
    SilentToSet,
}

/// A store whose server behaves like that.
pub async fn store(manner: Manner) -> RedisReplayStore {
    counted_store(manner).await.0
}

/// With it the number of connections that were made so far, and of those that are open.
pub async fn counted_store(manner: Manner) -> (RedisReplayStore, Arc<[AtomicUsize; 2]>) {
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = Arc::clone(&counts);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counts = Arc::clone(&counted);
            counts.iter().for_each(|count| add(count, 1));
            tokio::spawn(async move {
                serve(stream, manner).await;
                add(&counts[1], usize::MAX);
            });
        }
    });
    let builder = RedisReplayStore::builder(&url).unwrap();
    let builder = builder.response_time_limit(Duration::from_millis(150));
    (builder.unwrap().build().unwrap(), counts)
}

fn add(count: &AtomicUsize, number: usize) {
    count.fetch_add(number, Ordering::SeqCst);
}

async fn serve(mut stream: TcpStream, manner: Manner) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let answer = match manner {
            Manner::Silent => continue,
            Manner::Rude => return,
            Manner::Answers(answer) if text.contains("\r\nSET\r\n") => answer.to_owned(),
            Manner::SilentToSet if text.contains("\r\nSET\r\n") => continue,
            Manner::Answers(_) | Manner::SilentToSet => polite(&text),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What Redis says to what comes before the first record.
fn polite(text: &str) -> String {
    let mut answer = String::new();
    for command in text.split('*').skip(1) {
        if command.contains("TIME") {
            let now = crate::server::now().as_unix().to_string();
            let _ = write!(answer, "*2\r\n${}\r\n{now}\r\n$1\r\n0\r\n", now.len());
        } else if command.contains("INFO\r\n") && !command.contains("SETINFO") {
            let info = "run_id:fake\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n";
            let _ = write!(answer, "${}\r\n{info}\r\n", info.len());
        } else {
            answer += "+OK\r\n";
        }
    }
    answer
}
