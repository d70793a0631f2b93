// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"syscall"
	"time"
)

func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// The sequence of bench_random(), as sleepers_duration_ns() uses it.
func sleeperDurations(n int, tiny bool) []time.Duration {
	longest, seed := uint32(1000), uint32(1)
	if tiny {
		longest = 20
	}
	durations := make([]time.Duration, n)
	for i := range durations {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		durations[i] = time.Duration(1+seed%(longest-1)) * time.Millisecond
	}
	return durations
}

// Goroutines in time.Sleep().
func init() {
	families["sleepers"] = func(b *bench) {
		var all sync.WaitGroup
		var late, latest time.Duration // GOMAXPROCS is 1, and nothing preempts so short a function
		early := 0
		durations := sleeperDurations(b.n, b.tiny())
		start, used := time.Now(), cpuSeconds()
		all.Add(b.n)
		for i := 0; i < b.n; i++ {
			go func(duration time.Duration) {
				due := time.Now().Add(duration)
				time.Sleep(duration)
				lateness := time.Since(due)
				if lateness < 0 {
					early++
				} else {
					late += lateness
				}
				if lateness > latest {
					latest = lateness
				}
				all.Done()
			}(durations[i])
		}
		all.Wait()
		b.report("wall", "s", time.Since(start).Seconds())
		b.report("CPU", "s", cpuSeconds()-used)
		b.report("mean lateness", "ms", late.Seconds()*1e3/float64(b.n))
		b.report("greatest lateness", "ms", latest.Seconds()*1e3)
		b.report("woken too early", "%", 100*float64(early)/float64(b.n))
	}
}
