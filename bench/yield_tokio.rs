// SPDX-License-Identifier: MIT
//! Tasks that do nothing but yield.
use crate::harness::{per_operation, Bench, Yield};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

static YIELDS: AtomicU64 = AtomicU64::new(0); // of all, on one thread

async fn yield_times(laps: u64) {
    for _ in 0..laps {
        Yield(false).await;
        YIELDS.store(YIELDS.load(Relaxed) + 1, Relaxed);
    }
}

pub fn measure(bench: &Bench) {
    if bench.question != "yield" {
        return;
    }
    let laps = bench.count(10000000) / bench.n + 1;
    let warm_up = laps / 10 + 1;
    let nanoseconds = bench.block_on(async move {
        let first = tokio::spawn(async move {
            yield_times(warm_up).await;
            let before = YIELDS.load(Relaxed);
            let start = Instant::now();
            yield_times(laps).await;
            per_operation(start, YIELDS.load(Relaxed) - before)
        });
        for _ in 1..bench.n {
            tokio::spawn(yield_times(warm_up + laps + 1));
        }
        first.await.unwrap()
    });
    bench.report("", "ns", nanoseconds);
}
