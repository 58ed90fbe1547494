//! A client that speaks HTTP/2 frame by frame, and keeps to no more of it than a test wants (RFC 9113).

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
pub(crate) const GOAWAY: u8 = 0x7;
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
}

pub(crate) struct Http2(TcpStream);

impl Http2 {
    /// Opens a connection on which answers may have so many bytes of body before more are asked for.
    pub(crate) fn connect(address: &str, window: u32, patience: Duration) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        let mut connection = Self(stream);
        connection.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let setting = [&WINDOW.to_be_bytes()[..], &window.to_be_bytes()].concat();
        connection.write(SETTINGS, 0, 0, &setting).unwrap();
        connection
    }

    pub(crate) fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.write_all(&[&head, payload].concat())
    }

    /// Asks for a path.
    pub(crate) fn get(&mut self, path: &str, stream: u32) {
        self.write(HEADERS, END_STREAM | END_HEADERS, stream, &head(path)).unwrap();
    }

    /// The next frame, after what every client answers is answered; none once the connection is closed.
    pub(crate) fn read(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.fill(&mut head)?;
            let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap()];
            self.fill(&mut payload)?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match (Frame { kind: head[3], flags: head[4], stream }) {
                // The server may close before it has the answer.
                Frame { kind: PING, flags, .. } if flags & ACK == 0 => drop(self.write(PING, ACK, 0, &payload)),
                Frame { kind: SETTINGS, flags, .. } if flags & ACK == 0 => drop(self.write(SETTINGS, ACK, 0, &[])),
                frame => return Some(frame),
            }
        }
    }

    /// Reads until the answer of this stream is complete.
    pub(crate) fn await_end(&mut self, stream: u32) {
        while self.read().is_some_and(|frame| frame.stream != stream || frame.flags & END_STREAM == 0) {}
    }

    /// Waits until the connection is closed, and answers nothing.
    pub(crate) fn await_close(&mut self) {
        while self.fill(&mut [0]).is_some() {}
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        match self.0.read_exact(bytes) {
            Ok(()) => Some(()),
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => None,
            Err(error) => panic!("the connection stays open: {error}"),
        }
    }
}

/// The head of a GET without compression but for what the static table has (RFC 7541, appendix A).
pub(crate) fn head(path: &str) -> Vec<u8> {
    const GET: u8 = 0x82;
    const SCHEME_HTTP: u8 = 0x86;
    const PATH: u8 = 0x04;
    const AUTHORITY: u8 = 0x01;
    let text = |name: u8, value: &str| [&[name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [vec![GET, SCHEME_HTTP], text(PATH, path), text(AUTHORITY, "x")].concat()
}
