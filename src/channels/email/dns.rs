//! One question to the machine's resolver: which texts does a name have? Enough to see what other
//! mail servers see of a from-domain, and quick to give up where there is no network.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// A question is asked twice, each time waiting this long.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);
/// The largest answer asked for in one packet: what fits everywhere without being cut up.
const PACKET: u16 = 1232;
const TXT: u16 = 16;
const HEADER: usize = 12;

/// What a name has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Texts {
    /// Neither the name nor any name below it exists.
    NoSuchName,
    /// It exists, perhaps without any text.
    Found(Vec<String>),
}

impl Texts {
    /// Those that begin with a tag such as `v=spf1`, in whatever case.
    pub fn beginning(&self, tag: &str) -> Vec<&str> {
        let Texts::Found(texts) = self else { return Vec::new() };
        texts
            .iter()
            .map(String::as_str)
            .filter(|text| {
                text.get(..tag.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(tag))
            })
            .collect()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("no resolver is reachable")]
    Unreachable,
    #[error("the resolver can't say")]
    Failed,
}

/// Whom to ask.
#[derive(Clone, Copy, Debug)]
pub struct Resolver(SocketAddr);

impl Resolver {
    pub fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The machine's own, from `/etc/resolv.conf`.
    pub fn of_this_machine() -> Option<Self> {
        let text = std::fs::read_to_string("/etc/resolv.conf").ok()?;
        named_in(&text).map(|ip| Self(SocketAddr::new(ip, 53)))
    }

    /// The texts of a name.
    pub async fn texts(&self, name: &str) -> Result<Texts, NoAnswer> {
        let mut id = [0; 2];
        getrandom::fill(&mut id).map_err(|_| NoAnswer::Failed)?;
        let question = question(id, name).ok_or(NoAnswer::Failed)?;
        for _ in 0..2 {
            let Ok(Ok(answer)) = timeout(ANSWER_TIMEOUT, self.by_packet(&question)).await else {
                continue;
            };
            let answer = if is_cut_off(&answer) {
                let whole = timeout(ANSWER_TIMEOUT, self.by_stream(&question)).await;
                whole.ok().and_then(Result::ok).ok_or(NoAnswer::Failed)?
            } else {
                answer
            };
            return read(&answer).ok_or(NoAnswer::Failed);
        }
        Err(NoAnswer::Unreachable)
    }

    async fn by_packet(&self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let here: SocketAddr = match self.0 {
            SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            SocketAddr::V6(_) => ([0u16; 8], 0).into(),
        };
        let socket = UdpSocket::bind(here).await?;
        // Connected: packets of others don't arrive.
        socket.connect(self.0).await?;
        socket.send(question).await?;
        let mut answer = vec![0; usize::from(PACKET)];
        loop {
            let length = socket.recv(&mut answer).await?;
            // An answer to something else, perhaps to the first of two tries.
            if answer.get(..2) == question.get(..2) {
                answer.truncate(length);
                return Ok(answer);
            }
        }
    }

    async fn by_stream(&self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.0).await?;
        let length = u16::try_from(question.len()).unwrap_or_default();
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(question).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

/// The first resolver of a `resolv.conf`.
fn named_in(text: &str) -> Option<IpAddr> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .find_map(|rest| rest.trim().split('%').next()?.parse().ok())
}

/// A question for the texts of a name, with room asked for (RFC 1035 §4, RFC 6891 §6.1).
fn question(id: [u8; 2], name: &str) -> Option<Vec<u8>> {
    let mut out = Vec::from(id);
    // Please look it up; one question, and one line of our own at the end.
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|n| (1..=63).contains(n))?;
        out.push(length);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out.extend_from_slice(&TXT.to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&[0, 0, 41]);
    out.extend_from_slice(&PACKET.to_be_bytes());
    out.extend_from_slice(&[0; 6]);
    Some(out)
}

fn is_cut_off(answer: &[u8]) -> bool {
    answer.get(2).is_some_and(|flags| flags & 2 != 0)
}

/// What an answer says; `None` when it is none, or says that the resolver could not find out.
fn read(answer: &[u8]) -> Option<Texts> {
    let code = answer.get(3)? & 15;
    if code == 3 {
        return Some(Texts::NoSuchName);
    }
    if code != 0 {
        return None;
    }
    let mut rest = Reader { bytes: answer, at: 4 };
    let (questions, answers) = (rest.number()?, rest.number()?);
    rest.at = HEADER;
    for _ in 0..questions {
        rest.skip_name()?;
        rest.take(4)?;
    }
    let mut texts = Vec::new();
    for _ in 0..answers {
        rest.skip_name()?;
        let kind = rest.number()?;
        rest.take(6)?;
        let length = usize::from(rest.number()?);
        let data = rest.take(length)?;
        if kind == TXT {
            texts.push(joined(data)?);
        }
    }
    Some(Texts::Found(texts))
}

