// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

// Goroutines have no join: each closes a channel of its own, or counts down a WaitGroup for those that are awaited
// together.
func spawnOneByOne(count int) float64 {
	start := time.Now()
	for i := 0; i < count; i++ {
		done := make(chan struct{})
		go func() { close(done) }()
		<-done
	}
	return perOperation(start, count)
}

func spawnAtOnce(count int) float64 {
	var all sync.WaitGroup
	start := time.Now()
	all.Add(count)
	for i := 0; i < count; i++ {
		go all.Done()
	}
	all.Wait()
	return perOperation(start, count)
}

func init() {
	families["spawn"] = func(b *bench) {
		switch b.question {
		case "spawn+join one by one":
			spawnOneByOne(b.count(50000))
			b.report("", "ns", spawnOneByOne(b.count(1000000)))
		case "spawn at once, then join":
			b.report("first", "ns", spawnAtOnce(b.n))
			b.report("again", "ns", spawnAtOnce(b.n))
		case "group":
			spawnAtOnce(b.n)
			const rounds = 100
			start := time.Now()
			for i := 0; i < rounds; i++ {
				spawnAtOnce(b.n)
			}
			b.report("", "ns", perOperation(start, rounds*b.n))
		}
	}
}
