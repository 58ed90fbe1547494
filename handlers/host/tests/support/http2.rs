//! An HTTP/2 client at the level of frames, which follows the protocol only as far as a test wants (RFC 9113).

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const CONTINUATION: u8 = 0x9;
const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
/// `SETTINGS_INITIAL_WINDOW_SIZE`.
const WINDOW: u16 = 0x4;

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Http2(TcpStream);

impl Http2 {
    /// Opens a connection with this initial window for the bodies of answers.
    pub(crate) fn connect(address: &str, window: u32, patience: Duration) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), window, patience)
    }

    /// Does the same over an existing connection.
    pub(crate) fn over(stream: TcpStream, window: u32, patience: Duration) -> Self {
        stream.set_read_timeout(Some(patience)).unwrap();
        stream.set_write_timeout(Some(patience)).unwrap();
        let mut connection = Self(stream);
        connection.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let setting = [&WINDOW.to_be_bytes()[..], &window.to_be_bytes()].concat();
        connection.write(SETTINGS, 0, 0, &setting).unwrap();
        connection
    }

    /// Limits the time for which the server may read nothing.
    pub(crate) fn set_write_timeout(&mut self, patience: Duration) {
        self.0.set_write_timeout(Some(patience)).unwrap();
    }

    pub(crate) fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.write_all(&[&head, payload].concat())
    }

    /// Sends a GET request.
    pub(crate) fn get(&mut self, path: &str, stream: u32) {
        self.write(HEADERS, END_STREAM | END_HEADERS, stream, &head(path)).unwrap();
    }

    /// Extends the windows of this stream and of the connection.
    pub(crate) fn allow(&mut self, stream: u32, bytes: u32) {
        for stream in [stream, 0] {
            // The server may have closed the stream or the connection.
            let _done = self.write(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
        }
    }

    /// Reads the next frame, after answering what every client answers; `None` once the connection is closed.
    pub(crate) fn read(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.fill(&mut head)?;
            let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap()];
            self.fill(&mut payload)?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let (kind, flags) = (head[3], head[4]);
            match kind {
                // The server may close before it has the answer.
                PING if flags & ACK == 0 => drop(self.write(PING, ACK, 0, &payload)),
                SETTINGS if flags & ACK == 0 => drop(self.write(SETTINGS, ACK, 0, &[])),
                _ => return Some(Frame { kind, flags, stream, payload }),
            }
        }
    }

    /// Reads until the answer of this stream is complete.
    pub(crate) fn await_end(&mut self, stream: u32) {
        while self.read().is_some_and(|frame| frame.stream != stream || frame.flags & END_STREAM == 0) {}
    }

    /// Waits until the connection is closed, without answering anything.
    pub(crate) fn await_close(&mut self) {
        while self.fill(&mut [0]).is_some() {}
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        match self.0.read_exact(bytes) {
            Ok(()) => Some(()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                ) =>
            {
                None
            }
            Err(error) => panic!("the connection stays open: {error}"),
        }
    }
}

/// Encodes the head of a GET, uncompressed except for entries of the static table (RFC 7541, appendix A).
pub(crate) fn head(path: &str) -> Vec<u8> {
    head_of("GET", path, &[])
}

/// Encodes the head of a request with these fields and the required ones.
pub(crate) fn head_of(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    head_with(Some("x"), method, path, fields)
}

/// Does the same with this `:authority`, or none.
pub(crate) fn head_with(authority: Option<&str>, method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    const SCHEME_HTTP: u8 = 0x86;
    const METHOD: u8 = 0x02;
    const PATH: u8 = 0x04;
    const AUTHORITY: u8 = 0x01;
    let mut block = vec![SCHEME_HTTP];
    for (name, value) in [(METHOD, Some(method)), (PATH, Some(path)), (AUTHORITY, authority)] {
        if let Some(value) = value {
            block.push(name);
            text(&mut block, value);
        }
    }
    for (name, value) in fields {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// Encodes a string literal, with its length as an integer with a 7-bit prefix (RFC 7541, sections 5.1 and 5.2).
fn text(block: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    if length < 0x7f {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(0x7f);
        length -= 0x7f;
        while length >= 0x80 {
            block.push(u8::try_from(length % 0x80 + 0x80).unwrap());
            length /= 0x80;
        }
        block.push(u8::try_from(length).unwrap());
    }
    block.extend_from_slice(text.as_bytes());
}
