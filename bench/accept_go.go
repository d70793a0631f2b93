// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"net"
)

// A server (see accept.h): a goroutine for each connection.
func init() {
	families["accept"] = func(b *bench) {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		for {
			connection, err := listener.Accept()
			if err != nil {
				panic(err)
			}
			go func() {
				defer connection.Close()
				var message [64]byte
				for i := 0; i < b.n; i++ {
					if _, err := io.ReadFull(connection, message[:]); err != nil {
						return
					}
					if _, err := connection.Write(message[:]); err != nil {
						return
					}
				}
			}()
		}
	}
}
