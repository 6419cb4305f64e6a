//! Reading records back, for whoever compares Redis with the core.

use crate::server::Connection;
use crate::{Server, ServerError};
use redis::Pipeline;
use std::collections::BTreeMap;

impl Server {
    /// The bytes of some records, in the order of the keys; `None` where there is none. Each key comes with its bucket.
    ///
    /// # Errors
    /// If the server does not answer in time or refuses.
    pub async fn records(&self, keys: &[(u8, String)]) -> Result<Vec<Option<Vec<u8>>>, ServerError> {
        let mut groups: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (position, (bucket, _)) in keys.iter().enumerate() {
            // One server takes them all in one pipeline; a cluster bucket by bucket.
            let group = if matches!(self.connection, Connection::Single(_)) { 0 } else { *bucket };
            groups.entry(group).or_default().push(position);
        }
        let mut found = vec![None; keys.len()];
        for positions in groups.into_values() {
            let mut pipeline = Pipeline::new();
            for position in &positions {
                pipeline.get(&keys[*position].1);
            }
            let values: Vec<Option<Vec<u8>>> = match self.send(&pipeline).await {
                // A slot on its way: each key is on one side or the other.
                Err(error) if error.is_redirection() => {
                    let mut values = Vec::with_capacity(positions.len());
                    for position in &positions {
                        let mut command = redis::cmd("GET");
                        command.arg(&keys[*position].1);
                        values.push(self.query(&command).await?);
                    }
                    values
                }
                values => values?,
            };
            for (position, value) in positions.into_iter().zip(values) {
                found[position] = value;
            }
        }
        Ok(found)
    }
}
