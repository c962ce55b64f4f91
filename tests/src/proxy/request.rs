//! Takes what a client sends apart into requests.

use super::Protocol;

/// What a client sends before it waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub bytes: Vec<u8>,
    pub text: String,
    pub is_statement: bool,
}

/// Collects the bytes of a connection until a request is whole.
pub(super) struct Requests {
    protocol: Protocol,
    /// Whether PostgreSQL's first message, which has no type, is still to come.
    is_new: bool,
    bytes: Vec<u8>,
    /// Where the first frame begins that has not been looked at.
    seen: usize,
    text: Option<String>,
    is_statement: bool,
}

/// A message of the protocol.
struct Frame {
    len: usize,
    ends_request: bool,
    text: Option<String>,
    is_statement: bool,
}

impl Requests {
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, is_new: true, bytes: Vec::new(), seen: 0, text: None, is_statement: false }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole request.
    pub fn next(&mut self) -> Option<Request> {
        loop {
            let rest = &self.bytes[self.seen..];
            let frame = match self.protocol {
                Protocol::Postgres if self.is_new => startup(rest)?,
                Protocol::Postgres => postgres(rest)?,
                Protocol::MySql => mysql(rest)?,
            };
            self.seen += frame.len;
            self.is_statement |= frame.is_statement;
            // a statement that is sent with its parameters keeps its text
            self.text = self.text.take().or(frame.text);
            if frame.ends_request {
                let rest = self.bytes.split_off(self.seen);
                self.seen = 0;
                let text = std::mem::take(&mut self.text).unwrap_or_else(|| self.without_text());
                self.is_new &= text == REQUEST_TLS;
                return Some(Request {
                    bytes: std::mem::replace(&mut self.bytes, rest),
                    text,
                    is_statement: std::mem::take(&mut self.is_statement),
                });
            }
        }
    }

    /// Lone synchronisation is how PostgreSQL is pinged; what MySQL is sent that
    /// is no command belongs to the beginning of a connection.
    fn without_text(&self) -> String {
        match self.protocol {
            Protocol::Postgres => "ping".to_owned(),
            Protocol::MySql => "connect".to_owned(),
        }
    }
}

const REQUEST_TLS: &str = "request TLS";

/// The code in the place of a version with which a client asks for TLS.
const TLS_CODE: usize = 80_877_103;

fn startup(bytes: &[u8]) -> Option<Frame> {
    let len = big_endian(bytes, 0)?;
    let text = if big_endian(bytes, 4)? == TLS_CODE { REQUEST_TLS } else { "connect" };
    (bytes.len() >= len).then(|| Frame {
        len,
        ends_request: true,
        text: Some(text.to_owned()),
        is_statement: false,
    })
}

/// A type, the length of what follows (itself included), and that.
fn postgres(bytes: &[u8]) -> Option<Frame> {
    let len = 1 + big_endian(bytes, 1)?;
    let body = bytes.get(5..len)?;
    let kind = bytes[0];
    let text = match kind {
        b'Q' => Some(text(body)),
        b'P' => {
            let name = body.iter().position(|byte| *byte == 0)?;
            Some(format!("prepare {}", text(&body[name + 1..])))
        }
        b'B' => Some("execute".to_owned()),
        b'X' => Some("close".to_owned()),
        _ => None,
    };
    Some(Frame {
        len,
        ends_request: matches!(kind, b'Q' | b'S' | b'H' | b'X' | b'p'),
        text,
        is_statement: matches!(kind, b'Q' | b'B'),
    })
}

/// A length, a number that is 0 in the first packet of a command, and a body;
/// one of the greatest length goes on in the next packet.
fn mysql(bytes: &[u8]) -> Option<Frame> {
    const GREATEST: usize = 0xFF_FFFF;
    let [low, middle, high, sequence] = *bytes.first_chunk::<4>()?;
    let body_len = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let len = 4 + body_len;
    let body = bytes.get(4..len)?;
    let is_first = sequence == 0;
    let command = body.first().copied().filter(|_| is_first);
    let text = match command {
        Some(0x01) => Some("close".to_owned()),
        Some(0x03) => Some(text(&body[1..])),
        Some(0x0e) => Some("ping".to_owned()),
        Some(0x16) => Some(format!("prepare {}", text(&body[1..]))),
        Some(0x17) => Some("execute".to_owned()),
        Some(0x19) => Some("close a statement".to_owned()),
        Some(command) => Some(format!("command {command:#x}")),
        None => None,
    };
    Some(Frame {
        len,
        ends_request: body_len < GREATEST,
        text,
        is_statement: matches!(command, Some(0x03 | 0x17)),
    })
}

fn big_endian(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

/// Up to the first zero.
fn text(bytes: &[u8]) -> String {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}
