// SPDX-License-Identifier: MIT

package main

import "time"

// As it was written for Go: children send to their parent's channel.
func skynetNode(up chan<- int, first, leaves int) {
	if leaves == 1 {
		up <- first
		return
	}
	const children = 10
	results := make(chan int)
	for i := 0; i < children; i++ {
		go skynetNode(results, first+i*(leaves/children), leaves/children)
	}
	sum := 0
	for i := 0; i < children; i++ {
		sum += <-results
	}
	up <- sum
}

func init() {
	families["skynet"] = func(b *bench) {
		start := time.Now()
		result := make(chan int)
		go skynetNode(result, 0, b.n)
		if <-result != b.n*(b.n-1)/2 {
			panic("skynet: wrong sum")
		}
		b.report("", "ms", time.Since(start).Seconds()*1e3)
	}
}