/// A text arrives in strings of at most 255 bytes.
fn joined(data: &[u8]) -> Option<String> {
    let mut rest = Reader { bytes: data, at: 0 };
    let mut text = Vec::new();
    while rest.at < data.len() {
        let length = usize::from(*rest.take(1)?.first()?);
        text.extend_from_slice(rest.take(length)?);
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Reads on through bytes that may be anything.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(n)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// A name ends with nothing, or with a pointer to where it goes on.
    fn skip_name(&mut self) -> Option<()> {
        loop {
            let length = *self.take(1)?.first()?;
            match length {
                0 => return Some(()),
                0xc0.. => return self.take(1).map(|_| ()),
                n => self.take(usize::from(n)).map(|_| ())?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer with these texts, each as the strings it arrives in, behind a compressed name.
    fn answer(question: &[u8], texts: &[&[&str]]) -> Vec<u8> {
        let mut out = question.get(..2).unwrap_or_default().to_vec();
        let count = u8::try_from(texts.len()).unwrap_or_default();
        out.extend_from_slice(&[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]);
        let asked = question.get(HEADER..question.len() - 11).unwrap_or_default();
        out.extend_from_slice(asked);
        for strings in texts {
            let data: Vec<u8> = strings
                .iter()
                .flat_map(|s| std::iter::once(u8::try_from(s.len()).unwrap_or_default()).chain(s.bytes()))
                .collect();
            out.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
            out.extend_from_slice(&u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
            out.extend_from_slice(&data);
        }
        out
    }

    #[test]
    fn a_text_in_several_strings_is_one() {
        let asked = question([7, 9], "aurelia.example.com").unwrap_or_default();
        let answer = answer(&asked, &[&["v=spf1 include:a", ".example.com -all"], &["other"]]);
        let read = read(&answer);
        assert_eq!(
            read,
            Some(Texts::Found(vec![
                "v=spf1 include:a.example.com -all".to_owned(),
                "other".to_owned()
            ]))
        );
        let spf = read.as_ref().map(|texts| texts.beginning("V=SPF1").len());
        assert_eq!(spf, Some(1));
    }

    #[test]
    fn no_such_name_and_no_idea_are_told_apart() {
        assert_eq!(
            read(&[0, 0, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]),
            Some(Texts::NoSuchName)
        );
        assert_eq!(read(&[0, 0, 0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(question([0, 0], "two..dots"), None);
        assert_eq!(question([0, 0], &"x".repeat(64)), None);
    }

    #[test]
    fn the_resolver_is_the_first_that_is_named() {
        let text = "# made by hand\nsearch example.com\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\n";
        assert_eq!(named_in(text), "fe80::1".parse().ok());
        assert_eq!(named_in("options edns0\n"), None);
    }

    #[tokio::test]
    async fn an_answer_that_does_not_fit_a_packet_is_fetched_whole() {
        let Ok(listener) = tokio::net::TcpListener::bind("127.0.0.1:0").await else {
            panic!("no port");
        };
        let at = listener.local_addr().unwrap_or_else(|e| panic!("{e}"));
        let socket = UdpSocket::bind(at).await.unwrap_or_else(|e| panic!("{e}"));
        tokio::spawn(async move {
            let mut asked = [0; 512];
            let (n, from) = socket.recv_from(&mut asked).await?;
            let mut cut = answer(asked.get(..n).unwrap_or_default(), &[]);
            if let Some(flags) = cut.get_mut(2) {
                *flags |= 2;
            }
            socket.send_to(&cut, from).await?;
            let (mut stream, _) = listener.accept().await?;
            let length = stream.read_u16().await?;
            let mut asked = vec![0; usize::from(length)];
            stream.read_exact(&mut asked).await?;
            let whole = answer(&asked, &[&["v=spf1 -all"]]);
            stream.write_u16(u16::try_from(whole.len()).unwrap_or_default()).await?;
            stream.write_all(&whole).await
        });
        let found = Resolver::at(at).texts("aurelia.example.com").await;
        assert_eq!(found, Ok(Texts::Found(vec!["v=spf1 -all".to_owned()])));
    }

    #[tokio::test]
    async fn silence_is_given_up_on() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap_or_else(|e| panic!("{e}"));
        let at = socket.local_addr().unwrap_or_else(|e| panic!("{e}"));
        let begun = std::time::Instant::now();
        assert_eq!(
            Resolver::at(at).texts("aurelia.example.com").await,
            Err(NoAnswer::Unreachable)
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
