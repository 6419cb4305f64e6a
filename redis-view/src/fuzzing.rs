//! What must hold whatever bytes a Redis answers with: they go through the client's own reader, as all answers do.

use crate::ServerError;
use crate::server::fields;
use attribution_core::holder::HolderRecord;

/// No answer panics whoever asked, and every error is one of the known kinds.
pub fn answer(bytes: &[u8]) {
    let value = match redis::parse_redis_value(bytes) {
        Ok(value) => value,
        Err(error) => return error_is_known(error),
    };
    let _ = (fields(&value, "run_id:"), fields(&value, "maxmemory_policy:"));
    let _ = redis::from_redis_value_ref::<Vec<(u64, u64)>>(&value);
    match redis::from_redis_value_ref::<Vec<Option<Vec<u8>>>>(&value) {
        Ok(records) => {
            for record in records.into_iter().flatten() {
                attribution_core::fuzzing::holder(&record);
                let _ = HolderRecord::decode(&record);
            }
        }
        Err(error) => error_is_known(error.into()),
    }
    if let Err(error) = value.extract_error() {
        error_is_known(error);
    }
}

fn error_is_known(error: redis::RedisError) {
    let error = ServerError::from(error);
    assert!(!error.reason().is_empty());
    let _ = (error.needs_repair(), error.is_redirection(), error.to_string());
}

#[cfg(test)]
mod tests {
    /// Answers of every kind, cut off and damaged at every byte.
    #[test]
    fn no_answer_panics() {
        let answers: [&[u8]; 12] = [
            b"+OK\r\n",
            b"-READONLY You can't write against a read only replica.\r\n",
            b"-MOVED 3999 127.0.0.1:6381\r\n",
            b"-ASK 3999\r\n",
            b"-\r\n",
            b":9223372036854775808\r\n",
            b"$-1\r\n",
            b"$12\r\nrun_id:abc\r\n\r\n",
            b"*2\r\n$3\r\n\x01\x02\x03\r\n$-1\r\n",
            b"*-1\r\n",
            b"%1\r\n+a\r\n*1\r\n-LOADING x\r\n",
            b"*1000000000\r\n",
        ];
        for answer in answers {
            super::answer(answer);
            for at in 0..answer.len() {
                super::answer(&answer[..at]);
                for byte in [0, b'$', b'*', b'9', 0xff] {
                    let mut damaged = answer.to_vec();
                    damaged[at] = byte;
                    super::answer(&damaged);
                }
            }
        }
    }
}
