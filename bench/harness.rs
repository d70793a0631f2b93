// SPDX-License-Identifier: MIT
//! What every subject in Rust shares: `bench_tokio FAMILY QUESTION N SIZE`, see harness.h. A family's file has
//! `pub fn measure(bench: &Bench)`, which prints nothing if the question is not for it.
//!
//! All run on a runtime of one thread, as cede does; the harness has bound the process to one CPU.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

pub struct Bench {
    pub question: String,
    pub n: u64,
    size: u64, // enum bench_size
}

impl Bench {
    /// One figure; aspect "" if there is only one.
    pub fn report(&self, aspect: &str, unit: &str, value: f64) {
        println!("{aspect}\t{unit}\t{value}");
    }

    /// As bench_count(): fewer operations in a small run.
    pub fn count(&self, normal: u64) -> u64 {
        std::cmp::max(1, normal / [2000, 4, 1, 1][self.size as usize])
    }

    pub fn tiny(&self) -> bool {
        self.size == 0
    }

    /// Runs a future to its end on a new runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }
}

/// Nanoseconds per operation since `start`.
pub fn per_operation(start: Instant, operations: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// Lets the other tasks run: wakes its task, and is ready the second time. Not tokio::task::yield_now(): that puts
/// tasks aside until the driver has been polled, which is another question (and slower).
pub struct Yield(pub bool);

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

pub fn run(families: &[(&str, fn(&Bench))]) {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 5 {
        eprintln!("usage: bench_tokio FAMILY QUESTION N SIZE");
        std::process::exit(2);
    }
    let bench = Bench {
        question: arguments[2].clone(),
        n: arguments[3].parse().unwrap(),
        size: arguments[4].parse().unwrap(),
    };
    for (family, measure) in families {
        if *family == arguments[1] {
            measure(&bench);
        }
    }
}
