// SPDX-License-Identifier: MIT
//! tokio::task::spawn_blocking(), at most four threads as the others have.
use crate::harness::{per_operation, Bench};
use std::time::Instant;

async fn clients(n: u64, calls: u64) {
    let mut tasks = Vec::new();
    for _ in 0..n {
        tasks.push(tokio::spawn(async move {
            for _ in 0..calls {
                tokio::task::spawn_blocking(|| {}).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

pub fn measure(bench: &Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let calls = bench.count(100000) / bench.n + 1;
        clients(bench.n, calls / 10 + 1).await;
        let start = Instant::now();
        clients(bench.n, calls).await;
        bench.report("", "ns", per_operation(start, bench.n * calls));
    });
}
