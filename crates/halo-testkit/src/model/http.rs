//! Just enough HTTP/1.1 to be asked once a connection, and to misbehave on purpose.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reply::{Ending, Reply, Wire};

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// Method, `POST` for a completion.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body as it was sent.
    pub body: String,
    /// Body as JSON; `null` when it is none.
    pub json: Value,
}

impl RecordedRequest {
    /// Value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Messages of the conversation, or what stands in their place in the Responses API.
    #[must_use]
    pub fn messages(&self) -> &[Value] {
        let list = [&self.json["messages"], &self.json["input"]].into_iter().find_map(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    /// Names of the tools on offer, in order.
    #[must_use]
    pub fn tool_names(&self) -> Vec<String> {
        let tools = self.json["tools"].as_array().map_or(&[][..], Vec::as_slice);
        let name = |tool: &Value| {
            [&tool["function"]["name"], &tool["name"]].into_iter().find_map(Value::as_str).map(str::to_owned)
        };
        tools.iter().filter_map(name).collect()
    }

    /// Tool results of the conversation in order: id of the call, text.
    #[must_use]
    pub fn tool_results(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut results = Vec::new();
        for message in self.messages() {
            if message["role"] == "tool" {
                results.push((text(&message["tool_call_id"]), text(&message["content"])));
            }
            if message["type"] == "function_call_output" {
                results.push((text(&message["call_id"]), text(&message["output"])));
            }
            let blocks = message["content"].as_array().into_iter().flatten();
            let of_blocks = blocks.filter(|block| block["type"] == "tool_result");
            results.extend(of_blocks.map(|block| (text(&block["tool_use_id"]), text(&block["content"]))));
        }
        results
    }

    /// Text of the last message, empty when there is none.
    #[must_use]
    pub fn last_text(&self) -> &str {
        let Some(last) = self.messages().last() else {
            return "";
        };
        let block = last["content"].as_array().and_then(|blocks| blocks.last()).unwrap_or(last);
        let texts = [&block["content"], &block["text"], &block["output"]];
        texts.into_iter().find_map(Value::as_str).unwrap_or_default()
    }
}

/// Reads one request; `None` when the client closed the connection without one.
pub(super) async fn read_request(stream: &mut TcpStream) -> io::Result<Option<RecordedRequest>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let path = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(RecordedRequest { method, path, headers, json: serde_json::from_str(&body).unwrap_or(Value::Null), body }))
}

/// Writes a reply and ends the connection the way the reply says.
pub(super) async fn write_reply(mut stream: TcpStream, reply: &Reply, number: usize) -> io::Result<()> {
    match reply.wire(number) {
        Wire::Reset => {
            // No lingering: the client sees a reset, not an orderly end.
            stream.set_zero_linger()?;
            return Ok(());
        }
        Wire::Stall => return wait_for_the_client_to_leave(&mut stream).await,
        Wire::Whole { status, headers, content_type, body } => {
            let mut head = head_of(status, &headers, content_type);
            head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Wire::Stream { headers, pieces, ending } => {
            let mut head = head_of(200, &headers, "text/event-stream");
            head.push_str("transfer-encoding: chunked\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            for piece in pieces {
                let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
                stream.write_all(chunk.as_bytes()).await?;
                stream.flush().await?;
            }
            match ending {
                Ending::Complete => stream.write_all(b"0\r\n\r\n").await?,
                Ending::Cut => {}
                Ending::Stall => return wait_for_the_client_to_leave(&mut stream).await,
            }
        }
    }
    stream.shutdown().await
}

fn head_of(status: u16, headers: &[(String, String)], content_type: &str) -> String {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\ncontent-type: {content_type}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}

async fn wait_for_the_client_to_leave(stream: &mut TcpStream) -> io::Result<()> {
    let mut ignored = [0_u8; 256];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
