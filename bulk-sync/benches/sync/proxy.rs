//! A TCP proxy that delays what passes, and counts it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// What has passed.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes.
    pub sent: AtomicU64,
    /// Bytes.
    pub received: AtomicU64,
    /// How often a client began to send, or did so after the server had.
    pub round_trips: AtomicU64,
    client_was_last: AtomicBool,
}

impl Traffic {
    fn client_sends(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        if bytes > 0 && !self.client_was_last.swap(true, Ordering::Relaxed) {
            self.round_trips.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn server_sends(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        self.client_was_last.store(false, Ordering::Relaxed);
    }
}

/// Starts a proxy for a server, that of a round trip takes this time. Returns its address.
pub async fn start(server: String, rtt: Duration) -> io::Result<(String, Arc<Traffic>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let traffic = Arc::new(Traffic::default());
    let counted = Arc::clone(&traffic);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            if let Ok(upstream) = TcpStream::connect(&server).await {
                tokio::spawn(relay(client, upstream, rtt / 2, Arc::clone(&counted)));
            }
        }
    });
    Ok((address, traffic))
}

async fn relay(client: TcpStream, server: TcpStream, delay: Duration, traffic: Arc<Traffic>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = pass(from_client, to_server, delay, |bytes| traffic.client_sends(bytes));
    let back = pass(from_server, to_client, delay, |bytes| traffic.server_sends(bytes));
    // a side that closes ends the other's reading
    let _ = tokio::join!(there, back);
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    delay: Duration,
    count: impl Fn(usize),
) -> io::Result<()> {
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let read = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from.read(&mut buffer).await?;
            count(length);
            let chunk = buffer[..length].to_vec();
            if length == 0 || queue.send((Instant::now() + delay, chunk)).await.is_err() {
                drop(queue);
                return Ok(());
            }
        }
    };
    let write = async {
        while let Some((due, chunk)) = queued.recv().await {
            if !delay.is_zero() {
                sleep_until(due).await;
            }
            to.write_all(&chunk).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_| ())
}
