//! The proxy of the tests does what they need of it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bulk_sync_tests::{
    proxy::{Direction, Place, Proxy, Trouble},
    suite::TestResult,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// How long a test waits for what should not come.
const SILENCE: Duration = Duration::from_millis(100);

/// A safety net around what has to come.
const LONG: Duration = Duration::from_secs(20);

type Received = Arc<Mutex<Vec<u8>>>;

/// A server that keeps what it receives, and answers `answer` to whatever comes.
async fn server() -> Result<(String, Received), std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let received = Received::default();
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = [0; 1024];
                while let Ok(len @ 1..) = stream.read(&mut bytes).await {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes[..len]);
                    if stream.write_all(b"answer").await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok((address, received))
}

fn text(received: &Received) -> String {
    let received = received.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&received).into_owned()
}

/// A command of MySQL's protocol.
fn command(code: u8, body: &str) -> Result<Vec<u8>, std::num::TryFromIntError> {
    Ok([&[u8::try_from(body.len() + 1)?, 0, 0, 0, code], body.as_bytes()].concat())
}

/// A message of PostgreSQL's protocol.
fn message(kind: u8, body: &str) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let len = u32::try_from(body.len() + 4)?;
    Ok([&[kind], &len.to_be_bytes()[..], body.as_bytes()].concat())
}

/// A proxy for the protocol, with a client, and what the server receives.
async fn through(scheme: &str) -> Result<(Proxy, TcpStream, Received), std::io::Error> {
    let (address, received) = server().await?;
    let proxy = Proxy::start(&format!("{scheme}://user@{address}/name?a=b")).await?;
    let client = TcpStream::connect(proxy.address()).await?;
    Ok((proxy, client, received))
}

/// Sends a request, and gives what comes back: nothing when the connection is closed.
async fn ask(client: &mut TcpStream, request: &[u8]) -> Result<String, std::io::Error> {
    client.write_all(request).await?;
    let mut answer = [0; 64];
    // a connection that is closed with something unread is reset
    let len = timeout(LONG, client.read(&mut answer)).await?.unwrap_or(0);
    Ok(String::from_utf8_lossy(&answer[..len]).into_owned())
}

#[tokio::test]
async fn requests_and_round_trips_are_counted_in_mysqls_protocol() -> TestResult {
    let (proxy, mut client, received) = through("mysql").await?;
    assert_eq!(proxy.url(), format!("mysql://user@{}/name?a=b&ssl-mode=disabled", proxy.address()));
    assert_eq!(ask(&mut client, &command(0x03, "BEGIN")?).await?, "answer");
    let two = [command(0x19, "1")?, command(0x17, "2")?].concat();
    assert_eq!(ask(&mut client, &two).await?, "answer");
    let traffic = proxy.traffic();
    assert_eq!(traffic.requests, ["BEGIN", "close a statement", "execute"]);
    assert_eq!((traffic.round_trips, traffic.statements), (2, 2));
    assert!(text(&received).ends_with("\u{17}2"));
    proxy.reset();
    assert_eq!(proxy.traffic(), bulk_sync_tests::proxy::Traffic::default());
    Ok(())
}

#[tokio::test]
async fn requests_and_round_trips_are_counted_in_postgresqls_protocol() -> TestResult {
    let (proxy, mut client, received) = through("postgres").await?;
    let startup = message(0, "\0\x03\0\0user\0u\0\0")?;
    ask(&mut client, &startup[1..]).await?;
    ask(&mut client, &message(b'Q', "BEGIN\0")?).await?;
    let sync = message(b'S', "")?;
    let prepare = [message(b'P', "s1\0SELECT 1\0\0\0")?, message(b'D', "Ss1\0")?, sync.clone()];
    ask(&mut client, &prepare.concat()).await?;
    let execute = [message(b'B', "\0s1\0")?, message(b'E', "\0")?, sync.clone()].concat();
    // in two parts: only the whole is a request
    let (first, second) = execute.split_at(7);
    client.write_all(first).await?;
    tokio::time::sleep(SILENCE).await;
    assert_eq!(proxy.traffic().requests.len(), 3);
    assert_eq!(ask(&mut client, second).await?, "answer");
    ask(&mut client, &sync).await?;
    let traffic = proxy.traffic();
    assert_eq!(traffic.requests, ["connect", "BEGIN", "prepare SELECT 1", "execute", "ping"]);
    assert_eq!((traffic.round_trips, traffic.statements), (5, 2));
    assert!(text(&received).contains("SELECT 1"));
    Ok(())
}

