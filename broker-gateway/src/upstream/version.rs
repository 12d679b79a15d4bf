//! What nats-server says of its version comes in; whether the bus can stand on it goes out. Asked of each connection before its
//! handshake, so that whatever is behind an old server is held.

/// Below this nats-server has open advisories, or lacks what the bus stands on.
pub const SERVER_VERSION_MIN: [u32; 3] = [2, 14, 3];

pub fn is_enough(version: &str) -> bool {
    numbers(version).is_some_and(|numbers| numbers >= SERVER_VERSION_MIN)
}

fn numbers(text: &str) -> Option<[u32; 3]> {
    let plain = text.split('-').next()?;
    let numbers: Vec<u32> = plain
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for enough in ["2.15.1", "2.14.3", "2.14.10", "2.14.3-RC.1", "3.0.0"] {
            assert!(is_enough(enough), "{enough}");
        }
        for old in ["2.9.10", "2.10.1", "2.14.2", "new", "", "2.15"] {
            assert!(!is_enough(old), "{old}");
        }
    }
}
