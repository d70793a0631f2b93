// SPDX-License-Identifier: MIT
//! Tasks that await a future which wakes its task and is ready the second time. Not tokio::task::yield_now(): that one
//! puts tasks aside until the driver has been polled, which is another question (and slower).
use crate::harness::{per_operation, Bench};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

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
