// SPDX-License-Identifier: MIT
//! tokio::time::sleep(): armed by its first poll, disarmed when it is dropped.
use crate::harness::{per_operation, Bench};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::{sleep, Sleep};

/// Polls a timer once, which arms it, and is ready.
struct Arm<'a>(Pin<&'a mut Sleep>);

impl Future for Arm<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let _ = self.0.as_mut().poll(context);
        Poll::Ready(())
    }
}

pub fn measure(bench: &Bench) {
    let mut seed = 1u32;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        Duration::from_millis(1000 + (seed % 1000000) as u64)
    };
    bench.block_on(async {
        let mut pending = Vec::with_capacity(bench.n as usize);
        for _ in 0..bench.n {
            let mut timer = Box::pin(sleep(next()));
            Arm(timer.as_mut()).await;
            pending.push(timer);
        }
        let count = bench.count(1000000);
        let start = Instant::now();
        for _ in 0..count {
            let timer = sleep(next());
            tokio::pin!(timer);
            Arm(timer.as_mut()).await;
        }
        bench.report("", "ns", per_operation(start, count));
    });
}
