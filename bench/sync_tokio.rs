// SPDX-License-Identifier: MIT
//! tokio::sync: mpsc (with room for one: it has no channel without a buffer), Mutex, oneshot. It has no condition.
use crate::harness::{per_operation, Bench, Yield};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, Mutex};

async fn in_pair(first: impl Future<Output = ()> + Send + 'static, second: impl Future<Output = ()> + Send + 'static) {
    let (first, second) = (tokio::spawn(first), tokio::spawn(second));
    first.await.unwrap();
    second.await.unwrap();
}

async fn channel_ping_pong(turns: u64) {
    let (there, mut there_end) = mpsc::channel(1);
    let (back, mut back_end) = mpsc::channel(1);
    in_pair(
        async move {
            for turn in 0..turns {
                there.send(turn).await.unwrap();
                back_end.recv().await.unwrap();
            }
        },
        async move {
            for _ in 0..turns {
                back.send(there_end.recv().await.unwrap()).await.unwrap();
            }
        },
    )
    .await;
}

async fn select_over_four(turns: u64) {
    let (a, mut a_end) = mpsc::channel(1);
    let (b, mut b_end) = mpsc::channel(1);
    let (c, mut c_end) = mpsc::channel(1);
    let (d, mut d_end) = mpsc::channel(1);
    let channels = [a, b, c, d];
    in_pair(
        async move {
            for turn in 0..2 * turns {
                channels[turn as usize % 4].send(turn).await.unwrap();
            }
        },
        async move {
            for _ in 0..2 * turns {
                tokio::select! {
                    Some(_) = a_end.recv() => {}
                    Some(_) = b_end.recv() => {}
                    Some(_) = c_end.recv() => {}
                    Some(_) = d_end.recv() => {}
                }
            }
        },
    )
    .await;
}

async fn lock(mutex: Arc<Mutex<()>>, turns: u64) {
    for _ in 0..turns {
        let _held = mutex.lock().await;
        Yield(false).await;
    }
}

async fn mutex_hand_over(turns: u64) {
    let mutex = Arc::new(Mutex::new(()));
    in_pair(lock(mutex.clone(), turns), lock(mutex, turns)).await;
}

async fn future_ping_pong(turns: u64) {
    let (mut there, mut there_ends) = (Vec::new(), Vec::new());
    let (mut back, mut back_ends) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let (sender, receiver) = oneshot::channel();
        there.push(sender);
        there_ends.push(receiver);
        let (sender, receiver) = oneshot::channel();
        back.push(sender);
        back_ends.push(receiver);
    }
    in_pair(
        async move {
            let mut value = 0u64;
            for (sender, receiver) in there.into_iter().zip(back_ends) {
                sender.send(value + 1).unwrap();
                value = receiver.await.unwrap();
            }
        },
        async move {
            for (receiver, sender) in there_ends.into_iter().zip(back) {
                sender.send(receiver.await.unwrap() + 1).unwrap();
            }
        },
    )
    .await;
}

async fn ask(question: &str, turns: u64) -> bool {
    match question {
        "channel ping-pong" => channel_ping_pong(turns).await,
        "select over 4 channels" => select_over_four(turns).await,
        "mutex hand-over" => mutex_hand_over(turns).await,
        "future ping-pong" => future_ping_pong(turns).await,
        _ => return false,
    }
    true
}

pub fn measure(bench: &Bench) {
    bench.block_on(async {
        if !ask(&bench.question, bench.count(50000)).await {
            return;
        }
        let turns = bench.count(500000);
        let start = Instant::now();
        ask(&bench.question, turns).await;
        bench.report("", "ns", per_operation(start, 2 * turns));
    });
}
