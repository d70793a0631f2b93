// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
	"time"
)

var yields int // of all; one thread runs at a time

func yieldTimes(laps int) {
	for ; laps > 0; laps-- {
		runtime.Gosched()
		yields++
	}
}

// Goroutines that call runtime.Gosched(); the first keeps the time, as in yield_cede.c.
func init() {
	families["yield"] = func(b *bench) {
		if b.question != "yield" {
			return
		}
		laps := b.count(10000000)/b.n + 1
		warmUp := laps/10 + 1
		var all sync.WaitGroup
		all.Add(b.n)
		go func() {
			defer all.Done()
			yieldTimes(warmUp)
			before, start := yields, time.Now()
			yieldTimes(laps)
			b.report("", "ns", perOperation(start, yields-before))
		}()
		for i := 1; i < b.n; i++ {
			go func() {
				defer all.Done()
				yieldTimes(warmUp + laps + 1)
			}()
		}
		all.Wait()
	}
}
