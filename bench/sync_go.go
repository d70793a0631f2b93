// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
	"time"
)

// Runs two goroutines until both end.
func inPair(first, second func()) {
	var both sync.WaitGroup
	both.Add(2)
	go func() { first(); both.Done() }()
	go func() { second(); both.Done() }()
	both.Wait()
}

func channelPingPong(turns int) {
	there, back := make(chan int), make(chan int)
	pass := func(in, out chan int, first bool) func() {
		return func() {
			ball := 0
			if first {
				out <- ball
			}
			for turn := 0; turn < turns; turn++ {
				ball = <-in
				if !first || turn+1 < turns {
					out <- ball
				}
			}
		}
	}
	inPair(pass(back, there, true), pass(there, back, false))
}

func selectOverFour(turns int) {
	var channels [4]chan int
	for i := range channels {
		channels[i] = make(chan int)
	}
	inPair(func() {
		for turn := 0; turn < 2*turns; turn++ {
			channels[turn%4] <- turn
		}
	}, func() {
		for turn := 0; turn < 2*turns; turn++ {
			select {
			case <-channels[0]:
			case <-channels[1]:
			case <-channels[2]:
			case <-channels[3]:
			}
		}
	})
}

// sync.Mutex lets the one that runs have it again, until the other has waited for a millisecond.
func mutexHandOver(turns int) {
	var mutex sync.Mutex
	task := func() {
		for turn := 0; turn < turns; turn++ {
			mutex.Lock()
			runtime.Gosched()
			mutex.Unlock()
		}
	}
	inPair(task, task)
}

func conditionPingPong(turns int) {
	var mutex sync.Mutex
	changed := [2]*sync.Cond{sync.NewCond(&mutex), sync.NewCond(&mutex)}
	turnOf := 0
	task := func(me int) func() {
		return func() {
			mutex.Lock()
			for turn := 0; turn < turns; turn++ {
				for turnOf != me {
					changed[me].Wait()
				}
				turnOf = 1 - me
				changed[1-me].Signal()
			}
			mutex.Unlock()
		}
	}
	inPair(task(0), task(1))
}

// A channel with room for one result, made for it alone: what Go has for a future.
func futurePingPong(turns int) {
	futures := make([]chan int, 2*turns)
	for i := range futures {
		futures[i] = make(chan int, 1)
	}
	inPair(func() {
		value := 0
		for turn := 0; turn < turns; turn++ {
			futures[2*turn] <- value + 1
			value = <-futures[2*turn+1]
		}
	}, func() {
		for turn := 0; turn < turns; turn++ {
			value := <-futures[2*turn]
			futures[2*turn+1] <- value + 1
		}
	})
}

func init() {
	questions := map[string]func(int){
		"channel ping-pong":      channelPingPong,
		"select over 4 channels": selectOverFour,
		"mutex hand-over":        mutexHandOver,
		"condition ping-pong":    conditionPingPong,
		"future ping-pong":       futurePingPong,
	}
	families["sync"] = func(b *bench) {
		ask := questions[b.question]
		if ask == nil {
			return
		}
		ask(b.count(50000))
		turns := b.count(500000)
		start := time.Now()
		ask(turns)
		b.report("", "ns", perOperation(start, 2*turns))
	}
}
