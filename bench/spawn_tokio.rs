// SPDX-License-Identifier: MIT
//! tokio::spawn() and its JoinHandle; JoinSet for the group.
use crate::harness::{per_operation, Bench};
use std::future::Future;
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

async fn groups(rounds: u64, count: u64) -> f64 {
    let start = Instant::now();
    for _ in 0..rounds {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            tasks.spawn(async {});
        }
        while tasks.join_next().await.is_some() {}
    }
    per_operation(start, rounds * count)
}

/// In a task of its own. The future that block_on() is given is no task: each time it goes on, the driver is asked for
/// events first, which is a system call.
async fn of_a_task(measured: impl Future<Output = f64> + Send + 'static) -> f64 {
    tokio::spawn(measured).await.unwrap()
}

pub fn measure(bench: &Bench) {
    bench.block_on(async {
        match bench.question.as_str() {
            "spawn+join one by one" => {
                of_a_task(one_by_one(bench.count(50000))).await;
                bench.report("", "ns", of_a_task(one_by_one(bench.count(1000000))).await);
            }
            "spawn at once, then join" => {
                bench.report("first", "ns", of_a_task(at_once(bench.n)).await);
                bench.report("again", "ns", of_a_task(at_once(bench.n)).await);
            }
            "group" => {
                of_a_task(groups(1, bench.n)).await;
                bench.report("", "ns", of_a_task(groups(100, bench.n)).await);
            }
            _ => {}
        }
    });
}
