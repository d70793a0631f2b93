// SPDX-License-Identifier: MIT
//! Tasks in tokio::time::sleep().
use crate::harness::Bench;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

fn cpu_seconds() -> f64 {
    // The first number of schedstat: nanoseconds on a CPU. Needs no other crate.
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// The sequence of bench_random(), as sleepers_duration_ns() uses it.
fn durations(n: u64, tiny: bool) -> Vec<Duration> {
    let longest = if tiny { 20 } else { 1000 };
    let mut seed = 1u32;
    (0..n)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            Duration::from_millis(1 + (seed % (longest - 1)) as u64)
        })
        .collect()
}

pub fn measure(bench: &Bench) {
    let durations = durations(bench.n, bench.tiny());
    bench.block_on(tokio::task::LocalSet::new().run_until(async move {
        let late = Rc::new(Cell::new((Duration::ZERO, Duration::ZERO, 0u32))); // sum, greatest, early
        let (start, used) = (Instant::now(), cpu_seconds());
        let mut tasks = Vec::with_capacity(durations.len());
        for duration in durations {
            let late = late.clone();
            tasks.push(tokio::task::spawn_local(async move {
                let due = Instant::now() + duration;
                tokio::time::sleep(duration).await;
                let lateness = due.elapsed(); // 0 if it is before
                let (sum, greatest, early) = late.get();
                late.set((sum + lateness, greatest.max(lateness), early + (Instant::now() < due) as u32));
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        bench.report("wall", "s", start.elapsed().as_secs_f64());
        bench.report("CPU", "s", cpu_seconds() - used);
        bench.report("mean lateness", "ms", late.get().0.as_secs_f64() * 1e3 / bench.n as f64);
        bench.report("greatest lateness", "ms", late.get().1.as_secs_f64() * 1e3);
        bench.report("woken too early", "%", 100.0 * late.get().2 as f64 / bench.n as f64);
    }));
}
