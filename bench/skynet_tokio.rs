// SPDX-License-Identifier: MIT
//! tokio::spawn() and JoinHandle.
use crate::harness::Bench;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

const CHILDREN: u64 = 10;

/// Boxed, as a function that awaits itself has to be.
fn node(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return first;
        }
        let each = leaves / CHILDREN;
        let mut tasks = Vec::with_capacity(CHILDREN as usize);
        for i in 0..CHILDREN {
            tasks.push(tokio::spawn(node(first + i * each, each)));
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    })
}

pub fn measure(bench: &Bench) {
    let start = Instant::now();
    let sum = bench.block_on(async { tokio::spawn(node(0, bench.n)).await.unwrap() });
    assert_eq!(sum, bench.n * (bench.n - 1) / 2);
    bench.report("", "ms", start.elapsed().as_secs_f64() * 1e3);
}
