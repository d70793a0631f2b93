// SPDX-License-Identifier: MIT
//! A task for each connection, which finds the end of a request and answers, as in http_cede.c.
use crate::harness::Bench;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world!";

async fn answer(mut connection: TcpStream) {
    let mut buffer = [0u8; 4096];
    let mut size = 0;
    while let Ok(got) = connection.read(&mut buffer[size..]).await {
        if got == 0 {
            return;
        }
        size += got;
        while let Some(end) = buffer[..size].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            if connection.write_all(ANSWER).await.is_err() {
                return;
            }
            buffer.copy_within(end + 4..size, 0);
            size -= end + 4;
        }
    }
}

pub fn measure(bench: &Bench) {
    bench.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            connection.set_nodelay(true).unwrap();
            tokio::spawn(answer(connection));
        }
    });
}