#[tokio::test]
async fn a_connection_is_cut_where_the_fault_says() -> TestResult {
    let cases = [
        (Place::Before(1), "first", ""),
        (Place::Within(1), "first\u{7}\0\0\0\u{3}", ""),
        (Place::Answer(1), "first\u{7}\0\0\0\u{3}second", ""),
        (Place::WithinAnswer(1), "first\u{7}\0\0\0\u{3}second", "ans"),
        (Place::Bytes(Direction::ToServer, 11), "first\u{7}", ""),
        (Place::Bytes(Direction::ToClient, 8), "first\u{7}\0\0\0\u{3}second", "an"),
    ];
    for (place, arrived, answered) in cases {
        let (proxy, mut client, received) = through("mysql").await?;
        proxy.fault(place, Trouble::Cut);
        assert_eq!(ask(&mut client, &command(0x03, "first")?).await?, "answer");
        assert!(!proxy.has_struck());
        assert_eq!(ask(&mut client, &command(0x03, "second")?).await?, answered, "{place:?}");
        timeout(LONG, proxy.struck()).await?;
        // the next connection is whole
        let mut next = TcpStream::connect(proxy.address()).await?;
        assert_eq!(ask(&mut next, &command(0x03, "third")?).await?, "answer", "{place:?}");
        let arrived = format!("\u{6}\0\0\0\u{3}{arrived}\u{6}\0\0\0\u{3}third");
        assert_eq!(text(&received), arrived, "{place:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_black_hole_swallows_one_direction_and_stays_open() -> TestResult {
    for (place, arrived) in [(Place::Before(0), ""), (Place::Answer(0), "first")] {
        let (proxy, mut client, received) = through("mysql").await?;
        proxy.fault(place, Trouble::BlackHole);
        client.write_all(&command(0x03, "first")?).await?;
        timeout(LONG, proxy.struck()).await?;
        client.write_all(&command(0x03, "second")?).await?;
        assert!(timeout(SILENCE, client.read(&mut [0; 8])).await.is_err(), "{place:?}");
        assert_eq!(text(&received).contains("first"), !arrived.is_empty(), "{place:?}");
        assert_eq!(text(&received).contains("second"), !arrived.is_empty(), "{place:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_held_goes_on_when_it_is_released() -> TestResult {
    let (proxy, mut client, received) = through("mysql").await?;
    proxy.fault(Place::Before(0), Trouble::Hold);
    client.write_all(&command(0x03, "first")?).await?;
    timeout(LONG, proxy.struck()).await?;
    assert!(timeout(SILENCE, client.read(&mut [0; 8])).await.is_err());
    assert_eq!(text(&received), "");
    proxy.release();
    assert_eq!(timeout(LONG, client.read(&mut [0; 8])).await??, "answer".len());
    assert!(text(&received).contains("first"));
    Ok(())
}

#[tokio::test]
async fn all_connections_are_cut_at_once() -> TestResult {
    let (proxy, mut client, _) = through("mysql").await?;
    let mut other = TcpStream::connect(proxy.address()).await?;
    for client in [&mut client, &mut other] {
        assert_eq!(ask(client, &command(0x03, "first")?).await?, "answer");
    }
    proxy.cut();
    for client in [&mut client, &mut other] {
        assert_eq!(timeout(LONG, client.read(&mut [0; 8])).await??, 0);
    }
    let mut next = TcpStream::connect(proxy.address()).await?;
    assert_eq!(ask(&mut next, &command(0x03, "first")?).await?, "answer");
    Ok(())
}

#[tokio::test]
async fn a_delay_is_added_to_each_way() -> TestResult {
    let (proxy, mut client, _) = through("mysql").await?;
    proxy.delay(Duration::from_millis(30));
    let begun = Instant::now();
    ask(&mut client, &command(0x03, "first")?).await?;
    assert!(begun.elapsed() >= Duration::from_millis(60));
    Ok(())
}

#[tokio::test]
async fn a_url_without_a_server_is_an_error() {
    for url in ["sqlite::memory:", "mysql://root@localhost/name", "nonsense"] {
        assert!(Proxy::start(url).await.is_err(), "{url}");
    }
}
