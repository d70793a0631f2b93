// SPDX-License-Identifier: MIT
//! Tasks that do nothing but yield.
use crate::harness::{per_operation, Bench, Yield};
use std::time::Instant;

pub fn measure(bench: &Bench) {
    if bench.question != "yield" {
        return;
    }
    let laps = bench.count(10000000) / bench.n + 1;
    let warm_up = laps / 10 + 1;
    let nanoseconds = bench.block_on(async move {
        let operations = laps * bench.n;
        let first = tokio::spawn(async move {
            for _ in 0..warm_up {
                Yield(false).await;
            }
            let start = Instant::now();
            for _ in 0..laps {
                Yield(false).await;
            }
            per_operation(start, operations)
        });
        for _ in 1..bench.n {
            tokio::spawn(async move {
                for _ in 0..warm_up + laps + 1 {
                    Yield(false).await;
                }
            });
        }
        first.await.unwrap()
    });
    bench.report("", "ns", nanoseconds);
}
