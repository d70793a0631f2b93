// SPDX-License-Identifier: MIT
//! A server (see echo.h): a task for each connection.
use crate::harness::Bench;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut connection: TcpStream) {
    let mut buffer = vec![0u8; 16 << 10];
    while let Ok(got) = connection.read(&mut buffer).await {
        if got == 0 || connection.write_all(&buffer[..got]).await.is_err() {
            return;
        }
    }
}

pub fn measure(bench: &Bench) {
    bench.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        let mut tasks = Vec::new();
        for _ in 0..bench.n {
            let (connection, _) = listener.accept().await.unwrap();
            connection.set_nodelay(true).unwrap();
            tasks.push(tokio::spawn(echo(connection)));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}
