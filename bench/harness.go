// SPDX-License-Identifier: MIT

// What every subject in Go shares: `bench_go FAMILY QUESTION N SIZE`, see harness.h. A family's file registers its
// function in init(); that prints nothing if the question is not for it.
//
// One thread runs goroutines, as in cede: the harness has bound the process to one CPU, and GOMAXPROCS is 1.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

type bench struct {
	question string
	n        int
	size     int // enum bench_size
}

var families = map[string]func(*bench){}

// One figure; aspect "" if there is only one.
func (b *bench) report(aspect, unit string, value float64) {
	fmt.Printf("%s\t%s\t%g\n", aspect, unit, value)
}

// As bench_count(): fewer operations in a small run.
func (b *bench) count(normal int) int {
	count := normal / []int{2000, 4, 1, 1}[b.size]
	if count < 1 {
		return 1
	}
	return count
}

func (b *bench) tiny() bool { return b.size == 0 }

// Nanoseconds per operation since `start`.
func perOperation(start time.Time, operations int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(operations)
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: bench_go FAMILY QUESTION N SIZE")
		os.Exit(2)
	}
	n, _ := strconv.Atoi(os.Args[3])
	size, _ := strconv.Atoi(os.Args[4])
	runtime.GOMAXPROCS(1)
	if measure := families[os.Args[1]]; measure != nil {
		measure(&bench{os.Args[2], n, size})
	}
}
