// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"net/http"
)

// net/http, as everybody uses it.
func init() {
	families["http"] = func(b *bench) {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		body := []byte("Hello, world!")
		panic(http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			answer.Header().Set("Content-Type", "text/plain")
			answer.Write(body)
		})))
	}
}
