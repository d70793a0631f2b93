// SPDX-License-Identifier: MIT
//! tokio::spawn() and its JoinHandle; JoinSet for the group.
use crate::harness::{per_operation, Bench};
use std::time::Instant;
use tokio::task::JoinSet;

async fn one_by_one(count: u64) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        tokio::spawn(async {}).await.unwrap();
    }
    per_operation(start, count)
}

async fn at_once(count: u64) -> f64 {
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(count as usize);
    for _ in 0..count {
        tasks.push(tokio::spawn(async {}));
    }
    for task in tasks {
        task.await.unwrap();
    }
    per_operation(start, count)
}

async fn group(count: u64) {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        tasks.spawn(async {});
    }
    while tasks.join_next().await.is_some() {}
}

pub fn measure(bench: &Bench) {
    bench.block_on(async {
        match bench.question.as_str() {
            "spawn+join one by one" => {
                one_by_one(bench.count(50000)).await;
                bench.report("", "ns", one_by_one(bench.count(1000000)).await);
            }
            "spawn at once, then join" => {
                bench.report("first", "ns", at_once(bench.n).await);
                bench.report("again", "ns", at_once(bench.n).await);
            }
            "group" => {
                const ROUNDS: u64 = 100;
                group(bench.n).await;
                let start = Instant::now();
                for _ in 0..ROUNDS {
                    group(bench.n).await;
                }
                bench.report("", "ns", per_operation(start, ROUNDS * bench.n));
            }
            _ => {}
        }
    });
}
