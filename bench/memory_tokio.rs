// SPDX-License-Identifier: MIT
//! Tasks that wait for a Notify. They have no stack: what they need across a wait is in the task.
use crate::harness::{per_operation, Bench};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use tokio::sync::Notify;

/// Bytes, from a line of a file under /proc that gives kB.
fn proc_bytes(path: &str, key: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line[key.len()..].trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

fn memory_now() -> (f64, f64) {
    (proc_bytes("/proc/self/smaps_rollup", "Rss:"), proc_bytes("/proc/self/status", "VmPTE:"))
}

pub fn measure(bench: &Bench) {
    let n = bench.n;
    bench.block_on(tokio::task::LocalSet::new().run_until(async move {
        let end = Rc::new(Notify::new());
        let parked = Rc::new(Cell::new(0u64));
        memory_now();
        let before = memory_now();
        let start = Instant::now();
        for _ in 0..n {
            let (end, parked) = (end.clone(), parked.clone());
            tokio::task::spawn_local(async move {
                parked.set(parked.get() + 1);
                end.notified().await;
            });
        }
        while parked.get() < n {
            tokio::task::yield_now().await;
        }
        let each = per_operation(start, n);
        let after = memory_now();
        bench.report("RSS", "B", (after.0 - before.0) / n as f64);
        bench.report("page tables", "B", (after.1 - before.1) / n as f64);
        bench.report("time to make and park", "ns", each);
    }));
}
