//! A small name server for TXT records, by UDP. Its packets are written by hand, so that nothing of the hub reads what it wrote itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What it says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Records, each of the strings in which a name server keeps a text.
    Texts(Vec<Vec<String>>),
    /// SERVFAIL.
    Failure,
    /// These bytes behind the number of the question, whatever they are.
    Bytes(Vec<u8>),
    /// Nothing at all.
    Silence,
}

/// A running name server. Of names of which nothing is written it says that there are none.
#[derive(Debug)]
pub struct NameServer {
    /// Where it listens.
    pub address: SocketAddr,
    said: Arc<Mutex<HashMap<String, Said>>>,
    task: JoinHandle<()>,
}

impl NameServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// There is no port.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let said: Arc<Mutex<HashMap<String, Said>>> = Arc::default();
        let known = Arc::clone(&said);
        let task = tokio::spawn(async move {
            let mut packet = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let Some(question) = Question::read(&packet[..length]) else { continue };
                let found = known.lock().expect("nobody panicked").get(&question.name).cloned();
                let answer = match found {
                    Some(Said::Silence) => continue,
                    Some(Said::Failure) => question.answer(2, &[]),
                    Some(Said::Bytes(bytes)) => [question.id.as_slice(), bytes.as_slice()].concat(),
                    Some(Said::Texts(texts)) if question.is_for_texts => question.answer(0, &texts),
                    Some(Said::Texts(_)) => question.answer(0, &[]),
                    None => question.answer(3, &[]),
                };
                // Who asked may have gone.
                let _ = socket.send_to(&answer, from).await;
            }
        });
        Self { address, said, task }
    }

    /// Writes down what it says of a name from now on.
    ///
    /// # Panics
    /// Another test's thread panicked meanwhile.
    pub fn say(&self, name: &str, said: Said) {
        self.said.lock().expect("nobody panicked").insert(name.to_ascii_lowercase(), said);
    }

    /// The same for records of one string each.
    pub fn say_texts(&self, name: &str, texts: &[&str]) {
        self.say(name, Said::Texts(texts.iter().map(|text| vec![(*text).to_owned()]).collect()));
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Question {
    id: [u8; 2],
    name: String,
    is_for_texts: bool,
    /// The name, type and class, as they came.
    bytes: Vec<u8>,
}

impl Question {
    fn read(packet: &[u8]) -> Option<Self> {
        let id = [*packet.first()?, *packet.get(1)?];
        let (mut at, mut labels) = (12, Vec::new());
        loop {
            let length = usize::from(*packet.get(at)?);
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(packet.get(at + 1..at + 1 + length)?).to_ascii_lowercase());
            at += 1 + length;
        }
        let bytes = packet.get(12..at + 5)?.to_vec();
        Some(Self { id, name: labels.join("."), is_for_texts: packet.get(at + 1..at + 3)? == [0, 16], bytes })
    }

    fn answer(&self, code: u8, texts: &[Vec<String>]) -> Vec<u8> {
        let count = u16::try_from(texts.len()).expect("few records").to_be_bytes();
        let mut packet = self.id.to_vec();
        // An answer to a question that asked for recursion, which is there.
        packet.extend([0x81, 0x80 | code, 0, 1, count[0], count[1], 0, 0, 0, 0]);
        packet.extend(&self.bytes);
        for text in texts {
            let mut strings = Vec::new();
            for part in text {
                strings.push(u8::try_from(part.len()).expect("at most 255 bytes"));
                strings.extend(part.as_bytes());
            }
            // The name of the question, TXT, IN, for a minute.
            packet.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
            packet.extend(u16::try_from(strings.len()).expect("a short text").to_be_bytes());
            packet.extend(strings);
        }
        packet
    }
}
