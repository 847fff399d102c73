//! Bytes to and from the server, readable or encrypted.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Taken away while it is being secured.
    Gone,
}

impl Wire {
    pub(super) async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read_buf(into).await,
            Wire::Tls(stream) => stream.read_buf(into).await,
            Wire::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Some of the bytes; how many.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes).await,
            Wire::Tls(stream) => stream.write(bytes).await,
            Wire::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(_) => Ok(()),
            Wire::Tls(stream) => stream.flush().await,
            Wire::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Wire::Tls(_))
    }
}
