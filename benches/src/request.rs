//! The request that every server under test gets: what Chrome sends when somebody taps a link.
//!
//! A fixed path and a bare request would hide cache misses and the cost of a header map, so the code differs from
//! request to request and all fifteen headers are there, with the cookies that other sites' scripts leave behind.

use attribution_core::code::CODE_LEN;

/// Where the code stands in the request.
const CODE_AT: usize = "GET /".len();

/// A prebuilt request; only the code changes.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
}

/// What the request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Fifteen browser headers and cookies, or only `Host`.
    pub browser: bool,
    /// Asks the server to close the connection after the answer.
    pub close: bool,
}

impl Request {
    /// A request to `host`.
    pub fn new(host: &str, shape: Shape) -> Self {
        let connection = if shape.close { "close" } else { "keep-alive" };
        let mut text = format!("GET /{} HTTP/1.1\r\nHost: {host}\r\n", "0".repeat(CODE_LEN));
        if shape.browser || shape.close {
            text.push_str(&format!("Connection: {connection}\r\n"));
        }
        if shape.browser {
            text.push_str(
                "sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\r\n\
                 sec-ch-ua-mobile: ?1\r\n\
                 sec-ch-ua-platform: \"Android\"\r\n\
                 Upgrade-Insecure-Requests: 1\r\n\
                 User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Mobile Safari/537.36\r\n\
                 Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,\
                 */*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n\
                 Sec-Fetch-Site: cross-site\r\n\
                 Sec-Fetch-Mode: navigate\r\n\
                 Sec-Fetch-User: ?1\r\n\
                 Sec-Fetch-Dest: document\r\n\
                 Referer: https://weibo.example/u/1234567890/home?wvr=5&from=feed\r\n\
                 Accept-Encoding: gzip, deflate, br, zstd\r\n\
                 Accept-Language: zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7\r\n\
                 Cookie: _ga=GA1.2.1234567890.1700000000; _gid=GA1.2.987654321.1700000000; \
                 Hm_lvt_0123456789abcdef0123456789abcdef=1700000000,1700000100\r\n",
            );
        }
        text.push_str("\r\n");
        Self { bytes: text.into_bytes() }
    }

    /// The request for `code`.
    pub fn with_code(&mut self, code: [u8; CODE_LEN]) -> &[u8] {
        self.bytes[CODE_AT..CODE_AT + CODE_LEN].copy_from_slice(&code);
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_sends_fifteen_headers_and_cookies() {
        let mut request = Request::new("127.0.0.1:8080", Shape { browser: true, close: false });
        let text = String::from_utf8(request.with_code(*b"abcdefghi").to_vec()).unwrap();
        assert!(text.starts_with("GET /abcdefghi HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"));
        assert_eq!(text.trim_end().lines().count(), 1 + 15 + 1, "{text}");
        assert!((900..1_200).contains(&text.len()), "{}", text.len());
    }
}
