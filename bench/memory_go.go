// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Bytes, from a line of a file under /proc that gives kB.
func procBytes(path, key string) float64 {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var kilobytes float64
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, key) {
			fmt.Sscan(line[len(key):], &kilobytes)
		}
	}
	return kilobytes * 1024
}

func memoryNow() (rss, pageTables float64) {
	return procBytes("/proc/self/smaps_rollup", "Rss:"), procBytes("/proc/self/status", "VmPTE:")
}

// Goroutines that wait for a channel. Their stacks begin with 2 KiB and grow.
func init() {
	families["memory"] = func(b *bench) {
		end := make(chan struct{})
		parked := 0
		memoryNow()
		rss, pageTables := memoryNow()
		start := time.Now()
		for i := 0; i < b.n; i++ {
			go func() {
				parked++ // GOMAXPROCS is 1
				<-end
			}()
		}
		for parked < b.n {
			runtime.Gosched()
		}
		each := perOperation(start, b.n)
		rssAfter, pageTablesAfter := memoryNow()
		b.report("RSS", "B", (rssAfter-rss)/float64(b.n))
		b.report("page tables", "B", (pageTablesAfter-pageTables)/float64(b.n))
		b.report("time to make and park", "ns", each)
		close(end)
	}
}
