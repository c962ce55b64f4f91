//! Carries the bytes of one connection.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Direction, Passage, Trouble, Wire,
    request::{Request, Requests},
};

/// How much is read at once.
const BUFFER: usize = 1 << 16;

/// One connection, and what has come of it.
pub(super) struct Carrier {
    wire: Arc<Wire>,
    from_client: OwnedReadHalf,
    from_server: OwnedReadHalf,
    to_client: Delayed,
    to_server: Delayed,
    requests: Requests,
    /// The number of the last request.
    current: Option<usize>,
    /// Whether the server was the last to send.
    is_answered: bool,
    swallowed: Option<Direction>,
}

/// The connection is over.
struct Over;

impl Carrier {
    pub fn new(wire: Arc<Wire>, client: TcpStream, server: TcpStream) -> Self {
        // without it the client's next packet waits for an acknowledgement; at
        // worst that is slow
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let requests = Requests::new(wire.protocol);
        Self {
            wire,
            from_client,
            from_server,
            to_client: Delayed::new(to_client),
            to_server: Delayed::new(to_server),
            requests,
            current: None,
            is_answered: true,
            swallowed: None,
        }
    }

    /// Carries until one side closes, or a fault does.
    pub async fn carry(mut self) {
        let (mut asked, mut answered) = (vec![0; BUFFER], vec![0; BUFFER]);
        loop {
            let carried = tokio::select! {
                read = self.from_client.read(&mut asked) => match read {
                    Ok(len) if len > 0 => self.ask(&asked[..len]).await,
                    _ => Err(Over),
                },
                read = self.from_server.read(&mut answered) => match read {
                    Ok(len) if len > 0 => self.answer(&answered[..len]).await,
                    _ => Err(Over),
                },
            };
            if carried.is_err() {
                break;
            }
        }
        // what was let through arrives
        tokio::join!(self.to_client.finish(), self.to_server.finish());
    }

    async fn ask(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.requests.push(bytes);
        while let Some(request) = self.requests.next() {
            self.send(&request).await?;
        }
        Ok(())
    }

    async fn send(&mut self, request: &Request) -> Result<(), Over> {
        let (number, passage) = self.wire.request(request, self.is_answered);
        self.current = Some(number);
        self.is_answered = false;
        self.pass(Direction::ToServer, &request.bytes, passage).await
    }

    async fn answer(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.is_answered = true;
        let passage = self.wire.answer(self.current, bytes.len());
        self.pass(Direction::ToClient, bytes, passage).await
    }

    async fn pass(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        passage: Passage,
    ) -> Result<(), Over> {
        if self.swallowed == Some(direction) {
            return Ok(());
        }
        let (passing, rest) = bytes.split_at(passage.bytes);
        self.write(direction, passing)?;
        match passage.then {
            None => Ok(()),
            Some(Trouble::Cut) => Err(Over),
            Some(Trouble::BlackHole) => {
                self.swallowed = Some(direction);
                Ok(())
            }
            Some(Trouble::Hold) => {
                self.wire.released().await;
                self.write(direction, rest)
            }
        }
    }

    fn write(&self, direction: Direction, bytes: &[u8]) -> Result<(), Over> {
        let writer = match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        };
        let due = Instant::now() + self.wire.state().delay;
        writer.queue.send((due, bytes.to_vec())).map_err(|_| Over)
    }
}

/// Writes each part when it is due.
struct Delayed {
    queue: UnboundedSender<(Instant, Vec<u8>)>,
    task: JoinHandle<()>,
}

impl Delayed {
    fn new(mut writer: OwnedWriteHalf) -> Self {
        let (queue, mut parts) = unbounded_channel::<(Instant, Vec<u8>)>();
        let task = tokio::spawn(async move {
            while let Some((due, bytes)) = parts.recv().await {
                sleep_until(due).await;
                if writer.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        });
        Self { queue, task }
    }

    /// Writes what is queued, and closes.
    async fn finish(self) {
        drop(self.queue);
        // it is over when the other side has gone, too
        let _ = self.task.await;
    }
}
