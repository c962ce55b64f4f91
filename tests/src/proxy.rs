//! Stands between a client and a database server, for tests of what happens
//! when the connection between them is slow, breaks or goes silent.
//!
//! Traffic is counted in *requests*: what a client sends before it waits for an
//! answer. Only the way from the client is read so closely; an answer is
//! whatever the server sends after a request. TLS has to be off, which
//! [`Proxy::url`] sees to.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use self::{carrier::Carrier, request::Request};

mod carrier;
mod request;

/// A way through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Where a fault strikes, counted over all connections from when it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before a request, counted from 0: nothing of it reaches the server.
    Before(usize),
    /// In the middle of a request: the server gets half of its bytes.
    Within(usize),
    /// After a request: the server carries it out, and the client gets nothing
    /// of the answer.
    Answer(usize),
    /// In the middle of the first part of an answer: the client gets half of it.
    WithinAnswer(usize),
    /// After so many bytes in a direction.
    Bytes(Direction, usize),
}

/// What happens to the connection that is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is closed on both sides.
    Cut,
    /// It stays open, and whatever comes in the direction of the place is
    /// swallowed.
    BlackHole,
    /// It waits for [`Proxy::release`].
    Hold,
}

/// What has gone through since the proxy was started, reset or given a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How often the client sent something after the server had.
    pub round_trips: usize,
    /// What was asked, in order. The text of a statement is known where it is
    /// sent: a prepared one is only `execute`.
    pub requests: Vec<String>,
    /// How many of the requests carry a statement out.
    pub statements: usize,
    to_server: usize,
    to_client: usize,
}

/// A proxy in front of one server; goes away with its connections when dropped.
pub struct Proxy {
    url: String,
    address: SocketAddr,
    wire: Arc<Wire>,
    listener: JoinHandle<()>,
}

/// The protocols of which requests are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Postgres,
    MySql,
}

/// What all connections of a proxy share.
struct Wire {
    protocol: Protocol,
    server: String,
    state: Mutex<State>,
    struck: watch::Sender<bool>,
    is_holding: watch::Sender<bool>,
    /// How often all connections were closed.
    cuts: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    traffic: Traffic,
    fault: Option<(Place, Trouble)>,
    delay: Duration,
}

/// How much of some bytes passes, and what then happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passage {
    bytes: usize,
    then: Option<Trouble>,
}

impl Proxy {
    /// Starts a proxy in front of the server of a URL.
    ///
    /// # Errors
    ///
    /// When the URL is not one of PostgreSQL or MySQL with a host and a port,
    /// or no port can be had to listen on.
    pub async fn start(url: &str) -> io::Result<Self> {
        let unusable = || io::Error::new(io::ErrorKind::InvalidInput, format!("a proxy for {url}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(unusable)?;
        let protocol = match scheme {
            "postgres" | "postgresql" => Protocol::Postgres,
            "mysql" => Protocol::MySql,
            _ => return Err(unusable()),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (format!("{user}@"), server),
            None => (String::new(), authority),
        };
        if !server.contains(':') {
            return Err(unusable());
        }
        let wire = Arc::new(Wire {
            protocol,
            server: server.to_owned(),
            state: Mutex::default(),
            struck: watch::Sender::new(false),
            is_holding: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
        });
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let without_tls = match protocol {
            Protocol::Postgres => "sslmode=disable",
            Protocol::MySql => "ssl-mode=disabled",
        };
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{scheme}://{user}{address}{path}{separator}{without_tls}");
        let listener = tokio::spawn(listen(socket, Arc::clone(&wire)));
        Ok(Self { url, address, wire, listener })
    }

    /// The URL that the proxy was started with, through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Delays everything by this long, one way.
    pub fn delay(&self, delay: Duration) {
        self.wire.state().delay = delay;
    }

    /// Sets the one fault that is to come, and counts from 0 again.
    pub fn fault(&self, place: Place, trouble: Trouble) {
        self.wire.struck.send_replace(false);
        self.wire.is_holding.send_replace(trouble == Trouble::Hold);
        let mut state = self.wire.state();
        state.traffic = Traffic::default();
        state.fault = Some((place, trouble));
    }

    /// Lets everything through, and counts from 0 again. What was struck before
    /// stays struck.
    pub fn reset(&self) {
        let mut state = self.wire.state();
        state.traffic = Traffic::default();
        state.fault = None;
    }

    /// What has gone through.
    pub fn traffic(&self) -> Traffic {
        self.wire.state().traffic.clone()
    }

    /// Whether the fault has struck.
    pub fn has_struck(&self) -> bool {
        *self.wire.struck.borrow()
    }

    /// Waits until the fault strikes.
    pub async fn struck(&self) {
        // the sender is here, so that it cannot be gone
        let _ = self.wire.struck.subscribe().wait_for(|struck| *struck).await;
    }

    /// Closes all connections that are open, as a network does that gives up.
    pub fn cut(&self) {
        self.wire.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets go on what a fault holds.
    pub fn release(&self) {
        self.wire.is_holding.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Serves connections until it is aborted, and they with it.
async fn listen(socket: TcpListener, wire: Arc<Wire>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = socket.accept().await {
        let wire = Arc::clone(&wire);
        connections.spawn(async move {
            // a client whose server does not answer is closed, as any other
            if let Ok(server) = TcpStream::connect(&wire.server).await {
                let mut cuts = wire.cuts.subscribe();
                tokio::select! {
                    () = Carrier::new(wire, client, server).carry() => {}
                    _ = cuts.changed() => {}
                }
            }
        });
    }
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, and gives its number with what becomes of it.
    fn request(&self, request: &Request, is_round_trip: bool) -> (usize, Passage) {
        let mut state = self.state();
        let traffic = &mut state.traffic;
        let number = traffic.requests.len();
        traffic.requests.push(request.text.clone());
        traffic.statements += usize::from(request.is_statement);
        traffic.round_trips += usize::from(is_round_trip);
        let len = request.bytes.len();
        let passing = match state.fault {
            Some((Place::Before(place), _)) if place == number => 0,
            Some((Place::Within(place), _)) if place == number => len / 2,
            Some((Place::Bytes(Direction::ToServer, limit), _)) => {
                len.min(limit.saturating_sub(state.traffic.to_server))
            }
            _ => len,
        };
        state.traffic.to_server += passing;
        (number, self.passage(&mut state, passing, len))
    }

    /// What becomes of a part of the answer to a request.
    fn answer(&self, number: Option<usize>, len: usize) -> Passage {
        let mut state = self.state();
        let passing = match state.fault {
            Some((Place::Answer(place), _)) if number == Some(place) => 0,
            Some((Place::WithinAnswer(place), _)) if number == Some(place) => len / 2,
            Some((Place::Bytes(Direction::ToClient, limit), _)) => {
                len.min(limit.saturating_sub(state.traffic.to_client))
            }
            _ => len,
        };
        state.traffic.to_client += passing;
        self.passage(&mut state, passing, len)
    }

    /// A fault strikes once.
    fn passage(&self, state: &mut State, passing: usize, len: usize) -> Passage {
        let then = if passing < len { state.fault.take() } else { None };
        if then.is_some() {
            self.struck.send_replace(true);
        }
        Passage { bytes: passing, then: then.map(|(_, trouble)| trouble) }
    }

    /// Waits for [`Proxy::release`].
    async fn released(&self) {
        let _ = self.is_holding.subscribe().wait_for(|is_holding| !is_holding).await;
    }
}
