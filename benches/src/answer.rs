//! The answer that the fixed servers give: as many bytes as the edge's own, so that no server sends less.

/// The destination without our token.
pub const DESTINATION: &str = "https://shop.example/item/000123?utm_source=promo&utm_medium=link";

/// A stand-in for a signed token of `payload` bytes: same length, same alphabet.
fn token(key_id: &str, payload: usize) -> String {
    let base64 = |bytes: usize| (bytes * 4).div_ceil(3);
    format!("v1.{key_id}.{}.{}", "A".repeat(base64(payload)), "B".repeat(base64(16)))
}

/// `Location` with a click token.
pub fn location() -> String {
    format!("{DESTINATION}&yk_click={}", token("g1e1", 65))
}

/// The visitor cookie and the claim cookie.
pub fn cookies() -> [String; 2] {
    let attributes = "Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax";
    [
        format!("yk_v={}; {attributes}", token("g1", 34)),
        format!("yk_c_bench={}; {attributes}", token("g1", 52)),
    ]
}

/// The whole answer as the raw server writes it.
pub fn raw(close: bool) -> Vec<u8> {
    let [visitor, claim] = cookies();
    let connection = if close { "connection: close\r\n" } else { "" };
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncache-control: private, no-store\r\nset-cookie: {visitor}\r\n\
         set-cookie: {claim}\r\n{connection}content-length: 0\r\ndate: Sat, 01 Nov 2025 00:00:00 GMT\r\n\r\n",
        location()
    )
    .into_bytes()
}
