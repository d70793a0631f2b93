// SPDX-License-Identifier: MIT
//! A task for each connection, as in accept_cede.c.
use crate::harness::Bench;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn answer(mut connection: TcpStream, messages: u64) {
    let mut message = [0u8; 64];
    for _ in 0..messages {
        if connection.read_exact(&mut message).await.is_err() || connection.write_all(&message).await.is_err() {
            return;
        }
    }
}

pub fn measure(bench: &Bench) {
    bench.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(connection, bench.n));
        }
    });
}
