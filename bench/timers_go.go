// SPDX-License-Identifier: MIT

package main

import "time"

// time.Timer, one that is used again: Reset() and Stop().
func init() {
	families["timers"] = func(b *bench) {
		seed := uint32(1)
		next := func() time.Duration {
			seed ^= seed << 13
			seed ^= seed >> 17
			seed ^= seed << 5
			return time.Duration(1000+seed%1000000) * time.Millisecond
		}
		pending := make([]*time.Timer, b.n)
		for i := range pending {
			pending[i] = time.AfterFunc(next(), func() {})
		}
		one := time.AfterFunc(next(), func() {})
		count := b.count(1000000)
		start := time.Now()
		for i := 0; i < count; i++ {
			one.Reset(next())
			one.Stop()
		}
		b.report("", "ns", perOperation(start, count))
	}
}
