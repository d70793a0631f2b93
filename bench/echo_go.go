// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"sync"
)

// A server (see echo.h): a goroutine for each connection.
func init() {
	families["echo"] = func(b *bench) {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		var all sync.WaitGroup
		all.Add(b.n)
		for i := 0; i < b.n; i++ {
			connection, err := listener.Accept()
			if err != nil {
				panic(err)
			}
			go func() {
				defer all.Done()
				defer connection.Close()
				buffer := make([]byte, 16<<10)
				for {
					got, err := connection.Read(buffer)
					if err != nil {
						return
					}
					if _, err = connection.Write(buffer[:got]); err != nil {
						return
					}
				}
			}()
		}
		all.Wait()
	}
}
