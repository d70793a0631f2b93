// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
	"time"
)

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
			for lap := 0; lap < warmUp; lap++ {
				runtime.Gosched()
			}
			start := time.Now()
			for lap := 0; lap < laps; lap++ {
				runtime.Gosched()
			}
			b.report("", "ns", perOperation(start, laps*b.n))
		}()
		for i := 1; i < b.n; i++ {
			go func() {
				defer all.Done()
				for lap := 0; lap < warmUp+laps+1; lap++ {
					runtime.Gosched()
				}
			}()
		}
		all.Wait()
	}
}
